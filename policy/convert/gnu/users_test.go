package gnu

import (
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
)

// convertUsersText converts a users file with the dictionary of the fixtures; want lacks the first line.
func convertUsersText(t *testing.T, text string) (string, string) {
	t.Helper()
	out, report := convert(t, map[string]string{"dictionary": readText(t, "testdata/rules/dictionary"), "users": text}, Options{})
	return strings.TrimPrefix(out.File("raddb/users").String(), dialectLine), about(report, "users")
}

func TestUsersLayout(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"as it was", "# a\n\"b c\"\tAuth-Type = Accept # d\r\n\r\n\tReply-Message = \"\xfc\",# e\n\n  Session-Timeout = 5\r\n", ""},
		{"no newline at the end", "b Auth-Type = Accept NULL", ""},
		{"first pair of a line", "b Auth-Type = Accept\n\tNo = 1, Session-Timeout = 5\n",
			"# Left out of the entry below: No: the old dictionary has no attribute \"No\"\nb Auth-Type = Accept\n\tSession-Timeout = 5\n"},
		{"line of its own", "b Auth-Type = Accept\n\tIdle-Timeout = 5,\n\tNo = 1,\n\tSession-Timeout = 5\n",
			"# Left out of the entry below: No: the old dictionary has no attribute \"No\"\nb Auth-Type = Accept\n\tIdle-Timeout = 5,\n\tSession-Timeout = 5\n"},
		{"last of a list", "b Auth-Type = Accept\n\tIdle-Timeout = 5,\n\tNo = 1 # why\n",
			"# Left out of the entry below: No: the old dictionary has no attribute \"No\"\nb Auth-Type = Accept\n\tIdle-Timeout = 5\n\t# why\n"},
		{"comma on a line of its own", "b Auth-Type = Accept\n\tNo = 1\n\t,\n\tIdle-Timeout = 5\n",
			"# Left out of the entry below: No: the old dictionary has no attribute \"No\"\nb Auth-Type = Accept\n\tIdle-Timeout = 5\n"},
		{"whole list", "b Auth-Type = Accept\n\tNo = 1,\n\tNor = 2\n",
			"# Left out of the entry below: No: the old dictionary has no attribute \"No\"\n# Left out of the entry below: Nor: the old dictionary has no attribute \"Nor\"\n" +
				"b Auth-Type = Accept\n\tNULL\n"},
		{"in the middle of a line", "b Auth-Type = Accept NULL c No := 1\nd Auth-Type = Accept NULL\n",
			"b Auth-Type = Accept NULL \n# Left out: syntax error at line 1: found \":\" after No where one of = != < > <= >= should stand\n# c No := 1\nd Auth-Type = Accept NULL\n"},
		{"before another on its line", "b Session-Timeout = 1 NULL c Auth-Type = Accept NULL\n",
			"# Left out: Session-Timeout may not stand on the left side in users by its flags in the dictionary\n# b Session-Timeout = 1 NULL\n c Auth-Type = Accept NULL\n"},
		{"directives", "$DEBUG yes\nb Auth-Type = Accept $\n\tNULL\n", "# $DEBUG yes\nb Auth-Type = Accept # $\n\tNULL\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.text
			}
			got, _ := convertUsersText(t, tt.text)
			same(t, "users", want, got)
		})
	}
}

