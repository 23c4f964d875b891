package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/client"
	"perilune/engine/raddb"
)

// sendPage gives the blocks of docs/send.md of one kind.
func sendPage(t *testing.T, kind string) (blocks []string) {
	t.Helper()
	b, err := os.ReadFile("../../docs/send.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(string(b), -1) {
		if m[1] == kind {
			blocks = append(blocks, m[2])
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("docs/send.md has no block of %q", kind)
	}
	return blocks
}

// TestSendPageCommands runs each command of the page against our own loopback server.
func TestSendPageCommands(t *testing.T) {
	commands := regexp.MustCompile(`(?m)^\$ perilune (.*)$`).FindAllStringSubmatch(strings.Join(sendPage(t, "console"), "\n"), -1)
	l := newLoopback(t)
	dir := t.TempDir()
	t.Chdir(dir)
	writeTest(t, "radius.conf", "auth "+l.address+" "+sendSecret+"\n")
	writeTest(t, "request.txt", "User-Name=bob\nUser-Password=hello\n")
	writeTest(t, "secret.txt", sendSecret+"\n")
	for _, c := range commands {
		args := strings.Fields(strings.TrimSuffix(c[1], " < request.txt"))
		for i, a := range args {
			if a == "-server" {
				args[i+1] = l.address
			}
		}
		in, err := os.ReadFile("request.txt")
		if err != nil {
			t.Fatal(err)
		}
		code, out, errs := told(t, string(in), append(args, "-d", dir)...)
		if code == exitUsage || errs != "" || out == "" {
			t.Errorf("%s: exit code %d\n%s%s", c[1], code, out, errs)
		}
	}
}

// TestSendPageConf reads the radius.conf of the page.
func TestSendPageConf(t *testing.T) {
	var errs raddb.List
	servers := client.ParseConf(sendPage(t, "")[0], "send.md", &errs)
	if len(errs) > 0 || len(servers) != 5 {
		t.Fatalf("%d servers, %v", len(servers), errs)
	}
	var got []string
	for _, s := range servers {
		got = append(got, s.Service.String()+" "+s.Address)
	}
	want := []string{"auth radius1.example:1812", "auth radius2.example:1645", "auth [2001:db8::1]:1812", "acct radius1.example:1813", "auth radius3.example:1812"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSendPageJSON has the page's object say what ours says.
func TestSendPageJSON(t *testing.T) {
	var r replyJSON
	d := json.NewDecoder(strings.NewReader(sendPage(t, "json")[0]))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || r.Code != "Access-Accept" || len(r.Attributes) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestSendPageOptions: an option that the page names is there.
func TestSendPageOptions(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "send.md"))
	if err != nil {
		t.Fatal(err)
	}
	f := new(sendOptions).flags(streams{})
	for _, m := range regexp.MustCompile("[` ]-([a-z][a-z-]+)").FindAllStringSubmatch(string(b), -1) {
		if f.Lookup(m[1]) == nil {
			t.Errorf("send has no option -%s", m[1])
		}
	}
}
