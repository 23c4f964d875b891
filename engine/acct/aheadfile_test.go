package acct

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acct")
	o := Options{Directory: ahead{room: 1000}}
	for _, record := range []string{"one", "two"} {
		j, err := Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := put(j, record); err != nil {
			t.Fatal(err)
		}
		if info, _ := os.Stat(path); info.Size() < 1000 {
			t.Errorf("%d octets: no room was made", info.Size())
		}
		if err := put(j, strings.Repeat("x", 3000)); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("x", 3000)
	if diff := cmp.Diff([]string{"one", long, "two", long}, lines(t, path)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestAheadHeals(t *testing.T) {
	zeros := strings.Repeat("\x00", 100<<10)
	for _, c := range []struct{ name, before, after string }{
		{"whole", "a\nb\n", "a\nb\n"},
		{"room of a crash", "a\n" + zeros, "a\n"},
		{"half a line", "a\nhalf" + zeros, "a\n"},
		{"nothing", zeros, ""},
		{"empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "acct")
			if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := Open(path, Options{Directory: ahead{room: 10}})
			if err != nil {
				t.Fatal(err)
			}
			if err := put(j, "next"); err != nil {
				t.Fatal(err)
			}
			j.Close()
			if got, _ := os.ReadFile(path); string(got) != c.after+"next\n" {
				t.Errorf("%d octets, want %q", len(got), c.after+"next\n")
			}
		})
	}
}
