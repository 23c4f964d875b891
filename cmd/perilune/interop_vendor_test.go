package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestExportLoads: FreeRADIUS loads what dict -export writes, its client asks by those names and understands what comes
// back.
func TestExportLoads(t *testing.T) {
	tool, freeradius := foreignTool(t, "radclient"), foreignTool(t, "freeradius")
	scripts := map[string]string{"raddb/users": readText(t, "../../examples/vendor-tlv/raddb/users")}
	for _, name := range []string{"luna.lua", "port.lua"} {
		scripts["scripts/"+name] = readText(t, "../../examples/vendor-tlv/scripts/"+name)
	}
	s := serveOnLoopback(t, loopTree(t, scripts))
	code, exported, errs := execute("dict", "-d", s.raddb(), "-export")
	if code != exitOK {
		t.Fatal(errs)
	}
	theirs := strings.ReplaceAll(readText(t, "/usr/share/freeradius/dictionary"), "$INCLUDE dictionary.", "$INCLUDE /usr/share/freeradius/dictionary.")
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"dictionary": theirs + "\n$INCLUDE dictionary.luna\n", "dictionary.luna": exported, "secret": loopSecret + "\n",
		"radiusd.conf": "prefix = " + dir + "\nlocalstatedir = " + dir + "\nlogdir = " + dir + "\nrun_dir = " + dir + "\nlibdir = /usr/lib/freeradius\nsecurity { allow_vulnerable_openssl = yes }\nmodules { }\nclient x {\nipaddr = 127.0.0.1\nsecret = testing123\n}\nserver default {\nlisten {\ntype = auth\nipaddr = 127.0.0.1\nport = 0\n}\nauthorize { }\n}\n",
	})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, freeradius, "-XC", "-d", dir, "-D", dir).CombinedOutput(); err != nil {
		t.Errorf("freeradius refuses the dictionary: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, tool, "-x", "-r", "1", "-t", "5", "-D", dir, "-S", filepath.Join(dir, "secret"), s.addrs["auth"], "auth")
	cmd.Stdin = strings.NewReader("User-Name = ann, User-Password = ann, Luna-Map = 0x27, Luna-QoS-Queue-Weight = 3\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	var got []string
	for _, line := range received(string(out)) {
		if strings.HasPrefix(line, "Luna-") {
			got = append(got, line)
		}
	}
	want := []string{"Luna-Role = Guest", "Luna-QoS-Down = 2000", `Luna-QoS-Queue-Name = "best effort"`, "Luna-Map = 0x27006b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, out)
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
