package acct

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDetailWrite: a group stands in its files when Write returns, and each record knows what became of it.
func TestDetailWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDetail(DetailOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	write := func(group []DetailRecord) (failed []bool) {
		d.Write(group)
		for i := range group {
			failed = append(failed, group[i].Err != nil)
		}
		return failed
	}
	good := []DetailRecord{{Name: "a/detail", Record: []byte("one\n")}, {Name: "b\x01/detail", Record: []byte("two\n")}, {Name: "a/detail", Record: []byte("three\n")}}
	if diff := cmp.Diff([]bool{false, false, false}, write(good)); diff != "" || !d.Quick() {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, want := range map[string]string{"a/detail": "one\nthree\n", "b_/detail": "two\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	mixed := []DetailRecord{{Name: ""}, {Name: "file/detail", Record: []byte("x")}, {Name: "a/detail", Record: []byte("four\n")}, {Name: "file/detail", Record: []byte("y")}}
	if diff := cmp.Diff([]bool{true, true, false, true}, write(mixed)); diff != "" || d.Quick() {
		t.Errorf("quick after a failure: %v (-want +got)\n%s", d.Quick(), diff)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d.Write(good); !errors.Is(good[0].Err, ErrClosed) {
		t.Errorf("after Close: %v", good[0].Err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "a/detail")); string(text) != "one\nthree\nfour\n" {
		t.Errorf("%q", text)
	}
}

// TestSyncedDetailIsNotQuick: who asks for an fsync waits for the disk.
func TestSyncedDetailIsNotQuick(t *testing.T) {
	d, err := OpenDetail(DetailOptions{Dir: t.TempDir(), Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Quick() {
		t.Error("quick")
	}
}
