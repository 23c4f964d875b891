package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/server"
)

// complaint gives what the log says of the hook that failed, without place and name; "" if none failed.
func (h *house) complaint() string {
	_, text, found := strings.Cut(h.log.String(), `hook \"a.lua:1\": `)
	if !found {
		return ""
	}
	text, _, _ = strings.Cut(text, "\" req=")
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text)
}

// noteText gives the notes of a request as text.
func noteText(r *server.Request) string {
	var parts []string
	for _, n := range r.Notes {
		parts = append(parts, n.Key+"="+n.Value)
	}
	return strings.Join(parts, " ")
}

// A listFact is what a hook does with req.control as l, and what it leaves: the list, then its notes, or what it is
// told.
type listFact struct{ name, body, want string }

func checkListFacts(t *testing.T, facts []listFact) {
	t.Helper()
	for _, f := range facts {
		t.Run(f.name, func(t *testing.T) {
			h := load(t, "on('authorize', function(req)\n  local l = req.control\n  "+f.body+"\nend)")
			r := h.access("User-Name", "ann@example.org", "User-Password", "hunter22")
			h.run(server.PhaseAuthorize, r)
			got := listText(&r.Control)
			if notes := noteText(r); notes != "" {
				got += " | " + notes
			}
			if told := h.complaint(); told != "" {
				got = told
			}
			if diff := cmp.Diff(f.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", f.body, diff)
			}
		})
	}
}

// TestListAssignment: = replaces all values where the first stood, else appends; a list sets many, nil deletes.
func TestListAssignment(t *testing.T) {
	const three = `l["Class"] = "a" l["NAS-Port"] = 1 l:add("Class", "b") `
	checkListFacts(t, []listFact{
		{"append", `l["Acme-Role"] = "x"`, `Acme-Role = "x"`},
		{"in the place of the first", three + `l["Class"] = "c"`, `Class = 0x63, NAS-Port = 1`},
		{"many", three + `l["Class"] = {"c", "d", "e"}`, `Class = 0x63, NAS-Port = 1, Class = 0x64, Class = 0x65`},
		{"nil", three + `l["Class"] = nil`, `NAS-Port = 1`},
		{"nil of nothing", `l["Class"] = nil`, ``},
		{"no values", three + `l["Class"] = {}`, `NAS-Port = 1`},
		{"one wrong of many changes nothing", three + `pcall(function() l["NAS-Port"] = {5, "x"} end)`, `Class = 0x61, NAS-Port = 1, Class = 0x62`},
		{"from itself", three + `l["Class"] = l:all("Class")`, `Class = 0x61, NAS-Port = 1, Class = 0x62`},
		{"from another list", `l["Acme-Role"] = req["User-Name"] l["Class"] = req.user`, `Acme-Role = "ann@example.org", Class = 0x616e6e406578616d706c652e6f7267`},
		{"list with a hole", `l["Class"] = {"a", nil, "c"}`, `Class: got a nil, expected a byte string`},
		{"empty text is kept", `l["Acme-Role"] = ""`, `Acme-Role = ""`},
		{"a list itself", `l["Class"] = req.reply`, `Class: got a userdata, expected a byte string`},
	})
}

// TestListIndexes: get, set and del count from 1; set appends one beyond the last and no further.
func TestListIndexes(t *testing.T) {
	const two = `l:add("Class", "a") l:add("NAS-Port", 7) l:add("Class", "b") `
	checkListFacts(t, []listFact{
		{"get", two + `req:note("g", tostring(l:get("Class")) .. tostring(l:get("Class", 2)) .. tostring(l:get("Class", 3)))`,
			`Class = 0x61, NAS-Port = 7, Class = 0x62 | g=abnil`},
		{"get at 0", `l:get("Class", 0)`, `got 0, expected a place counted from 1`},
		{"get at a fraction", `l:get("Class", 1.5)`, `got 1.5, expected a place counted from 1`},
		{"get at text", `l:get("Class", "1")`, `got 1, expected a place counted from 1`},
		{"get at infinity", `l:get("Class", 1/0)`, `got +Inf, expected a place counted from 1`},
		{"set one", two + `l:set("Class", "z", 2)`, `Class = 0x61, NAS-Port = 7, Class = 0x7a`},
		{"set the one after the last", two + `l:set("Class", "z", 3)`, `Class = 0x61, NAS-Port = 7, Class = 0x62, Class = 0x7a`},
		{"set too far", two + `l:set("Class", "z", 4)`, `Class has 2 values; set the one after the last at most`},
		{"set without a place", two + `l:set("Class", "z")`, `Class = 0x7a, NAS-Port = 7`},
		{"set a wrong value", two + `l:set("NAS-Port", "x", 1)`, `NAS-Port: got "x", expected digits`},
		{"add nil", `l:add("NAS-Port")`, `NAS-Port: got a nil, expected a number or digits`},
		{"del one", two + `req:note("n", l:del("Class", 2) .. " " .. l:del("Class", 2))`, `Class = 0x61, NAS-Port = 7 | n=1 0`},
		{"del all", two + `req:note("n", l:del("Class") .. " " .. l:del("Class"))`, `NAS-Port = 7 | n=2 0`},
		{"count, has, all", two + `req:note("n", l:count("Class") .. tostring(l:has("Class")) .. #l:all("Class") .. #l:all("Acme-Role") .. tostring(l:has("Acme-Role")))`,
			`Class = 0x61, NAS-Port = 7, Class = 0x62 | n=2true20false`},
		{"all is a copy", two + `local t = l:all("Class") t[1] = "changed"`, `Class = 0x61, NAS-Port = 7, Class = 0x62`},
	})
}

