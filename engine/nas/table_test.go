package nas

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perilune/engine/raddb"

	"github.com/google/go-cmp/cmp"
)

// tree writes files of a clients tree, all unreadable for others, and gives it.
func tree(t testing.TB, files map[string]string) *raddb.Tree {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return raddb.Open(root)
}

// load reads lines as a clients file that must have no errors.
func load(t testing.TB, lines string) *Table {
	t.Helper()
	var errs raddb.List
	table := Load(tree(t, map[string]string{"clients": lines}), "clients", &errs)
	if errs.Failed() {
		t.Fatal(errs)
	}
	return table
}

func TestLookup(t *testing.T) {
	table := load(t, `
10.0.0.0/8          ten-ten-ten-ten-ten   wide
10.1.0.0/255.255.0.0 ten-one-ten-one-ten  narrow
10.1.2.3            "0123456789abcdef"    host
::ffff:10.1.2.4     0123456789abcdef0     mapped
::ffff:172.16.0.0/108 0123456789abcdef1   mapped-net
2001:db8::/32       0123456789abcdef2     six
2001:db8::1         0123456789abcdef3     six-host
fe80::1%eth0        0123456789abcdef4     zoned
fe80::2             0123456789abcdef5     any-zone
192.0.2.77/24       0123456789abcdef6
`)
	for _, c := range []struct{ addr, want string }{
		{"10.200.0.1", "wide"},
		{"10.1.0.1", "narrow"},
		{"10.1.2.3", "host"},
		{"10.1.2.4", "mapped"},
		{"172.16.255.1", "mapped-net"},
		{"172.32.0.1", ""},
		{"11.0.0.1", ""},
		{"2001:db8:1::1", "six"},
		{"2001:db8::1", "six-host"},
		{"2001:db9::1", ""},
		{"fe80::1%eth0", "zoned"},
		{"fe80::1%eth1", ""},
		{"fe80::1", ""},
		{"fe80::2%eth7", "any-zone"},
		{"fe80::2", "any-zone"},
		{"192.0.2.1", "192.0.2.77/24"},
	} {
		got := ""
		if cl := table.Lookup(netip.MustParseAddr(c.addr)); cl != nil {
			got = cl.Name
		}
		if got != c.want {
			t.Errorf("Lookup(%s) = %q, want %q", c.addr, got, c.want)
		}
	}
	for i, c := range table.All() {
		if c.Index != i {
			t.Errorf("client %d has index %d", i, c.Index)
		}
	}
	if table.Len() != 10 {
		t.Errorf("Len = %d", table.Len())
	}
	if c := table.Lookup(netip.Addr{}); c != nil {
		t.Errorf("the zero address is client %q", c.Name)
	}
}

func TestDefaultClient(t *testing.T) {
	table := load(t, "DEFAULT 0123456789abcdef\n10.0.0.1 abcdefghijklmnopq one\n")
	for addr, want := range map[string]string{"10.0.0.1": "one", "10.0.0.2": "DEFAULT", "2001:db8::1": "DEFAULT"} {
		if got := table.Lookup(netip.MustParseAddr(addr)); got == nil || got.Name != want {
			t.Errorf("Lookup(%s) = %v, want %s", addr, got, want)
		}
	}
}

// big gives the text of n clients: two thirds hosts, one third prefixes.
func big(n int) string {
	var b strings.Builder
	for i := range n {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, "10.%d.%d.%d a-secret-number-%d nas-%d\n", i>>16&255, i>>8&255, i&255, i, i)
		case 1:
			fmt.Fprintf(&b, "2001:db8:%x::%x a-secret-number-%d nas-%d type=cisco\n", i>>16, i&0xffff, i, i)
		case 2:
			fmt.Fprintf(&b, "%d.%d.%d.0/24 a-secret-number-%d nas-%d\n", 11+i>>16, i>>8&255, i&255, i, i)
		}
	}
	return b.String()
}

func TestManyClients(t *testing.T) {
	const n = 100_000
	tr := tree(t, map[string]string{"clients": big(n)})
	var errs raddb.List
	start := time.Now()
	table := Load(tr, "clients", &errs)
	t.Logf("%d clients in %v", n, time.Since(start))
	if errs != nil {
		t.Fatal(errs[0])
	}
	for i, c := range table.All() {
		if got := table.Lookup(c.Prefix.Addr()); got != c {
			t.Fatalf("client %d %v: Lookup gives %v", i, c.Prefix, got)
		}
	}
}

func BenchmarkLoad100000(b *testing.B) {
	tr := tree(b, map[string]string{"clients": big(100_000)})
	b.ReportAllocs()
	for b.Loop() {
		var errs raddb.List
		Load(tr, "clients", &errs)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		table := load(b, big(n))
		var hosts, prefixes []netip.Addr
		for _, c := range table.All() {
			switch {
			case len(hosts) < 4096 && c.Prefix.IsSingleIP() && c.Prefix.Addr().Is4():
				hosts = append(hosts, c.Prefix.Addr())
			case len(prefixes) < 4096 && !c.Prefix.IsSingleIP():
				prefixes = append(prefixes, c.Prefix.Addr().Next())
			}
		}
		for name, addrs := range map[string][]netip.Addr{"host": hosts, "prefix": prefixes} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if table.Lookup(addrs[i%len(addrs)]) == nil {
						b.Fatal("lost")
					}
					i++
				}
			})
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	table := load(t, big(1000)+"fe80::1%eth0 0123456789abcdef z\n")
	addrs := []netip.Addr{netip.MustParseAddr("10.0.0.0"), netip.MustParseAddr("11.0.2.9"), netip.MustParseAddr("fe80::1%eth0")}
	if n := testing.AllocsPerRun(100, func() {
		for _, a := range addrs {
			if table.Lookup(a) == nil {
				t.Fatal(a)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCharset(t *testing.T) {
	s := NewCharset(".-@")
	var got []bool
	for _, name := range []string{"", "bob", "Bob.7@x-y", "bob smith", "b\xf6b", "a:b"} {
		got = append(got, s.Allows([]byte(name)))
	}
	if d := cmp.Diff([]bool{true, true, true, false, false, false}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestCompareFlag(t *testing.T) {
	for _, c := range []struct{ kind, all, server, want uint8 }{
		{0, 0, 0, 0}, {0, 0, 4, 4}, {0, 3, 4, 3}, {2, 3, 4, 2}, {NoFlag, 3, 4, 0}, {0, NoFlag, 4, 0}, {2, NoFlag, 0, 2},
	} {
		client := &Client{Compare: c.all}
		if got := client.CompareFlag(c.kind, c.server); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
