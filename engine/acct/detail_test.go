package acct

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// testDictionary is the one that the project ships.
func testDictionary(t testing.TB) *dictionary.Dictionary {
	t.Helper()
	var errs raddb.List
	d := dictionary.Load(raddb.Open("../../raddb"), "dictionary", &errs)
	if errs.Failed() {
		t.Fatal(errs.Err())
	}
	return d
}

func testPairs(t testing.TB, d *dictionary.Dictionary, texts ...string) []dictionary.Pair {
	t.Helper()
	var list []dictionary.Pair
	for _, text := range texts {
		p, err := d.ParsePair(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func TestAppendDetail(t *testing.T) {
	d := testDictionary(t)
	pairs := testPairs(t, d, "Acct-Status-Type = Start", "User-Name = bob", `Acct-Session-Id = "a\001\351\\"`, "NAS-IP-Address = 192.0.2.1", "User-Password = secret")
	at := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		want string
	}{
		{"Bob@realm", "Sat Nov 21 22:00:00 2026\n\tUser-Name = Bob@realm\n\tAcct-Status-Type = Start\n\tAcct-Session-Id = a\\001\\351\\\\\n\tNAS-IP-Address = 192.0.2.1\n\tTimestamp = 1795298400\n\tRequest-Authenticator = Verified\n\n"},
		{"", "Sat Nov 21 22:00:00 2026\n\tAcct-Status-Type = Start\n\tUser-Name = bob\n\tAcct-Session-Id = a\\001\\351\\\\\n\tNAS-IP-Address = 192.0.2.1\n\tTimestamp = 1795298400\n\tRequest-Authenticator = Verified\n\n"},
	} {
		var name []byte
		if c.name != "" {
			name = []byte(c.name)
		}
		if diff := cmp.Diff(c.want, string(AppendDetail(nil, nil, at, name, pairs, AuthenticatorVerified))); diff != "" {
			t.Errorf("detail (-want +got):\n%s", diff)
		}
	}
}

func TestAppendOldDetail(t *testing.T) {
	d := testDictionary(t)
	pairs := testPairs(t, d, "Acct-Status-Type = Interim-Update", "NAS-Port = 7", "NAS-Port-Id = e7", `Acct-Session-Id = "a\001\\"`)
	want := "Sat Nov 21 22:00:00 2026\n\tUser-Name = bob\n\tAcct-Status-Type = Alive\n\tNAS-Port-Id = 7\n\tNAS-Port-Id-String = e7\n\tAcct-Session-Id = a\\001\\\n" +
		"\tTimestamp = 1795298400\n\tRequest-Authenticator = Verified\n\n"
	at := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	var stamp DetailStamp
	for _, at := range []time.Time{at.Add(-time.Second), at.In(time.FixedZone("", 3600)), at, at.Add(time.Millisecond)} { // the stamp keeps none of another
		got := string(AppendOldDetail(nil, &stamp, at, []byte("bob"), pairs, AuthenticatorVerified))
		if fresh := string(AppendOldDetail(nil, nil, at, []byte("bob"), pairs, AuthenticatorVerified)); got != fresh {
			t.Errorf("%v: (-fresh +kept)\n%s", at, cmp.Diff(fresh, got))
		}
	}
	if diff := cmp.Diff(want, string(AppendOldDetail(nil, &stamp, at, []byte("bob"), pairs, AuthenticatorVerified))); diff != "" {
		t.Errorf("detail (-want +got):\n%s", diff)
	}
}

// TestAppendRecord: what is written of a request is read back.
func TestAppendRecord(t *testing.T) {
	d := testDictionary(t)
	pairs := testPairs(t, d, "User-Name = Bob", "Acct-Status-Type = Stop", `Acct-Session-Id = "a\001"`, "NAS-IP-Address = 192.0.2.1", "NAS-Identifier = sw", "NAS-Port = 7",
		"Acct-Session-Time = 60", "Acct-Input-Octets = 5", "Acct-Terminate-Cause = Idle-Timeout", "Event-Timestamp = 1767355200", "User-Password = secret", "Framed-IPv6-Prefix = 2001:db8::/64")
	head := Head{Arrival: noon, ID: 3, Client: "campus", Source: netip.MustParseAddrPort("192.0.2.9:1646"), User: []byte("bob"), Realm: "r", More: AppendMore(nil, "Class-User", "x\"y")}
	text := AppendRecord(nil, &head, pairs)
	if !json.Valid(text) || strings.Contains(string(text), "secret") {
		t.Errorf("record: %s", text)
	}
	var e Event
	if err := e.Parse(string(text)); err != nil {
		t.Fatal(err)
	}
	if want := `["Framed-IPv6-Prefix","2001:db8::/64"],["Class-User","x\"y"]]`; !strings.HasSuffix(e.Attributes, want) {
		t.Errorf("attributes %s", e.Attributes)
	}
	e.Attributes = ""
	want := Event{Arrival: noon, ID: 3, Client: "campus", Source: head.Source, NAS: "sw", User: "bob", Realm: "r", Status: Stop, Stamp: 1767355200, UserName: "Bob", SessionID: "a\x01",
		NASAddress: "192.0.2.1", NASIdentifier: "sw", NASPort: "7", Seconds: 60, has: hasSeconds, Input: Octets{Low: 5, HasLow: true}, TerminateCause: "Idle-Timeout", FramedIPv6Prefix: "2001:db8::/64"}
	if diff := cmp.Diff(want, e, cmpEvent); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if n := testing.AllocsPerRun(100, func() { text = AppendRecord(text[:0], &head, pairs) }); n > 1 {
		t.Errorf("%v allocations for a record with one escaped value", n)
	}
}

func put2(d *Detail, name, record string) error {
	c := make(chan error, 1)
	d.Append(name, []byte(record), func(err error) { c <- err })
	return <-c
}

// tree gives the files below dir and their content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			b, err := os.ReadFile(path)
			rel, _ := filepath.Rel(dir, path)
			found[rel] = string(b)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDetail(t *testing.T) {
	dir := t.TempDir()
	now := noon
	d, err := OpenDetail(DetailOptions{Dir: dir, Sync: true, Every: 24 * time.Hour, MaxSize: 9, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, record string }{
		{"nas1/detail", "one\n"}, {"nas2/detail", "two\n"}, {"nas1/detail", "three\n"}, {"nas1/detail", "four\n"}, {"../../etc/x\n", "five\n"},
	} {
		if err := put2(d, c.name, c.record); err != nil {
			t.Fatal(err)
		}
	}
	if err := put2(d, "/", "x"); err != ErrDetailName {
		t.Errorf("a name without a file: %v", err)
	}
	now = now.Add(24 * time.Hour)
	if err := put2(d, "nas2/detail", "six\n"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "nas2/detail"), filepath.Join(dir, "nas2/old")); err != nil {
		t.Fatal(err)
	}
	d.Reopen()
	if err := put2(d, "nas2/detail", "seven\n"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	os.Remove(filepath.Join(dir, "nas2/detail"))
	if err := put2(d, "nas2/detail", "eight\n"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if err := put2(d, "nas1/detail", "late\n"); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
	want := map[string]string{
		"nas1/detail.20260102T120000Z": "one\nthree\n", "nas1/detail": "four\n", "nas2/detail.20260103T120000Z": "two\n",
		"nas2/old": "six\n", "nas2/detail": "eight\n", "__/__/etc/x_": "five\n",
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestDetailFails(t *testing.T) {
	dir := t.TempDir()
	d, err := OpenDetail(DetailOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.WriteFile(filepath.Join(dir, "nas"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := put2(d, "nas/detail", "x\n"); err == nil {
		t.Error("written below a file")
	}
	os.Remove(filepath.Join(dir, "nas"))
	if err := put2(d, "nas/detail", "x\n"); err != nil {
		t.Errorf("no recovery: %v", err)
	}
}

// TestDetailTellsOnce: the log has the begin and the end of each trouble, not each group that failed.
func TestDetailTellsOnce(t *testing.T) {
	dir, now := t.TempDir(), noon
	var log strings.Builder
	d, err := OpenDetail(DetailOptions{Dir: dir, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	write := func(bad bool, names ...string) {
		t.Helper()
		for _, name := range names {
			if err := put2(d, name, "x\n"); (err != nil) != bad {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	block := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	block("a")
	for range 5 {
		write(true, "a/detail")
		write(false, "b/detail")
	}
	os.Remove(filepath.Join(dir, "a"))
	write(false, "a/detail", "a/detail")
	block("c")
	write(true, "c/detail")
	for i := range mostBroken + 5 { // the other files are not told of,
		write(true, fmt.Sprintf("c/detail%d", i))
	}
	now = now.Add(2 * brokenStays)
	write(true, "c/last") // but an hour later
	d.Close()
	told := map[string]int{}
	for line := range strings.Lines(log.String()) {
		_, text, _ := strings.Cut(line, "msg=")
		text, _, _ = strings.Cut(strings.TrimSpace(text), " err=")
		if strings.Contains(text, "file=c/detail") {
			text = "c"
		}
		told[text]++
	}
	want := map[string]int{
		`"detail file cannot be written; trying on" file=a/detail`: 1, `"detail file is written again" file=a/detail`: 1,
		"c": mostBroken, `"detail file cannot be written; trying on" file=c/last`: 1,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestManyDetails(t *testing.T) {
	dir := t.TempDir()
	d, err := OpenDetail(DetailOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * openDetails {
		if err := put2(d, "nas"+strings.Repeat("x", i%(2*openDetails)), "r\n"); err != nil {
			t.Fatal(err)
		}
	}
	d.Close()
	if n := len(tree(t, dir)); n != 2*openDetails {
		t.Errorf("%d files", n)
	}
}

func BenchmarkDetail(b *testing.B) {
	d, err := OpenDetail(DetailOptions{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	dict := testDictionary(b)
	pairs := testPairs(b, dict, "User-Name = bob", "Acct-Status-Type = Stop", "Acct-Session-Id = abcdef", "NAS-IP-Address = 192.0.2.1", "NAS-Port = 7", "Acct-Session-Time = 60", "Acct-Input-Octets = 5", "Acct-Output-Octets = 5")
	done := make(chan error, 64)
	b.ReportAllocs()
	start := processorTime()
	for i := range b.N {
		d.Append("nas/detail", AppendDetail(nil, nil, noon, nil, pairs, AuthenticatorVerified), func(err error) { done <- err })
		if i >= 60 {
			<-done
		}
	}
	b.ReportMetric(float64(processorTime()-start)/float64(b.N)/1e3, "cpu-µs/op")
}
