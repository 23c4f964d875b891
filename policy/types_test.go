package policy

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/server"
)

// TestEveryType writes a value of each type, reads it back and writes what was read: the second copy is the same.
func TestEveryType(t *testing.T) {
	for _, c := range []struct{ name, written, read, text string }{
		{"Acme-Role", `"grün"`, `string grün`, `Acme-Role = "grün"`},
		{"Acme-Role", `7`, `string 7`, `Acme-Role = "7"`},
		{"Class", `"\0\255"`, "string \x00\xff", `Class = 0x00ff`},
		{"Acme-Filter", `"\1\2"`, "string \x01\x02", `Acme-Filter = 0x0102`},
		{"Acme-Byte", `200`, `number 200`, `Acme-Byte = 200`},
		{"Acme-Byte", `1`, `string Low`, `Acme-Byte = Low`},
		{"Acme-Short", `"65535"`, `number 65535`, `Acme-Short = 65535`},
		{"NAS-Port", `0`, `number 0`, `NAS-Port = 0`},
		{"Service-Type", `"2"`, `string Framed-User`, `Service-Type = Framed-User`},
		{"Acme-Signed", `-1`, `number -1`, `Acme-Signed = -1`},
		{"Acme-Signed", `"2147483647"`, `number 2147483647`, `Acme-Signed = 2147483647`},
		{"Acme-Big", `"Few"`, `string Few`, `Acme-Big = Few`},
		{"Acme-Big", `2^53`, `number 9007199254740992`, `Acme-Big = 9007199254740992`},
		{"Acme-Big", `"18446744073709551615"`, `userdata 18446744073709551615`, `Acme-Big = 18446744073709551615`},
		{"Event-Timestamp", `"2026-01-05T10:00:00+01:00"`, `number 1767603600`, `Event-Timestamp = 2026-01-05T09:00:00Z`},
		{"Event-Timestamp", `4294967295`, `number 4294967295`, `Event-Timestamp = 2106-02-07T06:28:15Z`},
		{"Framed-IP-Address", `"010.1.2.3"`, ``, `Framed-IP-Address is "010.1.2.3"; expected an IPv4 address`},
		{"Framed-IP-Address", `"255.255.255.254"`, `string 255.255.255.254`, `Framed-IP-Address = 255.255.255.254`},
		{"NAS-IPv6-Address", `"2001:DB8:0:0:0::1"`, `string 2001:db8::1`, `NAS-IPv6-Address = 2001:db8::1`},
		{"Framed-IPv6-Prefix", `"2001:db8:1::/48"`, `string 2001:db8:1::/48`, `Framed-IPv6-Prefix = 2001:db8:1::/48`},
		{"Acme-Net", `"10.0.0.0/8"`, `string 10.0.0.0/8`, `Acme-Net = 10.0.0.0/8`},
		{"Acme-Either", `"10.1.2.3"`, `string 10.1.2.3`, `Acme-Either = 10.1.2.3`},
		{"Acme-Either", `"2001:db8::1"`, `string 2001:db8::1`, `Acme-Either = 2001:db8::1`},
		{"Acme-Port", `"0011:2233:4455:6677"`, `string 11:2233:4455:6677`, `Acme-Port = 11:2233:4455:6677`},
		{"Acme-Mac", `"AABBCC001122"`, `string aa:bb:cc:00:11:22`, `Acme-Mac = aa:bb:cc:00:11:22`},
		{"Tunnel-Type:31", `"VLAN"`, `string VLAN`, `Tunnel-Type:31 = VLAN`},
		{"Acme-Key", `"tunnel key"`, `string [secret]`, `Acme-Key = "tunnel key"`},
		{"Acme-QoS", `{Down=4294967295, Up=0}`, `table 4294967295 0`, `Acme-QoS.Down = 4294967295, Acme-QoS.Up = 0`},
	} {
		t.Run(c.name+" "+c.written, func(t *testing.T) {
			h := load(t, fmt.Sprintf(`on("authorize", function(req)
  local name = %q .. ""
  req.control[name] = %s
  local v = req.control[name]
  req:note("read", type(v) .. " " .. (type(v) == "table" and v.Down .. " " .. v.Up or tostring(v)))
  req.reply[name] = v
end)`, c.name, c.written))
			r := h.access()
			h.run(server.PhaseAuthorize, r)
			got := [3]string{"", h.complaint(), h.complaint()}
			if len(r.Notes) > 0 {
				got = [3]string{r.Notes[0].Value, listText(&r.Control), listText(&r.Reply)}
			}
			if diff := cmp.Diff([3]string{c.read, c.text, c.text}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWrongValues: what an attribute cannot hold raises, by type, and says what it holds.
func TestWrongValues(t *testing.T) {
	for _, c := range []struct{ name, written, want string }{
		{"Acme-Role", `{}`, ``},
		{"Acme-Role", `{a=1}`, `Acme-Role: got a table with the key a, expected a value or a list of values`},
		{"Acme-Role", `print`, `Acme-Role: got a function, expected text`},
		{"Acme-Role", `bytes.u64("18446744073709551615")`, `Acme-Role: got a userdata, expected text`},
		{"Class", `true`, `Class: got a boolean, expected a byte string`},
		{"Class", `("x"):rep(254)`, `Class: 254 octets are more than the 253 that fit`},
		{"Acme-Filter", `5`, `Acme-Filter: got a number, expected a byte string`},
		{"Acme-Byte", `"256"`, `Acme-Byte: 256 is out of range (0 to 255)`},
		{"Acme-Byte", `"Lo"`, `Acme-Byte: got "Lo", expected digits or a VALUE name; did you mean "Low"?`},
		{"Acme-Short", `65536`, `Acme-Short: 65536 is out of range (0 to 65535)`},
		{"Acme-Short", `-1`, `Acme-Short: -1 is out of range (0 to 65535)`},
		{"NAS-Port", `"0x10"`, `NAS-Port: got "0x10", expected digits`},
		{"NAS-Port", `"-1"`, `NAS-Port: got "-1", expected digits`},
		{"NAS-Port", `""`, `NAS-Port: got "", expected digits`},
		{"NAS-Port", `false`, `NAS-Port: got a boolean, expected a number or digits`},
		{"NAS-Port", `-1/0`, `NAS-Port: -Inf is out of range (0 to 4294967295)`},
		{"Acme-Signed", `2^31`, `Acme-Signed: 2147483648 is out of range (-2147483648 to 2147483647)`},
		{"Acme-Signed", `0.5`, `Acme-Signed: 0.5 has a fraction, expected a whole number`},
		{"Acme-Big", `2^54`, `Acme-Big: 18014398509481984 is out of range (0 to 9007199254740992)`},
		{"Acme-Big", `-1`, `Acme-Big: -1 is out of range (0 to 9007199254740992)`},
		{"Event-Timestamp", `2^32`, `Event-Timestamp: 4294967296 is out of range (0 to 4294967295)`},
		{"Event-Timestamp", `1.5`, `Event-Timestamp: 1.5 has a fraction, expected a whole number`},
		{"Event-Timestamp", `true`, `Event-Timestamp: got a boolean, expected epoch seconds or text`},
		{"Framed-IP-Address", `"::1"`, `Framed-IP-Address is "::1"; expected an IPv4 address`},
		{"Framed-IP-Address", `"10.0.0.0/8"`, `Framed-IP-Address is "10.0.0.0/8"; expected an IPv4 address`},
		{"NAS-IPv6-Address", `"10.0.0.1"`, `NAS-IPv6-Address is "10.0.0.1"; expected an IPv6 address`},
		{"Framed-IPv6-Prefix", `"2001:db8::/129"`, `Framed-IPv6-Prefix is "2001:db8::/129"; expected an IPv6 prefix as 2001:db8::/32`},
		{"Acme-Net", `"10.0.0.0/33"`, `Acme-Net is "10.0.0.0/33"; expected an IPv4 prefix as 192.0.2.0/24`},
		{"Acme-Either", `"x"`, `Acme-Either is "x"; expected an address`},
		{"Acme-Port", `"1:2:3"`, `Acme-Port is "1:2:3"; expected an interface identifier as 0:0:0:1`},
		{"Acme-Mac", `"aa:bb:cc:00:11"`, `Acme-Mac is "aa:bb:cc:00:11"; expected a MAC as 00:00:5e:00:53:01`},
		{"Acme-Mac", `5`, `Acme-Mac: got a number, expected text`},
		{"Acme-Key", `true`, `Acme-Key: got a boolean, expected text`},
		{"Acme-Key", `("x"):rep(240)`, `Acme-Key: 240 octets are more than the 239 that fit`},
		{"Acme-QoS", `{Down=1, Sideways=2}`, `Acme-QoS: no field "Sideways"`},
		{"Acme-QoS", `{[1]=true}`, `Acme-QoS: got a boolean, expected a table of fields`},
		{"Acme-QoS", `"x"`, `Acme-QoS: got a string, expected a table of fields`},
		{"Acme-QoS.Down", `{}`, ``},
		{"Acme-QoS.Down", `"x"`, `Acme-QoS.Down: got "x", expected digits`},
	} {
		t.Run(c.name+" "+c.written, func(t *testing.T) {
			h := load(t, fmt.Sprintf("on('hints', function(req)\n  local name = %q .. ''\n  req.control[name] = %s\nend)", c.name, c.written))
			r := h.access()
			h.run(server.PhaseHints, r)
			if diff := cmp.Diff(c.want, h.complaint()); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, h.log)
			}
			if len(r.Control.Pairs) > 0 {
				t.Errorf("a wrong value was set: %s", listText(&r.Control))
			}
		})
	}
}

// TestSecretsStayOut: the error of a wrong value never shows what was written to a secret attribute.
func TestSecretsStayOut(t *testing.T) {
	h := load(t, "on('hints', function(req) req.control['Acme-Pin'] = 'pin' .. '4711' end)")
	h.run(server.PhaseHints, h.access())
	if diff := cmp.Diff("Acme-Pin: got text that is not digits", h.complaint()); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
}

// TestMalformedValues: what does not fit its type reads as nil under its name and as octets by number.
func TestMalformedValues(t *testing.T) {
	for _, name := range []string{"NAS-Port", "Acme-Byte", "Acme-Signed", "Acme-Big", "Event-Timestamp", "Service-Type"} {
		h := load(t, fmt.Sprintf(`on("hints", function(req)
  req:note("v", tostring(req[%q]) .. " " .. tostring(req:is(%q, 5)))
end)`, name, name))
		r := h.access()
		r.Attributes.AddShared(dictionary.Pair{Attr: h.gen.Dictionary.Attribute(name), Value: []byte{1, 2, 3}})
		h.run(server.PhaseHints, r)
		if got := noteText(r); got != "v=nil false" {
			t.Errorf("%s of three octets: %q\n%s", name, got, h.log)
		}
	}
}

// TestMalformedByNumber: what a packet brings that does not fit a declared attribute is read, counted and
// deleted by its number.
func TestMalformedByNumber(t *testing.T) {
	h := load(t, `on("hints", function(req)
  req:note("v", #req["Attr-5"] .. " " .. req:count("Attr-5") .. " " .. tostring(req["NAS-Port"]) .. " " .. tostring(req:all("Attr-5")[2]))
  req:note("d", req:del("Attr-5") .. " " .. req:count("Attr-5") .. " " .. tostring(req:has("NAS-Port")))
end)`)
	r := h.access()
	if err := h.gen.Dictionary.Decode(&r.Attributes, []byte{5, 5, 1, 2, 3, 5, 6, 0, 0, 0, 7}, nil, nil); err != nil {
		t.Fatal(err)
	}
	h.run(server.PhaseHints, r)
	if got := noteText(r); got != "v=3 2 7 7 d=2 0 false" {
		t.Errorf("%q\n%s", got, h.log)
	}
}
