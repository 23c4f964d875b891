package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/server"
	"perilune/policy/module"
)

// TestValuesRead is the table of values, the way to Lua.
func TestValuesRead(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"User-Name", "bob", `string "bob"`},
		{"Class", "0x00ff41", `string "\x00\xffA"`},
		{"NAS-Port", "7", "number 7"},
		{"Acme-Byte", "200", "number 200"},
		{"Service-Type", "Framed", `string "Framed-User"`},
		{"Service-Type", "77", "number 77"},
		{"Acme-Big", "9007199254740992", "number 9007199254740992"},
		{"Acme-Big", "9007199254740993", "userdata 9007199254740993"},
		{"Acme-Signed", "-5", "number -5"},
		{"Event-Timestamp", "2026-01-05T09:00:00Z", "number 1767603600"},
		{"Framed-IP-Address", "10.1.2.3", `string "10.1.2.3"`},
		{"NAS-IPv6-Address", "2001:db8:0:0::1", `string "2001:db8::1"`},
		{"Framed-IPv6-Prefix", "2001:db8::/32", `string "2001:db8::/32"`},
		{"Acme-Mac", "AA-BB-CC-00-11-22", `string "aa:bb:cc:00:11:22"`},
		{"Tunnel-Private-Group-Id", "20", `string "20"`},
		{"Acme-QoS.Down", "9", "number 9"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			h := load(t, fmt.Sprintf(`on("hints", function(req)
  local v = req[%q]
  req:note("got", type(v) .. " " .. (type(v) == "string" and ("%%q"):format(v) or tostring(v)))
end)`, c.name))
			r := h.access(c.name, c.value)
			h.run(server.PhaseHints, r)
			if len(r.Notes) != 1 {
				t.Fatalf("no note: %s", h.log)
			}
			got := strings.NewReplacer("\x00", `\x00`, "\xff", `\xff`, `\000`, `\x00`).Replace(r.Notes[0].Value)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestValuesWritten is the table of values, the way from Lua: the text of the attribute, or the error.
func TestValuesWritten(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"User-Name", `"bob"`, `User-Name = "bob"`},
		{"User-Name", `""`, `User-Name = ""`},
		{"User-Name", `("x"):rep(254)`, "User-Name: 254 octets are more than the 253 that fit"},
		{"User-Name", `true`, "User-Name: got a boolean, expected text"},
		{"Acme-Role", `("x"):rep(248)`, "Acme-Role: 248 octets are more than the 247 that fit"},
		{"Tunnel-Private-Group-Id", `("x"):rep(253)`, "Tunnel-Private-Group-Id: 253 octets are more than the 252 that fit"},
		{"User-Password", `("x"):rep(129)`, "User-Password: 129 octets are more than the 128 that fit"},
		{"Class", `"0x41"`, `Class = 0x30783431`},
		{"Class", `5`, "Class: got a number, expected a byte string"},
		{"Class", `{x="a"}`, "Class: got a table with the key x, expected a value or a list of values"},
		{"Class", `{"a", x="b"}`, "Class: got a table with the key x, expected a value or a list of values"},
		{"NAS-Port", "7", "NAS-Port = 7"},
		{"NAS-Port", `"7"`, "NAS-Port = 7"},
		{"NAS-Port", "7.5", "NAS-Port: 7.5 has a fraction, expected a whole number"},
		{"NAS-Port", "0/0", "NAS-Port: not a number (NaN)"},
		{"NAS-Port", "-1", "NAS-Port: -1 is out of range (0 to 4294967295)"},
		{"NAS-Port", "2^32", "NAS-Port: 4294967296 is out of range (0 to 4294967295)"},
		{"NAS-Port", "2^32 - 1", "NAS-Port = 4294967295"},
		{"NAS-Port", "1/0", "NAS-Port: +Inf is out of range (0 to 4294967295)"},
		{"NAS-Port", `" 7"`, `NAS-Port: got " 7", expected digits`},
		{"Acme-Byte", "255", "Acme-Byte = 255"},
		{"Acme-Byte", "256", "Acme-Byte: 256 is out of range (0 to 255)"},
		{"Service-Type", `"Framed"`, "Service-Type = Framed-User"},
		{"Service-Type", `2`, "Service-Type = Framed-User"},
		{"Service-Type", `"framed-user"`, `Service-Type: "framed-user" is spelt "Framed-User"`},
		{"Service-Type", `"Framed-Usr"`, `Service-Type: got "Framed-Usr", expected digits or a VALUE name; did you mean "Framed-User"?`},
		{"Service-Type", `true`, "Service-Type: got a boolean, expected a number, digits or a VALUE name"},
		{"Acme-Signed", "-2147483648", "Acme-Signed = -2147483648"},
		{"Acme-Signed", "-2147483649", "Acme-Signed: -2147483649 is out of range (-2147483648 to 2147483647)"},
		{"Acme-Signed", `"-3"`, "Acme-Signed = -3"},
		{"Acme-Big", `bytes.u64("18446744073709551615")`, "Acme-Big = 18446744073709551615"},
		{"Acme-Big", `2^53`, "Acme-Big = 9007199254740992"},
		{"NAS-Port", `bytes.u64("18446744073709551615")`, "NAS-Port: 18446744073709551615 is out of range (0 to 4294967295)"},
		{"Event-Timestamp", "1767603600", "Event-Timestamp = 2026-01-05T09:00:00Z"},
		{"Event-Timestamp", `"2026-01-05T09:00:00Z"`, "Event-Timestamp = 2026-01-05T09:00:00Z"},
		{"Framed-IP-Address", `"10.1.2.3"`, "Framed-IP-Address = 10.1.2.3"},
		{"Framed-IP-Address", `"here"`, `Framed-IP-Address is "here"; expected an IPv4 address`},
		{"Framed-IP-Address", `7`, "Framed-IP-Address: got a number, expected text"},
		{"Acme-Mac", `"aabb.cc00.1122"`, "Acme-Mac = aa:bb:cc:00:11:22"},
		{"Acme-QoS", `{["Down"]=5}`, "Acme-QoS.Down = 5"},
		{"Acme-QoS", `{["Dwn"]=5}`, `Acme-QoS: no field "Dwn"`},
		{"Acme-QoS", `5`, "Acme-QoS: got a number, expected a table of fields"},
		{"Attr-26.64999.99", `"ab"`, "Attr-26.64999.99 = 0x6162"},
		{"Message-Authenticator", `"x"`, "Message-Authenticator is written by the server alone"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			// The name is made up, so that it is not checked at load.
			h := load(t, fmt.Sprintf("on('hints', function(req)\n  local name = %q .. ''\n  req[name] = %s\nend)", c.name, c.value))
			r := h.access()
			v := h.run(server.PhaseHints, r)
			got := listText(&r.Attributes)
			if v != nil {
				_, got, _ = strings.Cut(h.log.String(), `hook \"a.lua:1\": `)
				got, _, _ = strings.Cut(got, `" req=`)
				got = strings.ReplaceAll(got, `\"`, `"`)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, h.log)
			}
		})
	}
}