// TestListTags: "Name:2" is one tag, ":0" untagged, plain any tag on read and untagged on write.
func TestListTags(t *testing.T) {
	const tags = `l["Tunnel-Private-Group-Id:1"] = "one" l["Tunnel-Private-Group-Id:2"] = "two" l:add("Tunnel-Private-Group-Id", "none") `
	const name = "Tunnel-Private-Group-Id"
	checkListFacts(t, []listFact{
		{"read", tags + `local n = "Tunnel-Private-Group-Id" req:note("r", l[n] .. l[n .. ":2"] .. l[n .. ":0"] .. tostring(l[n .. ":3"]) .. l:count(n) .. l:count(n .. ":1"))`,
			name + `:1 = "one", ` + name + `:2 = "two", ` + name + ` = "none" | r=onetwononenil31`},
		{"write one tag", tags + `l["Tunnel-Private-Group-Id:2"] = "new"`, name + `:1 = "one", ` + name + `:2 = "new", ` + name + ` = "none"`},
		{"write plain", tags + `l["Tunnel-Private-Group-Id"] = "new"`, name + ` = "new"`},
		{"write untagged", tags + `l["Tunnel-Private-Group-Id:0"] = "new"`, name + `:1 = "one", ` + name + `:2 = "two", ` + name + ` = "new"`},
		{"delete one tag", tags + `l:del("Tunnel-Private-Group-Id:1")`, name + `:2 = "two", ` + name + ` = "none"`},
		{"set by place keeps the tag", tags + `l:set("Tunnel-Private-Group-Id", "new", 2)`, name + `:1 = "one", ` + name + `:2 = "new", ` + name + ` = "none"`},
		{"pairs gives the tag", tags + `local s = "" for _, v, tag in l:pairs() do s = s .. v .. "/" .. tostring(tag) .. " " end req:note("p", s)`,
			name + `:1 = "one", ` + name + `:2 = "two", ` + name + ` = "none" | p=one/1 two/2 none/nil `},
		{"tag too large", `local n = "Tunnel-Type:32" l[n] = 1`, `the tag of Tunnel-Type is "32"; expected a number from 0 to 31`},
		{"no tag", `local n = "NAS-Port:1" l[n] = 1`, `NAS-Port has no tags; expected the name without :1`},
		{"vlan", `l:vlan(20, 2)`, `Tunnel-Type:2 = VLAN, Tunnel-Medium-Type:2 = IEEE-802, ` + name + `:2 = "20"`},
		{"vlan by name", `l:vlan("guests")`, `Tunnel-Type = VLAN, Tunnel-Medium-Type = IEEE-802, ` + name + ` = "guests"`},
		{"vlan again", `l:vlan(20) l:vlan(30)`, `Tunnel-Type = VLAN, Tunnel-Medium-Type = IEEE-802, ` + name + ` = "30"`},
		{"vlan of two tags", `l:vlan(20, 1) l:vlan(30, 2) l:del("Tunnel-Type") l:del("Tunnel-Medium-Type")`, name + `:1 = "20", ` + name + `:2 = "30"`},
		{"vlan with a fraction", `l:vlan(20.5)`, `vlan: 20.5 is out of range (1 to 4094)`},
		{"vlan without name", `l:vlan("")`, `vlan: the name is empty`},
		{"vlan of a table", `l:vlan({})`, `vlan: got a table, expected a number or a name`},
		{"vlan with a long name", `l:vlan(("x"):rep(253))`, name + `: 253 octets are more than the 252 that fit`},
	})
}

