package gnu

import (
	"fmt"
	"strings"
	"testing"
)

// hintsOf converts a hints file and gives the handler's body and what the report says of it.
func hintsOf(t *testing.T, text string) (string, string) {
	t.Helper()
	all := "\nPROPERTY NAS-Port-Id [LRLRLR]\nPROPERTY NAS-IP-Address [LRLRLR]\nPROPERTY Service-Type [LRLRLR]=\nPROPERTY User-Name [LRLRLR]\n" +
		"PROPERTY Fall-Through [LRLRLR]\nPROPERTY GNU-Server-Port [LRLRLR]\nPROPERTY Huntgroup-Name [LRLRLR]\n"
	out, report := convert(t, map[string]string{"dictionary": readText(t, "testdata/rules/dictionary") + all, "hints": text}, Options{})
	_, body, _ := strings.Cut(out.File(hintsScript).String(), "function(req)\n  req[\"Service-Type\"] = \"Framed-User\"\nend)\n")
	return body, about(report, "hints")
}

func TestConditions(t *testing.T) {
	tests := []struct{ pair, want string }{
		{`Prefix = "P"`, `req.user:sub(1, 1) == "P"`},
		{`Prefix != "P"`, `req:has("User-Name") and req.user:sub(1, 1) ~= "P"`},
		{`Prefix = ""`, `req:has("User-Name")`},
		{`Suffix = "@x"`, `req.user:sub(-2) == "@x"`},
		{`Group = "staff"`, `req:group("staff")`},
		{`Group != "staff"`, `not req:group("staff")`},
		{`Hint = "a*[b]?"`, `req:is("Hint", "a[*][[]b][?]")`},
		{`Hint != "a"`, `req:has("Hint") and not req:is("Hint", "a")`},
		{`User-Name = "x"`, `req.user == "x"`},
		{`NAS-Port-Id <= "1-4"`, `req:has("NAS-Port")`},
		{`NAS-Port-Id > "1-4"`, `false`},
		{`NAS-Port-Id < "1-4"`, `req:has("NAS-Port") and not req:is("NAS-Port", "1-4")`},
		{`NAS-Port-Id > 4294967295`, `(req:int("NAS-Port") or 0) > 4294967295`},
		{`GNU-Server-Port = 1812`, `req["GNU-Server-Port"] == 1812`},
		{`Service-Type = 6`, `req["Service-Type"] == "Administrative-User"`},
		{`Service-Type != 77`, `req:has("Service-Type") and req:int("Service-Type") ~= 77`},
		{`Called-Station-Id = "a\"\\\n\374"`, `req["Called-Station-Id"] == "a\"\\\n\252"`},
	}
	for _, tt := range tests {
		t.Run(tt.pair, func(t *testing.T) {
			got, report := hintsOf(t, "DEFAULT "+tt.pair+"\n\tHint = \"x\", Strip-User-Name = No\n")
			want := fmt.Sprintf("  if %s then\n", tt.want)
			if !strings.Contains(got, want) {
				t.Errorf("want %s\n%s%s", tt.want, got, report)
			}
		})
	}
}

// TestNever tests conditions that no request fits.
func TestNever(t *testing.T) {
	for pair, want := range map[string]string{
		"Fall-Through = Yes":      "Fall-Through on the left side was compared like any attribute",
		"Realm-Name = x":          "compare req.realm",
		"NAS-IP-Address = a.test": `"a.test" is a host name`,
	} {
		got, report := hintsOf(t, "DEFAULT "+pair+"\n\tHint = \"x\"\n")
		if strings.Contains(got, "on(") || !strings.Contains(report, want) {
			t.Errorf("%s: %s\n%s", pair, report, got)
		}
	}
}

func TestMacros(t *testing.T) {
	tests := []struct{ text, want string }{
		{"plain", `req.user = "plain"`},
		{"", `req.user = ""`},
		{"%u@x", `req.user = req.user .. "@x"`},
		{"p%p", `req.user = "p" .. (req:int("NAS-Port") or 0)`},
		{"%n", `req.user = (req["NAS-IP-Address"] or "0")`},
		{"%C{Calling-Station-Id:-none}", `req.user = (req["Calling-Station-Id"] or "none")`},
		{"%C{Class:=new}", "if not req:has(\"Class\") then\n      req:add(\"Class\", \"new\")\n    end\n    req.user = (req[\"Class\"] or \"new\")"},
		{"%C{Class:+t}", `req.user = (req:has("Class") and "" or "t")`},
		{"%C{User-Name:-anybody}", `req.user = (req["User-Name"] or "anybody")`},
		{"%f-%R{Class}", `req.user = "0" .. "-"`},
		{"%%%z", `req.user = "%%z"`},
		{"%D", `req.user = os.date("%Y-%m-%d %H:%M:%S", req.now - (req:int("Acct-Delay-Time") or 0))`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, report := hintsOf(t, "bob NULL\n\tReplace-User-Name = \""+tt.text+"\"\n")
			if !strings.Contains(got, "    "+strings.ReplaceAll(tt.want, "%%z", "%%z")+"\n") {
				t.Errorf("want %s\n%s%s", tt.want, got, report)
			}
		})
	}
}

// TestComments tests that names with line breaks cannot end a comment.
func TestComments(t *testing.T) {
	out, _ := convert(t, map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary"),
		"hints":      "\"a\\n\" NULL\n\tHint = \"x\"\n\"b\\r\" Proxy-Replied = Yes\n\tHint = \"]]\\n\"\n# \xfc\n",
		"huntgroups": "\"a\\nreturn accept{}\" NAS-Port-Id = 1\n\tCalled-Station-Id = \"x\\ny\"\n",
		"users":      "\"u\\n]=]\" Huntgroup-Name = \"a\\nreturn accept{}\", Auth-Type = Accept\n\tReply-Message = \"]=]\\n\"\n",
	}, Options{})
	build(t, out)
	for _, name := range out.Names() {
		for line := range strings.Lines(out.File(name).String()) {
			if strings.HasPrefix(strings.TrimSpace(line), "return accept{}") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