// TestFieldsRoundTrip reads and writes a TLV as a table.
func TestFieldsRoundTrip(t *testing.T) {
	h := load(t, `on("hints", function(req)
  local q = req["Acme-QoS"]
  q.Up = q.Down + 1
  req.control["Acme-QoS"] = q
  req.control["Acme-QoS.Down"] = 50
end)`)
	r := h.access("Acme-QoS.Down", "7")
	h.run(server.PhaseHints, r)
	if diff := cmp.Diff("Acme-QoS.Down = 50, Acme-QoS.Up = 8", listText(&r.Control)); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
}

// TestDeclaredAttributes uses vendor{} and attribute{}.
func TestDeclaredAttributes(t *testing.T) {
	h, errs := tryLoad(t, map[string]string{"a.lua": `
vendor{name="Moon", id=65001}
attribute{vendor="Moon", name="Moon-Role", id=1, type="string", values=nil, tag=true}
attribute{vendor="Moon", name="Moon-Kind", id=2, type="integer", values={Full=1, New=2}}
attribute{vendor="Moon", name="Moon-QoS", id=3, type="tlv", fields={{id=1, name="Down", type="integer"}, {id=2, name="Up", type="integer", many=true}}}
attribute{name="My-Mark", type="string"}
on("hints", {when={["Moon-Kind"]="Full"}}, function(req)
  req.control["My-Mark"] = "full"
  req.control["Moon-Role:2"] = "x"
  req.control["Moon-QoS"] = {Down=3, Up={4, 5}}
  req:note("up", #req.control["Moon-QoS"].Up)
end)`}, nil)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	r := h.access("Moon-Kind", "Full")
	h.run(server.PhaseHints, r)
	want := `My-Mark = "full", Moon-Role:2 = "x", Moon-QoS.Down = 3, Moon-QoS.Up = 4, Moon-QoS.Up = 5`
	if diff := cmp.Diff(want, listText(&r.Control)); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
	if diff := cmp.Diff([]server.Note{{Key: "up", Value: "2"}}, r.Notes); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
}

