package gnu

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/policy/convert/output"
)

// convert converts a raddb of the files and gives the new tree and the report.
func convert(t *testing.T, files map[string]string, o Options) (*output.Tree, string) {
	t.Helper()
	if o.Root == "" {
		o.Root = writeFiles(t, files)
	}
	var out output.Tree
	var report output.Report
	if err := Convert(o, &out, &report); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	report.Print(&b)
	return &out, b.String()
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	writeTo(t, root, files)
	return root
}

func writeTo(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// about gives the lines of a report that begin with a file's name.
func about(report, file string) string {
	var b strings.Builder
	for line := range strings.Lines(report) {
		if strings.HasPrefix(strings.TrimSpace(line), file+":") {
			b.WriteString(strings.TrimSpace(line) + "\n")
		}
	}
	return b.String()
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

// settingsOf gives the lines of config.toml that are not commented out, with their tables.
func settingsOf(out *output.Tree) string {
	var b strings.Builder
	table := ""
	for line := range strings.Lines(out.File("raddb/config.toml").String()) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "["):
			table = line
		case line != "" && line[0] != '#':
			b.WriteString(table + " " + line + "\n")
		}
	}
	return b.String()
}

func TestEmptyDirectory(t *testing.T) {
	var out output.Tree
	var report output.Report
	if err := Convert(Options{Root: t.TempDir()}, &out, &report); err == nil || !strings.Contains(err.Error(), "the directory is empty") {
		t.Error(err)
	}
	if err := Convert(Options{Root: filepath.Join(t.TempDir(), "none")}, &out, &report); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// What cannot be read is told, and the rest is converted.
func TestBadSources(t *testing.T) {
	out, report := convert(t, map[string]string{
		"clients":      "192.0.2.1 secret-of-one\n$INCLUDE more\n$INCLUDE none\n192.0.2.3 \"open\n",
		"more":         "192.0.2.2 secret-of-two\n$INCLUDE clients\n",
		"access.deny":  "\x00\x01\x02 a database",
		"realms/inner": "",
		"naslist":      "192.0.2.1 one\r\n192.0.2.2 two ascend",
	}, Options{})
	same(t, "clients", `# clients: who may speak to this server, and with which secret; from clients and naslist of the old tree.
# prefix  secret  name  options

192.0.2.1          "secret-of-one"  one
192.0.2.2          "secret-of-two"  two type=ascend
`, out.File("raddb/clients").String())
	if !out.File("raddb/clients").Secret {
		t.Error("others may read the secrets")
	}
	for file, want := range map[string]string{
		"clients": "clients:3:1: $INCLUDE none: no such file or directory\n" +
			"clients:4:11: a quoted text is not closed on its line; expected another \"\n",
		"more":        "more:2:1: $INCLUDE loop: clients includes more includes clients; leave one of them out\n",
		"access.deny": "access.deny: not converted: the file holds octets that no text has; is it a database?\n",
		"realms":      "realms: not converted: is no regular file\n",
		"config":      "config: there is none; the original's defaults are taken\n",
		"naslist": "naslist: names and types are in raddb/clients, by source address, and in scripts/lib/nas.lua, by NAS-IP-Address\n" +
			"naslist:2:1: NAS two has the type ascend, which nastypes does not know\n",
	} {
		same(t, file, want, about(report, file))
	}
}

// TestHugeFile: what is far too large is not read.
func TestHugeFile(t *testing.T) {
	root := writeFiles(t, map[string]string{"users": ""})
	if err := os.Truncate(filepath.Join(root, "users"), 1<<30); err != nil {
		t.Skip(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := newSource(Options{Root: root}, nil, &output.Report{}).read("users")
	runtime.ReadMemStats(&after)
	if err == nil || reason(err) != "has 1073741824 octets; expected at most 268435456" {
		t.Errorf("reading it gives %v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d octets were allocated", n)
	}
}