// TestListFieldsOfTLV: a field is read and written by its name; its TLV is made when it is missing.
func TestListFieldsOfTLV(t *testing.T) {
	checkListFacts(t, []listFact{
		{"made", `l["Acme-QoS.Up"] = 5`, `Acme-QoS.Up = 5`},
		{"two fields, one TLV", `l["Acme-QoS.Up"] = 5 l["Acme-QoS.Down"] = 6 req:note("n", l:count("Acme-QoS"))`, `Acme-QoS.Up = 5, Acme-QoS.Down = 6 | n=1`},
		{"replaced", `l["Acme-QoS"] = {Down=1, Up=2} l["Acme-QoS.Up"] = 9`, `Acme-QoS.Down = 1, Acme-QoS.Up = 9`},
		{"deleted", `l["Acme-QoS"] = {Down=1, Up=2} req:note("n", l:del("Acme-QoS.Down"))`, `Acme-QoS.Up = 2 | n=1`},
		{"nil", `l["Acme-QoS"] = {Down=1, Up=2} l["Acme-QoS.Up"] = nil`, `Acme-QoS.Down = 1`},
		{"a copy", `l["Acme-QoS"] = {Down=1} local q = l["Acme-QoS"] q.Down = 2`, `Acme-QoS.Down = 1`},
		{"added again", `l:add("Acme-QoS.Down", 1) l:add("Acme-QoS.Down", 2) req:note("n", l:count("Acme-QoS") .. l:count("Acme-QoS.Down") .. l:get("Acme-QoS.Down", 2))`,
			`Acme-QoS.Down = 1, Acme-QoS.Down = 2 | n=222`},
		{"set by place", `l:add("Acme-QoS.Down", 1) l:add("Acme-QoS.Down", 2) l:set("Acme-QoS.Down", 7, 2)`, `Acme-QoS.Down = 1, Acme-QoS.Down = 7`},
		{"many TLVs", `l["Acme-QoS"] = {{Down=1}, {Down=2, Up=3}}`, `Acme-QoS.Down = 1, Acme-QoS.Down = 2, Acme-QoS.Up = 3`},
		{"a field that comes many times", `l["Acme-Multi"] = {Item={"a", "b"}} req:note("n", #l["Acme-Multi"].Item .. l:count("Acme-Multi"))`,
			`Acme-Multi.Item = "a", Acme-Multi.Item = "b" | n=21`},
		{"three deep", `l["Acme-Multi"] = {Inner={Leaf=4}} req:note("n", l["Acme-Multi"].Inner.Leaf .. l["Acme-Multi.Inner.Leaf"])`,
			`Acme-Multi.Inner.Leaf = 4 | n=44`},
		{"a leaf by name", `l["Acme-Multi.Inner.Leaf"] = 4 l:add("Acme-Multi.Item", "x")`, `Acme-Multi.Inner.Leaf = 4, Acme-Multi.Item = "x"`},
		{"no fields", `l["Acme-QoS"] = {}`, `Acme-QoS: the table has no field`},
		{"a field twice that comes once", `l["Acme-QoS"] = {Down={1, 2}}`, `Acme-QoS.Down: got a list, but the field comes once`},
		{"more than fits", `local long = {} for i = 1, 5 do long[i] = ("x"):rep(60) end l["Acme-Multi"] = {Item=long}`, `Acme-Multi: 310 octets are more than the 247 that fit`},
		{"three deep, two of them", `l:add("Acme-Multi.Inner.Leaf", 4) l["Acme-Multi"] = {l["Acme-Multi"], {Inner={Leaf=5}}} req:note("n", l:get("Acme-Multi", 2).Inner.Leaf)`,
			`Acme-Multi.Inner.Leaf = 4, Acme-Multi.Inner.Leaf = 5 | n=5`},
		{"a wrong value in a field", `l["Acme-QoS"] = {Down="x"}`, `Acme-QoS.Down: got "x", expected digits`},
		{"a field that is none", `local n = "Acme-QoS.Sideways" l[n] = 1`, `Acme-QoS has no field "Sideways"`},
		{"merged", `l["Acme-QoS.Up"] = 5 l:merge{["Acme-QoS.Down"] = 6} req:note("n", l["Acme-QoS.Down"])`, `Acme-QoS.Up = 5, Acme-QoS.Down = 6 | n=6`},
	})
}

