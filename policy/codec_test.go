package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
	"pgregory.net/rapid"

	"perilune/engine/server"
)

// mapCodec is a codec of one octet: slot and port, four bits each.
const mapCodec = `local function decode(s)
  if #s ~= 1 then error("a map has one octet, got " .. #s) end
  local n = s:byte()
  return {slot = math.floor(n / 16), port = n % 16}
end
local function encode(v)
  if type(v) ~= "table" or type(v.slot) ~= "number" or v.slot > 15 then error("slot must be a number up to 15") end
  return string.char(v.slot * 16 + v.port)
end
attribute{vendor="Acme", name="Acme-Map", id=90, type="octets",
  codec={decode=decode, encode=encode, examples={{hex="23", value={slot=2, port=3}}}}}
`

// TestCodec uses an attribute with a codec in each place where attributes are used.
func TestCodec(t *testing.T) {
	h := load(t, mapCodec+`
local fixed = accept{["Acme-Map"]={slot=1, port=1}}
on("hints", {when={["Acme-Map"]="{slot=2, port=3}"}}, function(req) req:note("when", "map") end)
on("hints", {when={["Acme-Map"]={"{slot=9,port=9}", "0x24"}}}, function(req) req:note("when", "list") end)
on("hints", function(req)
  local m = req["Acme-Map"]
  req:note("read", m and (m.slot .. "/" .. m.port) or "nil")
  req:note("is", req:is("Acme-Map", "{port=3,slot=2}"))
  if m then m.port = 7 req["Acme-Map"] = m req:add("Acme-Map", {slot=4, port=5}) end
  for name, value in req:pairs() do
    if name ~= "User-Name" then req:note(name .. (m and m.port == 7 and value.slot or ""), type(value) == "table" and value.slot .. "/" .. value.port or bytes.hex(value)) end
  end
end)
on("authorize", function(req) return fixed end)`)
	r := h.access("User-Name", "bob", "Acme-Map", "0x23")
	if v := h.run(server.PhaseHints, r); v != nil {
		t.Fatalf("%+v\n%s", v, h.log)
	}
	if diff := cmp.Diff("when=map read=2/3 is=true Acme-Map2=2/7 Acme-Map4=4/5", noteText(r)); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
	if got, want := listText(&r.Attributes), `User-Name = "bob", Acme-Map = "{slot=2,port=7}", Acme-Map = "{slot=4,port=5}"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if v := h.run(server.PhaseAuthorize, r); v == nil || v.Attributes[0].Value[0] != 0x11 {
		t.Errorf("%+v\n%s", v, h.log)
	}
	// Octets that cannot be decoded: nil under the name, octets by number, and one line in the log.
	r = h.access("Acme-Map", "0x2324")
	h.run(server.PhaseHints, r)
	if diff := cmp.Diff("read=nil is=false Attr-26.64999.90=2324", noteText(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text := "a.lua:10: codec of Acme-Map: decode: a.lua:2: a map has one octet, got 2"; strings.Count(h.log.String(), text) != 1 {
		t.Errorf("want %q once in\n%s", text, h.log)
	}
}

// TestCodecErrors: what is wrong with a codec's declaration or its examples is told at load, with the line of
// attribute{}.
func TestCodecErrors(t *testing.T) {
	for declared, want := range map[string]string{
		`codec=5`:                    `attribute: codec: got a number, expected a table with decode, encode and examples`,
		`codec={}`:                   `attribute: codec: decode: got a nil, expected a function`,
		`codec={decode=f, encode=f}`: `attribute: codec: there is no example; expected examples={{hex="23", value=…}}`,
		`codec={decode=f, encode=f, exmaples={}}`:                                                                                                               `attribute: codec: there is no example; expected examples={{hex="23", value=…}}`,
		`codec={decode=f, encode=f, examples={5}}`:                                                                                                              `attribute: codec: example 1: got a number, expected examples={{hex="23", value=…}}`,
		`codec={decode=f, encode=f, examples={{hex="2", value="x"}}}`:                                                                                           `attribute: codec: example 1: hex: got "2", expected hexadecimal digits of one octet at least`,
		`codec={decode=f, encode=f, examples={{hex="23"}}}`:                                                                                                     `attribute: codec: example 1: value: got nil, expected text, a number, a boolean or a table`,
		`codec={decode=f, encode=f, examples={{hex="23", value={1}}}}`:                                                                                          `attribute: codec: example 1: value: got a list, which would be many values; expected named fields, as {items={…}}`,
		`codec={decode=f, encode=f, examples={{hex="23", value=f}}}`:                                                                                            `attribute: codec: example 1: value: a function is no plain data (text, numbers, booleans and tables of these)`,
		`codec={decode=f, encode=f, name="x", examples={{hex="23", value="#"}}}`:                                                                                `attribute: codec: no option "name"`,
		`codec={decode=f, encode=f, examples={{hex="23", value="x"}}}`:                                                                                          `codec of Acme-X: example 1: decode gives # for 0x23; expected x`,
		`codec={decode=f, encode=function(v) return v .. v end, examples={{hex="23", value="#"}}}`:                                                              `codec of Acme-X: example 1: encode gives 0x2323 for #; expected 0x23`,
		`codec={decode=f, encode=function(v) return 5 end, examples={{hex="23", value="#"}}}`:                                                                   `codec of Acme-X: example 1: #: encode: got a number, expected a byte string`,
		`codec={decode=f, encode=function(v) return "" end, examples={{hex="23", value="#"}}}`:                                                                  `codec of Acme-X: example 1: #: encode: got no octets; an attribute has one at least`,
		`codec={decode=f, encode=function(v) end, examples={{hex="23", value="#"}}}`:                                                                            `codec of Acme-X: example 1: #: encode: got a nil, expected a byte string`,
		`codec={decode=function(s) end, encode=f, examples={{hex="23", value="#"}}}`:                                                                            `codec of Acme-X: example 1: 0x23: decode: got nil, expected text, a number, a boolean or a table`,
		`codec={decode=function(s) return s, s end, encode=f, examples={{hex="23", value="#"}}}`:                                                                `codec of Acme-X: example 1: 0x23: decode: returned 2 values, expected one; parentheses give the first: return (f(…))`,
		`codec={decode=function(s) return f end, encode=f, examples={{hex="23", value="#"}}}`:                                                                   `codec of Acme-X: example 1: 0x23: decode: a function is no plain data (text, numbers, booleans and tables of these)`,
		`codec={decode=function(s) error("no") end, encode=f, examples={{hex="23", value="#"}}}`:                                                                `codec of Acme-X: example 1: 0x23: decode: a.lua:3: no`,
		`codec={decode=function(s) return s.x.y end, encode=f, examples={{hex="23", value="#"}}}`:                                                               `codec of Acme-X: example 1: 0x23: decode: a.lua:3: attempt to index a non-table object(nil) with key 'y'`,
		`codec={decode=function(s) while true do end end, encode=f, examples={{hex="23", value="#"}}}`:                                                          `codec of Acme-X: example 1: 0x23: decode: a.lua:3: step budget spent; use fewer or simpler loops and patterns`,
		`codec={decode=function(s) return ("x"):rep(1e9) end, encode=f, examples={{hex="23", value="#"}}}`:                                                      `codec of Acme-X: example 1: 0x23: decode: a.lua:3: string of 1000000000 times 1 octets; 1048576 are allowed`,
		`codec={decode=function(s) return math.random() end, encode=f, examples={{hex="23", value="#"}}}`:                                                       `codec of Acme-X: example 1: 0x23: decode: a.lua:3: math.random gives something else each time, which a codec may not ask`,
		`codec={decode=function(s) return os.time() end, encode=f, examples={{hex="23", value="#"}}}`:                                                           `codec of Acme-X: example 1: 0x23: decode: a.lua:3: os.time gives something else each time, which a codec may not ask`,
		`codec={decode=function(s) return time.now() end, encode=f, examples={{hex="23", value="#"}}}`:                                                          `codec of Acme-X: example 1: 0x23: decode: a.lua:3: time.now() is not for codecs, which compute from their argument alone`,
		`codec={decode=function(s) return net.lookup("x") end, encode=f, examples={{hex="23", value=5}}}`:                                                       `codec of Acme-X: example 1: 0x23: decode: a.lua:3: net.lookup(name) is not for codecs, which compute from their argument alone`,
		`codec={decode=function(s) return #s end, encode=function(v) return ("x"):rep(v) end, examples={{hex="` + strings.Repeat("78", 248) + `", value=248}}}`: `codec of Acme-X: example 1: Acme-X: 248 octets are more than the 247 that fit`,
		`codec={decode=f, encode=f, examples={{hex="23", value="#"}, {hex="24", value="%"}}}`:                                                                   `codec of Acme-X: example 2: decode gives $ for 0x24; expected %`,
	} {
		script := "local function f(s) return s end\nlocal hits = {}\nattribute{vendor='Acme', name='Acme-X', id=91, type='octets', " + declared + "}"
		_, errs := tryLoad(t, map[string]string{"a.lua": script}, nil)
		if diff := cmp.Diff("a.lua:3: "+want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", declared, diff)
		}
	}
	for script, want := range map[string]string{
		`attribute{name="My-Map", type="octets", codec={decode=f, encode=f, examples={{hex="23", value="#"}}}}`:                       `a.lua:2: attribute: codec: My-Map is internal and has no octets`,
		`attribute{vendor="Acme", name="Acme-X", id=91, type="string", codec={decode=f, encode=f, examples={{hex="23", value="#"}}}}`: `a.lua:2: attribute: codec: Acme-X has type string; expected type="octets" without many`,
		`attribute{vendor="Acme", name="Acme-Role2", id=1, type="string"}`:                                                            `a.lua:2: attribute Acme-Role2 has the number of Acme-Role, declared at dictionary:42:11`,
		`attribute{vendor="Acme", name="Acme-Role", id=99, type="string"}`:                                                            `a.lua:2: attribute Acme-Role exists, declared at dictionary:42:11`,
		`vendor{name="Acme", id=5}`: `a.lua:2: vendor Acme = 5 clashes with Acme = 64999, declared at dictionary:40:8`,
		`local n = 0 attribute{vendor="Acme", name="Acme-X", id=91, type="octets", codec={decode=function(s) n = n + 1 return n end, encode=f, examples={{hex="23", value=1}}}}`:                                                                                                       `a.lua:2:101: n of line 2 is changed in a hook; hooks run in several states: use kv or req.ctx`,
		`local n = setmetatable({}, {__call = function(t) rawset(t, "n", (t.n or 0) + 1) return t.n end}) attribute{vendor="Acme", name="Acme-X", id=91, type="octets", codec={decode=function(s) return n() end, encode=function(v) return "#" end, examples={{hex="23", value=1}}}}`: `a.lua:2: codec of Acme-X: example 1: decode gives 2 for 0x23; expected 1`,
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": "local function f(s) return s end\n" + script}, nil)
		if diff := cmp.Diff(want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", script, diff)
		}
	}
}