func TestDeclarationErrors(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{`vendor{name="Acme", id=1}`, "a.lua:1: "},
		{`attribute{vendor="Nobody", name="N-A", id=1, type="string"}`, `no vendor "Nobody" is declared`},
		{`attribute{name="N-A", type="strng"}`, `no type "strng"; did you mean "string"?`},
		{`attribute{name="N-A", type="string", tagg=true}`, `no option "tagg"; did you mean "tag"?`},
		{`attribute{name="na", type="string"}`, `"na" looks like a field`},
		{`attribute{name="N-A", id=3, type="string"}`, "vendor and id go together"},
		{`attribute{name="User-Name", type="string"}`, "a.lua:1: "},
		{`vendor{name="X", id=70000, format="3,1"}`, `format: got "3,1"`},
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": c.script}, nil)
		if !strings.Contains(errs.Error(), c.want) {
			t.Errorf("%s gives %q, want %q", c.script, errs.Error(), c.want)
		}
	}
}

func TestPlainRoundTrip(t *testing.T) {
	table := &lua.LTable{Metatable: lua.LNil}
	table.RawSetString("a", lua.LNumber(1))
	table.RawSetInt(1, lua.LString("x\x00y"))
	inner := &lua.LTable{Metatable: lua.LNil}
	inner.RawSetString("b", lua.LTrue)
	table.RawSetString("t", inner)
	for _, v := range []lua.LValue{lua.LNil, lua.LTrue, lua.LFalse, lua.LNumber(-3), lua.LNumber(0.5), lua.LString("hé"), table} {
		b := appendPlain(nil, v)
		back, err := readPlain(b)
		if err != nil {
			t.Fatal(err)
		}
		if string(appendPlain(nil, back)) != string(b) {
			t.Errorf("%v came back as %v", v, back)
		}
	}
}

// FuzzPlain reads any octets; what is read is written and read again the same.
func FuzzPlain(f *testing.F) {
	f.Add([]byte{plainTable, 1, plainText, 1, 'a', plainWhole, 2})
	f.Add([]byte{plainTable, 255, 255, 255, 255, 15})
	f.Add([]byte{plainFloat, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := readPlain(b)
		if err != nil {
			return
		}
		if _, err := readPlain(appendPlain(nil, v)); err != nil {
			t.Errorf("%x is read but not written: %v", b, err)
		}
	})
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]string{
		"800ms": "800ms", "90s": "1m30s", "5m": "5m0s", "1h": "1h0m0s", "1d": "24h0m0s", "1.5s": "1.5s",
		"": "", "5": "", "-1s": "", "s": "", "1w": "", "9999999d": "",
	} {
		d, err := module.Duration("x", lua.LString(text))
		if got := d.String(); (want == "") != (err != nil) || want != "" && got != want {
			t.Errorf("%q gives %v, %v", text, d, err)
		}
	}
	if d, err := module.Duration("x", lua.LNumber(2.5)); err != nil || d.String() != "2.5s" {
		t.Error(d, err)
	}
}