// TestListMerge follows the dictionary's additivity, as a rule of a users file would.
func TestListMerge(t *testing.T) {
	h, errs := tryLoad(t, map[string]string{"a.lua": `
attribute{name="My-Many", type="string"}
attribute{name="My-One", type="string", additivity="replace"}
attribute{name="My-First", type="string", additivity="none"}
on("hints", function(req)
  local l = req.control
  for _, v in ipairs{"a", "b"} do
    l:merge{["My-Many"] = v, ["My-One"] = v, ["My-First"] = v}
  end
  l:merge{{"My-One", "c"}, {"My-Many", "c"}, {"My-First", "c"}}
  l:merge{["My-Many"] = {"d", "e"}}
  l:merge{}
end)`}, nil)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	r := h.access("User-Name", "x")
	h.run(server.PhaseHints, r)
	var many, rest []string
	for part := range strings.SplitSeq(listText(&r.Control), ", ") {
		if strings.HasPrefix(part, "My-Many") {
			many = append(many, part)
		} else {
			rest = append(rest, part)
		}
	}
	want := [][]string{
		{`My-Many = "a"`, `My-Many = "b"`, `My-Many = "c"`, `My-Many = "d"`, `My-Many = "e"`},
		{`My-One = "c"`, `My-First = "a"`},
	}
	if diff := cmp.Diff(want, [][]string{many, rest}); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
	checkListFacts(t, []listFact{
		{"no table", `l:merge("Class")`, `merge: got a string, expected a table of attributes`},
		{"unknown", `l:merge{["Clas"] = "x"}`, `unknown attribute "Clas"; did you mean "Class"?`},
		{"wrong item", `l:merge{{"Class"}}`, `merge: item 1 has the form {"Name", value}`},
		{"wrong value", `l:merge{["NAS-Port"] = "x"}`, `NAS-Port: got "x", expected digits`},
		{"server's", `l:merge{["Proxy-State"] = "x"}`, `Proxy-State is written by the server alone`},
		{"tagged", `l:merge{["Tunnel-Type:4"] = "VLAN"}`, `Tunnel-Type:4 = VLAN`},
		{"TLV", `l:merge{["Acme-QoS"] = {Up=1}}`, `Acme-QoS.Up = 1`},
	})
}

// TestListIs: patterns of `when` against any value, names understood.
func TestListIs(t *testing.T) {
	const setup = `l["Service-Type"] = "Framed-User" l["NAS-Port"] = 20 l["Class"] = {"one", "two"} l["Framed-IP-Address"] = "10.1.2.3" l["Tunnel-Type:1"] = "VLAN" `
	facts := map[string]bool{
		`"Service-Type", "Framed"`: true, `"Service-Type", "Login-User"`: false, `"Service-Type", 2`: true,
		`"NAS-Port", "1-19,20"`: true, `"NAS-Port", "<20"`: false, `"NAS-Port", ">=20"`: true, `"NAS-Port", {1, 20}`: true,
		`"NAS-Port", {}`: false, `"Class", "t*"`: true, `"Class", "three"`: false, `"Class", {"x", "one"}`: true,
		`"Framed-IP-Address", "10.0.0.0/8"`: true, `"Framed-IP-Address", "11.0.0.0/8"`: false,
		`"Acme-Role", false`: true, `"Acme-Role", true`: false, `"Acme-Role", "*"`: false, `"Class", false`: false, `"Class", true`: true,
		`"Tunnel-Type:1", 13`: true, `"Tunnel-Type:2", 13`: false, `"Tunnel-Type", "VLAN"`: true,
	}
	for is, want := range facts {
		checkListFacts(t, []listFact{{is, `local list = {} ` + setup + `list[1] = l:is(` + is + `) for _, n in ipairs{"Service-Type", "NAS-Port", "Class", "Framed-IP-Address", "Tunnel-Type"} do l:del(n) end req:note("is", list[1])`,
			fmt.Sprintf(" | is=%v", want)}})
	}
	checkListFacts(t, []listFact{
		{"no pattern", `l:is("Class")`, `got a nil, expected a pattern`},
		{"unknown name", `local n = "Framed-Usr" l:is("Service-Type", n)`, `Service-Type: "Framed-Usr" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"; did you mean "Framed-User"?`},
		{"number for text", `local n = 5 l:is("Class", n)`, `Class: got a number, expected text`},
		{"wrong range", `local n = "9-1" l:is("NAS-Port", n)`, `NAS-Port: "9-1" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`},
		{"fraction", `local n = 1.5 l:is("NAS-Port", n)`, `NAS-Port: 1.5 is not a whole number from 0`},
		{"negative", `local n = -1 l:is("NAS-Port", n)`, `NAS-Port: -1 is not a whole number from 0`},
	})
}