// TestCodecMisuse: a value that encode refuses is an error of the line that assigns it, at load where it shows.
func TestCodecMisuse(t *testing.T) {
	for body, want := range map[string]string{
		`local s = 99 req["Acme-Map"] = {slot=s}`:                     `a.lua:12: hook \"a.lua:12\": Acme-Map: encode: a.lua:7: slot must be a number up to 15`,
		`local s = 99 req["Acme-Map"] = {{slot=1, port=1}, {slot=s}}`: `a.lua:12: hook \"a.lua:12\": Acme-Map: encode: a.lua:7: slot must be a number up to 15`,
		`req:add("Acme-Map", print)`:                                  `a.lua:12: hook \"a.lua:12\": Acme-Map: a function is no plain data`,
		`req["Acme-Map"] = {f={1, print}, slot=1}`:                    `a.lua:12: hook \"a.lua:12\": Acme-Map: f: a function is no plain data`,
	} {
		h := load(t, mapCodec+`on("hints", function(req) `+body+` end)`)
		h.run(server.PhaseHints, h.access("User-Name", "bob"))
		if !strings.Contains(h.log.String(), want) {
			t.Errorf("%s: want %s in\n%s", body, want, h.log)
		}
	}
	for script, want := range map[string]string{
		`local v = accept{["Acme-Map"]={slot=99}}`:                                     `a.lua:12: accept: Acme-Map: encode: a.lua:7: slot must be a number up to 15`,
		`on("hints", function(req) req["Acme-Map"] = "x" end)`:                         `a.lua:12:31: Acme-Map: encode: a.lua:7: slot must be a number up to 15`,
		`on("hints", function(req) req:note("x", req["Acme-Map"] == 5) end)`:           `a.lua:12:60: Acme-Map reads as a table such as {slot=2,port=3}, so it never equals 5`,
		`on("hints", {when={["Acme-Map"]="x"}}, function(req) end)`:                    `a.lua:12: when: Acme-Map is "x": "x" is no value; text stands in quotes; expected a form like {slot=2,port=3}, or 0x and hexadecimal digits`,
		`on("hints", {when={["Acme-Map"]="{slot=16,port=1}"}}, function(req) end)`:     `a.lua:12: when: Acme-Map is "{slot=16,port=1}": encode: a.lua:7: slot must be a number up to 15`,
		`on("authorize", function(req) return accept{["Acme-Map"]={slot=99}} end)`:     `a.lua:12:46: Acme-Map: encode: a.lua:7: slot must be a number up to 15`,
		`on("authorize", function(req) req.reply["Acme-Map"] = {slot=99, port=1} end)`: `a.lua:12:41: Acme-Map: encode: a.lua:7: slot must be a number up to 15`,
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": mapCodec + script}, nil)
		if diff := cmp.Diff(want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", script, diff)
		}
	}
}

