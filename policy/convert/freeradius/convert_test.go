package freeradius

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/policy/convert/output"
)

var update = flag.Bool("update", false, "write the converted trees anew")

// TestGolden converts the sites of testdata and compares all files with those of NAME.want, but for the
// dictionaries that the program carries.
func TestGolden(t *testing.T) {
	sites, _ := filepath.Glob("testdata/*.want")
	if len(sites) == 0 {
		t.Fatal("no sites in testdata")
	}
	for _, want := range sites {
		t.Run(filepath.Base(want), func(t *testing.T) {
			got := convertSite(t, strings.TrimSuffix(want, ".want"))
			if *update {
				writeSite(t, want, got)
			}
			if d := cmp.Diff(readSite(t, want), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// convertSite gives the new files, and the report as the file report.txt.
func convertSite(t *testing.T, dir string) map[string]string {
	t.Helper()
	var out output.Tree
	var report output.Report
	if err := Convert(Options{Root: dir}, &out, &report); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range out.Names() {
		text := out.File(name).String()
		switch {
		case strings.HasPrefix(name, "raddb/dictionary") && name != "raddb/"+siteDictionary, name == "raddb/access.deny":
		case name == "raddb/config.toml":
			files[name] = settingsOf(text)
		default:
			files[name] = text
		}
	}
	var b bytes.Buffer
	report.Print(&b)
	files["report.txt"] = b.String()
	return files
}

// settingsOf leaves out the comments and defaults of config.toml, which change with the program.
func settingsOf(text string) string {
	var b strings.Builder
	table := ""
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "["):
			table = line
		case strings.TrimSpace(line) != "" && line[0] != '#':
			b.WriteString(table + line)
			table = ""
		}
	}
	return b.String()
}

func readSite(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func writeSite(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
