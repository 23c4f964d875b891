package gnu

import (
	"strings"
	"testing"
)

func TestHintsBody(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"chain with an else", "a NULL\n\tHint = \"x\"\nDEFAULT NULL\n\tHint = \"y\"\n",
			"if req.user == \"a\" then\nreq:add(\"Hint\", \"x\")\nelse\nreq:add(\"Hint\", \"y\")\nend"},
		{"one for all", "DEFAULT NULL\n\tHint = \"y\"\n", "req:add(\"Hint\", \"y\")"},
		{"falls through", "a NULL\n\tHint = \"x\", Fall-Through = Yes\nb NULL\n\tHint = \"y\"\nc NULL\n\tHint = \"z\"\n",
			"if req.user == \"a\" then\nreq:add(\"Hint\", \"x\")\nend\nif req.user == \"b\" then\nreq:add(\"Hint\", \"y\")\nreturn\nend\nif req.user == \"c\" then\nreq:add(\"Hint\", \"z\")\nend"},
		{"ends the search", "a NULL\n\tFall-Through = No\n", "if req.user == \"a\" then\n-- Nothing to do: the search ends here.\nend"},
		{"suffix", "DEFAULT Suffix = \"@x\"\n\tHint = \"x\"\n", "if req.user:sub(-2) == \"@x\" then\nreq.user = req.user:sub(1, -3)\nreq:add(\"Hint\", \"x\")\nend"},
		{"not stripped", "DEFAULT Prefix = \"x\", Strip-User-Name = Yes\n\tStrip-User-Name = No, Hint = \"x\"\n", "if req.user:sub(1, 1) == \"x\" then\nreq:add(\"Hint\", \"x\")\nend"},
		{"stripped before it is replaced", "DEFAULT Prefix = \"x\"\n\tReplace-User-Name = \"%u!\"\n",
			"if req.user:sub(1, 1) == \"x\" then\nreq.user = req.user:sub(2)\nreq.user = req.user .. \"!\"\nend"},
		{"replaced whole", "DEFAULT Prefix = \"x\", Replace-User-Name = \"y\"\n\tHint = \"z\"\n", "if req.user:sub(1, 1) == \"x\" then\nreq.user = \"y\"\nreq:add(\"Hint\", \"z\")\nend"},
		{"orders", "a NULL\n\tAcct-Ext-Program = \"/bin/x %u\"\n", "if req.user == \"a\" then\nreq.control:add(\"Acct-Ext-Program\", \"/bin/x %u\")\nend"},
		{"unknown function", "a NULL\n\tRewrite-Function = \"none\"\n",
			"if req.user == \"a\" then\n-- Rewrite-Function = \"none\": no Rewrite source has a function \"none\"\nend"},
		{"huntgroup", "DEFAULT Huntgroup-Name = \"g\"\n\tHint = \"x\"\n", "-- Left out: huntgroups are asked after hints: write the condition itself."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := hintsOf(t, tt.text)
			same(t, "body", tt.want, statements(got))
		})
	}
}

// statements gives the code without its frame, its indentation and the lines of the old file.
func statements(body string) string {
	var lines []string
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		own := strings.HasPrefix(line, "-- Nothing") || strings.HasPrefix(line, "-- Left") || strings.HasPrefix(line, "-- Rewrite")
		if line == "" || strings.HasPrefix(line, "--") && !own || strings.HasPrefix(line, "on(") || line == "end)" {
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TestOrigUserName tests that the received name is kept where something asks for it, changed or not.
func TestOrigUserName(t *testing.T) {
	files := map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary"), "clients": "127.0.0.1 x\n", "hints": "DEFAULT Prefix = \"P\"\n\tStrip-User-Name = No\n",
		"users": "DEFAULT Orig-User-Name = \"Pbob\", Auth-Type = Accept\n\tReply-Message = \"=%[Orig-User-Name]\"\n",
	}
	out, _ := convert(t, files, Options{})
	c := build(t, out)
	for name, want := range map[string]string{"Pbob": `Access-Accept Reply-Message = "Pbob"`, "bob": `Access-Reject Reply-Message = "\r\nAccess denied\r\n"`} {
		same(t, name, want, ask(t, c, parsePairs(t, c.Dictionary, `User-Name = "`+name+`", User-Password = "x"`)))
	}
}

// TestServiceType tests what the old server did even without a file hints.
func TestServiceType(t *testing.T) {
	out, _ := convert(t, map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary"), "clients": "127.0.0.1 x\n",
		"users": "DEFAULT Service-Type = Framed-User, Auth-Type = Accept NULL\n",
	}, Options{})
	c := build(t, out)
	for request, want := range map[string]string{"Framed-Protocol = PPP": "Access-Accept", "Service-Type = Login-User, Framed-Protocol = PPP": "Access-Reject"} {
		got, _, _ := strings.Cut(ask(t, c, parsePairs(t, c.Dictionary, `User-Name = "x", User-Password = "x", `+request)), " ")
		same(t, request, want, got)
	}
}