// TestCodecFields: a field of a TLV may have a codec, three deep; so may an attribute whose values are no tables.
func TestCodecFields(t *testing.T) {
	h := load(t, `
local number = {decode=function(s) return (bytes.unpack(">I3", s)) end, encode=function(v) return bytes.pack(">I3", v) end, examples={{hex="000102", value=258}}}
attribute{vendor="Acme", name="Acme-Wide", id=91, type="octets", codec=number}
attribute{vendor="Acme", name="Acme-Deep", id=92, type="tlv", fields={{id=1, name="A", type="tlv", fields={{id=1, name="B", type="tlv", fields={
  {id=1, name="C", type="octets", many=false, codec=number}}}}}}}
on("hints", function(req)
  req["Acme-Wide"] = {1, 2}
  req["Acme-Deep.A.B.C"] = 70000
  req:note("n", req["Acme-Deep"].A.B.C + req["Acme-Wide"])
end)`)
	r := h.access("User-Name", "bob")
	h.run(server.PhaseHints, r)
	want := `User-Name = "bob", Acme-Wide = "1", Acme-Wide = "2", Acme-Deep.A.B.C = "70000" | n=70001`
	if diff := cmp.Diff(want, listText(&r.Attributes)+" | "+noteText(r)); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
	tooDeep := `attribute{vendor="Acme", name="Acme-Deep", id=92, type="tlv", fields={{id=1, name="A", type="tlv", fields={{id=1, name="B", type="tlv", fields={{id=1, name="C", type="tlv", fields={{id=1, name="D", type="byte"}}}}}}}}}`
	_, errs := tryLoad(t, map[string]string{"a.lua": tooDeep}, nil)
	if diff := cmp.Diff(`a.lua:1: attribute: fields are for type="tlv", nested at most 3 deep`, errs.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCodecText: what codecText writes parseCodecText reads.
func TestCodecText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawPlain(t, 3)
		if v.Type() == lua.LTNil {
			return
		}
		got, err := parseCodecText(codecText(v), v)
		if err != nil || !samePlain(got, v) {
			t.Fatalf("%s: %v, %v", codecText(v), got, err)
		}
	})
	for text, want := range map[string]string{
		`{a=1, b="x y", ['c d']={1,2;3}, e=true}`: `{a=1,b='x y',['c d']={1,2,3},e=true}`,
		`{}`:                    `{}`,
		`{a=1`:                  `a , or } is missing`,
		`{a=1}x`:                `"x" stands behind the table`,
		`{a=}`:                  `"" is no value; text stands in quotes`,
		`{a=x}`:                 `"x" is no value; text stands in quotes`,
		`{a='x}`:                `the text has no end`,
		`{a='\999'}`:            `\999 is no octet`,
		`{[{}]=1}`:              `a table is no key`,
		`{[1=1}`:                `]= is missing behind a key`,
		`5`:                     `it is no table`,
		``:                      `"" is no value; text stands in quotes`,
		strings.Repeat("{", 50): `tables are nested more than 16 deep`,
	} {
		v, err := parseCodecText(text, &lua.LTable{Metatable: lua.LNil})
		got := fmt.Sprint(err)
		if err == nil {
			got = codecText(v)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// drawPlain draws plain data.
func drawPlain(t *rapid.T, depth int) lua.LValue {
	switch rapid.IntRange(0, 3+min(depth, 1)).Draw(t, "kind") {
	case 0:
		return lua.LBool(rapid.Bool().Draw(t, "bool"))
	case 1:
		return lua.LNumber(rapid.Int32().Draw(t, "whole"))
	case 2:
		return lua.LNumber(rapid.Float64Range(-1e9, 1e9).Draw(t, "float"))
	case 3:
		return lua.LString(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
	}
	table := &lua.LTable{Metatable: lua.LNil}
	for range rapid.IntRange(0, 4).Draw(t, "keys") {
		table.RawSetString(rapid.StringMatching(`[a-z_ '"=,-]{1,6}`).Draw(t, "key"), drawPlain(t, depth-1))
	}
	for range rapid.IntRange(0, 3).Draw(t, "items") {
		table.Append(drawPlain(t, depth-1))
	}
	return table
}

// FuzzCodecText: no text makes the parser panic, and what it reads is plain data.
func FuzzCodecText(f *testing.F) {
	for _, s := range []string{`{slot=2,port=3}`, `{a='\065',["x"]={1,2}}`, `{`, `{[1]=2}`, `{a=0x10}`, `{a=nan}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parseCodecText(text, &lua.LTable{Metatable: lua.LNil})
		if err == nil {
			if err := checkPlain(v); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkUnreadCodec is a hook on a request that carries an attribute with a codec which nobody reads.
func BenchmarkUnreadCodec(b *testing.B) {
	h, errs := tryLoad(b, map[string]string{"a.lua": mapCodec + `on("hints", {when={user="nobody"}}, function(req) end)`}, nil)
	if err := errs.Err(); err != nil {
		b.Fatal(err)
	}
	rn, r := h.pr.Acquire(), h.access("User-Name", "bob", "Acme-Map", "0x23")
	b.ReportAllocs()
	for b.Loop() {
		rn.Run(server.PhaseHints, r)
	}
}