func TestUsersValues(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"digits", "Session-Timeout = \"7abc\"", "Session-Timeout = 7"},
		{"leading zeros", "Session-Timeout = 010", "Session-Timeout = 10"},
		{"number of a name", "Service-Type = 2", "Service-Type = 2"},
		{"operator", "Session-Timeout >= 5", "Session-Timeout = 5"},
		{"plus sign", "Framed-IP-Address = 10.0.0.1+", "Framed-IP-Address = 10.0.0.1+"},
		{"expression", `Reply-Message = "=\"a\" + %[User-Name]"`, `Reply-Message = "=\"a\" .. req.user"`},
		{"long text", "Class = \"" + strings.Repeat("x", 300) + "\"", "Class = \"" + strings.Repeat("x", 253) + "\""},
		{"macros are plain text", `Reply-Message = "%u 100%"`, `Reply-Message = "%u 100%"`},
		{"program", `Exec-Program-Wait = "/bin/x %u", Exec-Program = "/bin/y"`, `Exec-Program-Wait = "/bin/x %u", Exec-Program = "/bin/y"`},
		{"macro of no attribute", `Exec-Program-Wait = "/bin/x a%C{No-Such:-b}c %C{No %u"`, `Exec-Program-Wait = "/bin/x ac %%C{No %u"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := convertUsersText(t, "b Auth-Type = Accept\n\t"+tt.text+"\n")
			same(t, "users", "b Auth-Type = Accept\n\t"+tt.want+"\n", got)
		})
	}
}

// TestUsersPorts tests lists of ports: being inside counted as equal, outside as less.
func TestUsersPorts(t *testing.T) {
	for pair, want := range map[string]string{
		`= "1-5,9"`: `= "1-5,9"`, `!= "1-5,9"`: `!= "1-5,9"`, `>= "1-5,9"`: `= "1-5,9"`, `< "1-5,9"`: `!= "1-5,9"`, `<= "1-5,9"`: `>= 0`,
	} {
		got, _ := convertUsersText(t, "b NAS-Port-Id "+pair+", Auth-Type = Accept\n\tIdle-Timeout = 5\n")
		same(t, pair, "b NAS-Port-Id "+want+", Auth-Type = Accept\n\tIdle-Timeout = 5\n", got)
	}
	got, report := convertUsersText(t, "b NAS-Port-Id > 1-5, Auth-Type = Accept\n\tIdle-Timeout = 5\n")
	if !strings.Contains(got, "# Left out") || !strings.Contains(report, "never fits") {
		t.Error(got, report)
	}
}

// TestUsersProfiles tests that a Match-Profile that names no entry leads nowhere on the right side, and that
// on the left side nothing fits.
func TestUsersProfiles(t *testing.T) {
	got, report := convertUsersText(t, "a Auth-Type = Accept\n\tIdle-Timeout = 5, Match-Profile = p\nb Match-Profile = p, Auth-Type = Accept\n\tIdle-Timeout = 5\n")
	want := "# Left out of the entry below: Match-Profile: no entry is named \"p\"\na Auth-Type = Accept\n\tIdle-Timeout = 5\n"
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "# b Match-Profile = p") {
		t.Errorf("%s\n%s", got, report)
	}
}

// TestUsersCommands tests commands that cannot be run: those that decide something take their entry with them.
func TestUsersCommands(t *testing.T) {
	for command, whole := range map[string]bool{
		`Exec-Program = "|none"`: false, `Exec-Program = "/bin/x 'y"`: false, `Auth-Failure-Trigger = "/bin/x 'y"`: false,
		`Exec-Program-Wait = "|none"`: true, `Exec-Program-Wait = "/bin/x 'y"`: true,
	} {
		got, report := convertUsersText(t, "b Auth-Type = Accept\n\tIdle-Timeout = 5, "+command+"\n")
		if left := strings.Contains(got, "\nb Auth-Type = Accept\n\tIdle-Timeout = 5\n"); left == whole || !strings.Contains(report, "b: ") {
			t.Errorf("%s: %s\n%s", command, got, report)
		}
	}
}

// TestUsersHosts tests host names in the place of addresses.
func TestUsersHosts(t *testing.T) {
	o := Options{Lookup: func(host string) (netip.Addr, bool) {
		return netip.MustParseAddr("192.0.2.7"), host == "a.example"
	}}
	all := readText(t, "testdata/rules/dictionary") + "\nPROPERTY NAS-IP-Address [LRLRLR]\n"
	out, report := convert(t, map[string]string{
		"dictionary": all, "users": "a NAS-IP-Address = \"a.example\", Auth-Type = Accept\n\tFramed-IP-Address = a.example\nb Auth-Type = Accept\n\tFramed-IP-Address = b.example\n",
		"hints": "DEFAULT NAS-IP-Address = a.example\n\tHint = x\n",
	}, o)
	got := strings.TrimPrefix(out.File("raddb/users").String(), dialectLine)
	if !strings.HasPrefix(got, "a NAS-IP-Address = 192.0.2.7, Auth-Type = Accept\n\tFramed-IP-Address = 192.0.2.7\n# Left out: ") {
		t.Errorf("%s\n%s", got, report)
	}
	if hints := out.File(hintsScript).String(); !strings.Contains(hints, `req["NAS-IP-Address"] == "192.0.2.7"`) || !strings.Contains(report, "the host name a.example is written as its address of today, 192.0.2.7") {
		t.Errorf("%s\n%s", hints, report)
	}
}

// TestUsersSecrets tests that no password gets into files that everybody may read, comments neither.
func TestUsersSecrets(t *testing.T) {
	out, report := convert(t, map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary"),
		"users": "# ann User-Password = \"sesame-1\"\nann User-Password = \"sesame-2\", No = 1\n\tReply-Message = \"hi\"\nbob Crypt-Password = \"sesame-3\" NULL\n" +
			"carl Auth-Type = Crypt-Local, User-Password = \"sesame-4\"\n\tSession-Timeout = 1\ndave User-Password := \"sesame-5\" NULL\neve User-Password = sesame-6 oops\n",
	}, Options{})
	if !out.File("raddb/users").Secret {
		t.Error("users may be read by everybody")
	}
	for _, name := range out.Names() {
		if name != "raddb/users" && strings.Contains(out.File(name).String(), "sesame") {
			t.Errorf("a password is in %s:\n%s", name, out.File(name).String())
		}
	}
	if strings.Contains(report, "sesame") {
		t.Errorf("a password is in the report:\n%s", report)
	}
}

// TestUsersElsewhere tests included files that lie outside of the old directory.
func TestUsersElsewhere(t *testing.T) {
	other := writeFiles(t, map[string]string{"more": "carl Auth-Type = Accept NULL\n"})
	got, _ := convertUsersText(t, "b Auth-Type = Accept NULL\n$INCLUDE "+filepath.Join(other, "more")+"\n")
	same(t, "users", "b Auth-Type = Accept NULL\n$INCLUDE users.d/more\n", got)
}

func TestNoUsers(t *testing.T) {
	out, _ := convert(t, map[string]string{"clients": "127.0.0.1 x\n", "dictionary": ""}, Options{})
	build(t, out)
}

// TestNoise tests files that are no rule files at all: they are told of in bounds, and what becomes of them loads.
func TestNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for range 5000 {
		for range 40 {
			b.WriteByte(byte(1 + r.IntN(255)))
		}
		b.WriteByte('\n')
	}
	b.WriteString("bob Auth-Type = Accept NULL\n")
	noise := b.String()
	out, report := convert(t, map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary"), "clients": "127.0.0.1 x\n", "users": noise, "hints": noise, "huntgroups": noise,
	}, Options{})
	if n := strings.Count(report, "\n"); n > 4*maxTold {
		t.Errorf("the report has %d lines", n)
	}
	build(t, out)
}

// TestUnreadable tests rule files that cannot be read: the rest is converted, and the report says so.
func TestUnreadable(t *testing.T) {
	root := writeFiles(t, map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary"), "clients": "127.0.0.1 x\n", "users/x": "", "hints": "a\x00b", "huntgroups": "a NAS-Port-Id = 1 NULL\n",
	})
	out, report := convert(t, nil, Options{Root: root})
	build(t, out)
	same(t, "users", "users: not converted: is no regular file\n", about(report, "users"))
	same(t, "hints", "hints: not converted: the file holds octets that no text has; is it a database?\n", about(report, "hints"))
	if !strings.Contains(out.File(huntgroupsScript).String(), `huntgroup("a"`) {
		t.Error("huntgroups is missing")
	}
}
