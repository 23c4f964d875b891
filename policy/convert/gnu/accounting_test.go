package gnu

import (
	"strings"
	"testing"
)

// TestAccounting: what the old config says of recorders becomes settings of [acct], and scripts where those cannot
// say it. All of it loads, and the tests of the tree pass.
func TestAccounting(t *testing.T) {
	const plain = "[acct] identity = [\"client\", \"nas-address\", \"port\"]\n[acct] refuse-incomplete = true\n[acct] detail = \"/d\"\n"
	const old = "[acct] detail-old-names = true\n"
	tests := []struct{ name, config, naslist, want, script, notes string }{
		{name: "nothing", want: plain + old},
		{name: "names of naslist", naslist: "192.0.2.1 one\n10.0.0.1 far\n",
			want:   plain + "[acct] detail-name = \"=detail_file(req)\"\n" + old,
			script: "rewrite(\"detail_file\", function(req)\n  return nas.short_name(req[\"NAS-IP-Address\"] or req.src) .. \"/detail\"\nend)\n"},
		{name: "names that clients have", naslist: "192.0.2.1 one\n", want: plain + old},
		{name: "no detail", config: "acct { detail no; };", want: "[acct] identity = [\"client\", \"nas-address\", \"port\"]\n[acct] refuse-incomplete = true\n"},
		{name: "no system", config: "acct { system no; };", want: "[acct] sessions = false  # config:1\n[acct] detail = \"/d\"\n[acct] detail-old-names = true\n"},
		{name: "a text", config: "acct {\ndetail-file-name \"%C{NAS-IP-Address}/%u.%C{No-Such}\"; };", want: plain + "[acct] detail-name = \"%C{NAS-IP-Address}/%u.\"  # config:2\n" + old,
			notes: "config:2:1: detail-file-name: %C{No-Such} left out: unknown attribute \"No-Such\"\n"},
		{name: "an expression", config: "acct { detail-file-name \"=%[User-Name] + \\\".log\\\"\"; };",
			want: plain + "[acct] detail-name = \"=req.user .. \\\".log\\\"\"  # config:1\n" + old},
		{name: "a broken expression", config: "acct { detail-file-name \"=f(\"; };", want: plain + old, notes: "config:1:8: detail-file-name \"=f(\": found the end of the file; expected \"(\" or another beginning of an expression; the file is named after the NAS\n"},
		{name: "both", config: "auth { detail yes; detail-file-name \"auth/%u\"; strip-names yes; }; acct { detail-file-name \"acct/%u\" \"x\"; };",
			want:  plain + "[acct] detail-auth = true  # config:1\n[acct] detail-auth-name = \"auth/%u\"  # config:1\n[acct] strip-names = true  # config:1\n" + old,
			notes: "config:1:75: detail-file-name has 2 values; expected one; left out\n"},
		{name: "auth alone", config: "auth { detail yes; }; acct { detail no; };", naslist: "10.0.0.1 far\n",
			want:   plain + "[acct] detail-auth = true  # config:1\n[acct] detail-auth-name = \"=detail_auth_file(req)\"\n" + old,
			script: "    req.control[\"Acct-Type\"] = 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, report := convert(t, map[string]string{"config": test.config, "clients": "192.0.2.1 s\n", "naslist": test.naslist, "users": "bob Auth-Type = Accept\n"}, Options{AcctDir: "/d"})
			var got strings.Builder
			for line := range strings.Lines(settingsOf(out)) {
				if strings.HasPrefix(line, "[acct]") {
					got.WriteString(line)
				}
			}
			same(t, "settings", test.want, got.String())
			if script := out.File(accountingScript).String(); !strings.Contains(script, test.script) || test.script == "" && script != "" {
				t.Errorf("the script is\n%s", script)
			}
			same(t, "notes", test.notes, about(report, "config"))
			build(t, out)
		})
	}
}

// TestSessions: the type of a NAS decides whether its sessions are believed in.
func TestSessions(t *testing.T) {
	for _, tt := range []struct{ name, naslist, config, want string }{
		{"all are true", "192.0.2.1 one true\n", "", ""},
		{"one is false", "192.0.2.1 one true\n192.0.2.2 two false\n", "", "  return nil -- checkrad-assume-logged yes\n"},
		{"others are not logged in", "", "auth { checkrad-assume-logged no; };", "  return false -- checkrad-assume-logged no\n"},
		{"of mlc", "", "mlc { checkrad-assume-logged no; method sql; };", "  return false -- checkrad-assume-logged no\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, report := convert(t, map[string]string{"config": tt.config, "clients": "192.0.2.0/24 s\n", "naslist": tt.naslist, "users": "bob Auth-Type = Accept, Simultaneous-Use = 1\n"}, Options{})
			if got := out.File(sessionsScript).String(); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("the script is\n%s", got)
			}
			if strings.Contains(tt.config, "method") && !strings.Contains(report, "method sql: sessions are counted in a table of this server's own") {
				t.Error(report)
			}
			build(t, out)
		})
	}
}

// TestAnswers: rules with Proxy-Replied = Yes look at the answers of home servers.
func TestAnswers(t *testing.T) {
	out, report := convert(t, map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary") + "PROPERTY Framed-MTU [LRLRLR]=P\nPROPERTY Filter-Id [LRLRLR]=P\nPROPERTY Reply-Message [LRLRLR]+P\n",
		"clients":    "192.0.2.1 s\n", "users": "bob Auth-Type = Accept\n", "realms": "far.example 192.0.2.1\n",
		"hints": "bob NULL\n\tClass = \"x\"\nDEFAULT Proxy-Replied = Yes, Framed-MTU > 1000\n\tFramed-MTU = 576, Framed-IP-Address = 10.1.1.1, Filter-Id = \"a\", Fall-Through = Yes\n" +
			"DEFAULT1 Proxy-Replied = Yes, Prefix = \"P\"\n\tFilter-Id = \"b\"\nDEFAULT2 Proxy-Replied = Yes\n\tReply-Message = \"]]\\n\"\n",
	}, Options{})
	_, got, _ := strings.Cut(out.File(hintsScript).String(), "local req, reply = request.proxy.reply, request.reply\n")
	same(t, "script", `  -- hints:3
  -- DEFAULT Proxy-Replied = Yes, Framed-MTU > 1000
  --         Framed-MTU = 576, Framed-IP-Address = 10.1.1.1, Filter-Id = "a", Fall-Through = Yes
  if (req:int("Framed-MTU") or 0) > 1000 then
    reply["Framed-MTU"] = 576
    -- Framed-IP-Address = 10.1.1.1: it has no flag P.
    reply["Filter-Id"] = "a"
    -- Fall-Through: the next rule is tried, too.
  end

  -- hints:5
  -- DEFAULT1 Proxy-Replied = Yes, Prefix = "P"
  --         Filter-Id = "b"
  -- Left out: it asks for what answers lack: write on("post_proxy", fn).

  -- hints:7
  -- DEFAULT2 Proxy-Replied = Yes
  --         Reply-Message = "]]\n"
  do
    reply:add("Reply-Message", "]]\n")
    return
  end
end)
`, got)
	same(t, "notes", "hints: 3 rules are in scripts/10-hints.lua\nhints:5:1: DEFAULT1: left out: it asks for what answers lack: write on(\"post_proxy\", fn)\n", about(report, "hints"))
	build(t, out)
}
