package gnu

import (
	"fmt"
	"strings"
	"testing"

	"perilune/engine/raddb"
)

// printed gives statements as text: one a line, blocks indented.
func printed(list []statement, indent string) string {
	var b strings.Builder
	for i := range list {
		t := &list[i]
		fmt.Fprintf(&b, "%s%d:%d %s %s\n", indent, t.at.Line, t.at.Col, t.keyword, t.text())
		b.WriteString(printed(t.block, indent+"  "))
	}
	return b.String()
}

func TestParseConfig(t *testing.T) {
	tests := []struct{ name, text, want, errs string }{
		{name: "statements", text: "usedbm yes;\noption {\n\tsource-ip 192.0.2.1; log-dir \"a b\";\n};\n", want: `1:1 usedbm yes
2:1 option ` + `
  3:2 source-ip 192.0.2.1
  3:23 log-dir "a b"
`},
		{name: "comments", text: "# one\n// two\n/* three\n four */ a /* five */ b; # six", want: "4:10 a b\n"},
		{name: "lists", text: "listen 192.0.2.1:1812, 192.0.2.2; load (\"a\", \"b\");", want: "1:1 listen 192.0.2.1:1812 192.0.2.2\n1:35 load \"a\" \"b\"\n"},
		{name: "named blocks", text: "logging { category auth.!debug { print-auth yes; }; category * { }; };", want: `1:1 logging ` + `
  1:11 category auth.!debug
    1:34 print-auth yes
  1:53 category *
`},
		{name: "escapes", text: `t "a\tb\"\\\101\x42\q\` + "\n" + `c";`, want: "1:1 t \"a\\tb\\\"\\\\ABqc\"\n"},
		{name: "no semicolon", text: "option { resolve no }\nusedbm yes", want: "1:1 option \n  1:10 resolve no\n2:1 usedbm yes\n",
			errs: "config:1:21: resolve is not ended; expected ;\nconfig:2:1: usedbm is not ended; expected ;"},
		{name: "open block", text: "option { resolve no;\n", want: "1:1 option \n  1:10 resolve no\n", errs: "config:1:1: the block option is not closed; expected };"},
		{name: "closed twice", text: "option { }; };\na b;", want: "1:1 option \n2:1 a b\n", errs: "config:1:13: } without a block; expected a keyword"},
		{name: "open comment", text: "a b; /* never", want: "1:1 a b\n", errs: "config:1:6: a comment is not closed; expected */"},
		{name: "open text", text: "a \"b;\n", want: "1:1 a \"b;\\n\"\n", errs: "config:1:3: a quoted text is not closed; expected another \"\nconfig:1:1: a is not ended; expected ;"},
		{name: "a mark", text: "\ufeffa b;\r\n", want: "1:1 a b\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var errs raddb.List
			same(t, "statements", test.want, printed(parseConfig("config", test.text, &errs), ""))
			same(t, "errors", test.errs, errs.Error())
		})
	}
}

func TestDeepBlocks(t *testing.T) {
	var errs raddb.List
	parseConfig("config", strings.Repeat("a {", 1000), &errs)
	if !strings.Contains(errs.Error(), "blocks lie more than 20 deep in one another") {
		t.Error(errs)
	}
}

// Whatever the text, the parser ends, and each statement stands in the text where it says.
func FuzzParseConfig(f *testing.F) {
	for _, text := range []string{"option { resolve no; };", "a \"b\\x\\1\" { c (d, e); } }", "/* # // */", "a {{{{ b", "\"", "\\", "message { access-denied \"\\nno\\n\"; };"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var errs raddb.List
		for _, s := range parseConfig("config", text, &errs) {
			if s.at.Line < 1 || s.at.Line > strings.Count(text, "\n")+1 {
				t.Errorf("%q is on line %d", s.keyword, s.at.Line)
			}
		}
		for _, e := range errs {
			if e.Line < 1 {
				t.Errorf("%v has no line", e)
			}
		}
	})
}