// TestListInt gives the number behind enumerations, addresses and dates.
func TestListInt(t *testing.T) {
	checkListFacts(t, []listFact{
		{"enumeration", `l["Service-Type"] = "Framed-User" req:note("i", l:int("Service-Type"))`, `Service-Type = Framed-User | i=2`},
		{"address", `l["Framed-IP-Address"] = "10.0.0.1" req:note("i", l:int("Framed-IP-Address"))`, `Framed-IP-Address = 10.0.0.1 | i=167772161`},
		{"date", `l["Event-Timestamp"] = 5 req:note("i", l:int("Event-Timestamp"))`, `Event-Timestamp = 1970-01-01T00:00:05Z | i=5`},
		{"signed", `l["Acme-Signed"] = -5 req:note("i", l:int("Acme-Signed"))`, `Acme-Signed = -5 | i=-5`},
		{"by place", `l:add("NAS-Port", 1) l:add("NAS-Port", 2) req:note("i", l:int("NAS-Port", 2) .. tostring(l:int("NAS-Port", 3)))`, `NAS-Port = 1, NAS-Port = 2 | i=2nil`},
		{"absent", `req:note("i", tostring(l:int("NAS-Port")))`, ` | i=nil`},
		{"2^53", `l["Acme-Big"] = 2^53 req:note("i", ("%.0f"):format(l:int("Acme-Big")))`, `Acme-Big = 9007199254740992 | i=9007199254740992`},
		{"above 2^53", `l["Acme-Big"] = bytes.u64("9007199254740993") l:int("Acme-Big")`, `int: Acme-Big is above 2^53; read it as bytes.u64`},
		{"text", `l["Acme-Role"] = "5" l:int("Acme-Role")`, `int: Acme-Role has no number behind it`},
	})
}

// TestListPairs: the list in wire order, as it was at the call.
func TestListPairs(t *testing.T) {
	checkListFacts(t, []listFact{
		{"snapshot", `l["Class"] = "a" l["NAS-Port"] = 1
			for name, value in l:pairs() do l:add("Acme-Role", name .. value) if name == "Class" then l["NAS-Port"] = 2 end end`,
			`Class = 0x61, NAS-Port = 2, Acme-Role = "Classa", Acme-Role = "NAS-Port1"`},
		{"empty", `for _ in l:pairs() do error("no") end`, ``},
		{"names of VALUEs", `l["Service-Type"] = 2 for n, v in l:pairs() do req:note(n, v) end`, `Service-Type = Framed-User | Service-Type=Framed-User`},
		{"TLV is a table", `l["Acme-QoS.Down"] = 3 for n, v in l:pairs() do req:note(n, v.Down) end`, `Acme-QoS.Down = 3 | Acme-QoS=3`},
		{"nested loops", `l["Class"] = {"a", "b"} local s = "" for _, x in l:pairs() do for _, y in l:pairs() do s = s .. x .. y end end req:note("s", s)`,
			`Class = 0x61, Class = 0x62 | s=aaabbabb`},
	})
}

// TestNames: exact spelling, forms by number, and what the server alone writes.
func TestNames(t *testing.T) {
	checkListFacts(t, []listFact{
		{"spelling", `local n = "nas-port" l[n] = 1`, `"nas-port" is spelt "NAS-Port"`},
		{"spelling of a field", `local n = "Acme-QoS.down" l[n] = 1`, `"Acme-QoS.down" is spelt "Acme-QoS.Down"`},
		{"by number, unknown", `l["Attr-26.64999.99"] = "ab" req:note("n", l["Attr-26.64999.99"])`, `Attr-26.64999.99 = 0x6162 | n=ab`},
		{"empty", `local n = "" l[n] = 1`, `req.control has no field or method ""`},
		{"no text", `l[5] = 1`, `req.control[5]: got a number, expected the name of an attribute`},
		{"reading no text", `local v = l[true]`, `req.control[true]: got a boolean, expected the name of a field or attribute`},
		{"method as field", `l.get = 5`, `req.control.get is read-only`},
		{"Message-Authenticator", `local n = "Message-Authenticator" l[n] = "x"`, `Message-Authenticator is written by the server alone`},
		{"Proxy-State", `local n = "Proxy-State" req:add(n, "x")`, `Proxy-State is written by the server alone`},
		{"EAP-Message", `local n = "EAP-Message" req.reply:set(n, "x")`, `EAP-Message is written by the server alone`},
		{"State of the reply", `local n = "State" req.reply:add(n, "x")`, `State is written by the server alone`},
		{"State of the request", `req["State"] = "x" req:note("s", req["State"])`, ` | s=x`},
		{"deleting is changing", `local n = "Message-Authenticator" req:del(n)`, `Message-Authenticator is written by the server alone`},
		{"a dot for the colon", `l.get("Class")`, `expected req or an attribute list before the method, got a string; write req:method(…) with a colon`},
	})
}