func TestSettings(t *testing.T) {
	tests := []struct{ name, text, want, notes string }{
		{name: "nothing", want: `[listen] auth = ["0.0.0.0:1812"]
[listen] acct = ["0.0.0.0:1813"]`},
		{name: "listen", text: "option { source-ip 192.0.2.1; }; auth { port 1645; listen 192.0.2.1, 192.0.2.2:1812, host.example; }; acct { listen no; };",
			want:  "[listen] auth = [\"192.0.2.1:1645\", \"192.0.2.2:1812\"]  # config:1\n[listen] acct = []  # config:1",
			notes: "config:1:86: listen host.example: expected an address or address:port; left out, so put what is meant into [listen]\n"},
		{name: "our own address", text: "option {\nsource-ip 192.0.2.1; };", want: "[listen] auth = [\"192.0.2.1:1812\"]\n[listen] acct = [\"192.0.2.1:1813\"]"},
		{name: "names", text: "option { username-chars \"._\"; };\nauth { reject-malformed-names yes; };",
			want: "[server] username-chars = \"._\"  # config:1\n[server] bad-names = \"reject\"  # config:2"},
		{name: "times", text: "auth { request-cleanup-delay 3; time-to-live 90; }; acct { request-cleanup-delay 4; time-to-live 20; };",
			want:  "[server] duplicate-keep = \"3s\"  # config:1\n[server] duplicate-keep-acct = \"4s\"  # config:1\n[server] access-deadline = \"60s\"  # config:1\n[server] acct-deadline = \"20s\"  # config:1",
			notes: "config:1:33: time-to-live 90: 60 seconds is the longest; no NAS waits so long\n"},
		{name: "long times", text: "auth { request-cleanup-delay 3; }; acct { request-cleanup-delay 400; };",
			notes: "config:1:43: request-cleanup-delay 400: dup=300s on each line of raddb/clients\n" +
				"config:1:43: request-cleanup-delay: answers are kept 400 seconds for both services\nconfig:1:43: request-cleanup-delay 400: answers are kept from 1 to 300 seconds\n"},
		{name: "flags", text: "auth { compare-attribute-flag 1; }; acct { compare-attribute-flag 12; };", want: "[duplicates] compare-auth = 1  # config:1",
			notes: "config:1:44: compare-attribute-flag \"12\"; expected a number from 0 to 9; left out\n"},
		{name: "warning", text: "auth { password-expire-warning 604800; };", want: "[server] expire-warning = \"604800s\"  # config:1",
			notes: "config:1:8: password-expire-warning 604800: taken as the seconds that the manual says; the original refused the statement\n"},
		{name: "filter", text: "filters { filter \"my filter\" { exec-path \"/bin/f -q\"; error-log none; acct { input-format \"%u\"; wait-reply no; success-on-failure yes; }; };\n" +
			"filter other { exec-path \"/o\"; auth { input-format \"=f()\"; turbo yes; }; acct { input-format \"%u\"; }; turbo 1; };\nfilter empty { auth { wait-reply no; }; }; };",
			want: "[filters.\"my filter\"] command = \"/bin/f -q\"  # config:1\n[filters.\"my filter\"] error-log = \"none\"  # config:1\n[filters.\"my filter\"] acct-input = \"%u\"  # config:1\n" +
				"[filters.\"my filter\"] acct-wait-reply = false  # config:1\n[filters.\"my filter\"] acct-success-on-failure = true  # config:1",
			notes: "config:2:39: input-format \"=f()\": a filter's line has macros here, and no expressions\n" +
				"config:2:60: unknown keyword \"turbo\" in the block auth of a filter; the original left it out, too\n" +
				"config:2:103: unknown keyword \"turbo\" in a filter; the original left it out, too\n" +
				"config:3:1: filter empty has no exec-path; left out\n"},
		{name: "filters that cannot be asked", text: "filters { filter a { exec-path \"/bin/f 'x\"; auth { input-format \"%u\"; }; }; filter b { exec-path \"/b\"; };\n" +
			"filter c { exec-path \"/c\"; acct { input-format \"=%[User-Name]\"; }; }; };",
			notes: "config:1:11: filter a left out, and entries that ask it: exec-path: a quote is not closed\n" +
				"config:1:77: filter b left out, and entries that ask it: it has no input-format\n" +
				"config:2:1: filter c left out, and entries that ask it: its line has macros here, and no expressions; write input-format with %C{name}\n"},
		{name: "log", text: "option { log-dir \"/log\"; };\nlogging { channel a { file \"f\"; print-pid yes; }; channel b { file \"/g\"; syslog auth.info; turbo; }; suffix-hook \"h\"; category auth { print-failed-pass yes; level files=3; turbo; }; };",
			want: "[log] file = \"/log/f\"  # config:2",
			notes: "config:2:23: /log/f: lines of the log have this server's form\n" +
				"config:2:135: print-failed-pass: passwords are not written to the log; [log] passwords = true would do it\n" +
				"config:2:158: level files=3: `perilune trace` shows every step of the requests that are asked for, without another log level\n" +
				"config:2:63: file \"/g\": there is one log; this second one is left out\n" +
				"config:2:74: channel b: syslog auth.info: the log goes to standard error, which systemd keeps, or to [log] file\n" +
				"config:2:92: unknown keyword \"turbo\" in a channel; the original left it out, too\n" +
				"config:2:102: suffix-hook \"h\": log lines have their fields (nas=, user=, rule=); a hook adds one by req:note(key, value)\n" +
				"config:2:173: unknown keyword \"turbo\" in a category; the original left it out, too\n"},
		{name: "messages", text: "message { access-denied \"Gr\xfc\xdf Gott\\n\"; };", want: "[messages] access-denied = \"Grüß Gott\\n\"  # config:1",
			notes: "config:1:11: access-denied is sent as UTF-8, as RFC 2865 has it; it was Latin-1\n"},
		{name: "macros", text: "message { access-denied \"%C{No-Such}a %u %R{b\"; };", want: "[messages] access-denied = \"a %u %%R{b\"  # config:1",
			notes: "config:1:11: access-denied: %C{No-Such} left out: unknown attribute \"No-Such\"\n" +
				"config:1:11: access-denied: \"%R{\" has no \"}\"; it is taken as it stands\n"},
		{name: "unknown", text: "optoin { a b; };\nauth { lisen no; port 0; detail maybe; };\nmessage { access-denied \"a\" \"b\"; };",
			notes: "config:1:1: unknown keyword \"optoin\" at the top, which the original left out, too; did you mean \"option\"?\n" +
				"config:2:8: unknown keyword \"lisen\" in the block auth, which the original left out, too; did you mean \"listen\"?\n" +
				"config:2:18: port \"0\"; expected a number from 1 to 65535; left out\n" +
				"config:2:26: detail \"maybe\"; expected yes, no, on or off; left out\n" +
				"config:3:11: access-denied has 2 values; expected one; left out\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, report := convert(t, map[string]string{"config": test.text, "clients": "192.0.2.1 s"}, Options{})
			got := settingsOf(out)
			for line := range strings.SplitSeq(test.want, "\n") {
				if !strings.Contains(got, line) {
					t.Errorf("lacks %s\n%s", line, got)
				}
			}
			if test.notes != "" {
				same(t, "notes", test.notes, about(report, "config"))
			}
		})
	}
}
