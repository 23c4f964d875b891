package server

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/nas"
)

// TestRatchet: which packets teach that an address must sign, and what that changes.
func TestRatchet(t *testing.T) {
	user, pap, proxy := attribute(1, "bob"), hidden(homeSecret, "hello"), attribute(33, "p")
	signed := onWire(1, homeSecret, "first", user, pap)
	unsigned := onWire(1, homeSecret, "", user, pap)
	for _, c := range []struct {
		name    string
		before  []byte
		mode    nas.Mode
		limit   nas.Mode
		after   []byte
		want    Reason
		learned bool
	}{
		{"nothing", nil, nas.Auto, nas.Auto, unsigned, 0, false},
		{"signed teaches", signed, nas.Auto, nas.Auto, unsigned, ReasonNoMessageAuthenticator, true},
		{"unsigned teaches nothing", unsigned, nas.Auto, nas.Auto, unsigned, 0, false},
		{"wrong teaches nothing", onWire(1, homeSecret, "wrong", user, pap), nas.Auto, nas.Auto, unsigned, 0, false},
		{"EAP teaches nothing", onWire(1, homeSecret, "first", user, attribute(79, "\x02\x01\x00\x05\x01")), nas.Auto, nas.Auto, unsigned, 0, false},
		{"Status-Server teaches nothing", onWire(12, homeSecret, "first"), nas.Auto, nas.Auto, unsigned, 0, false},
		{"not in auto", signed, nas.No, nas.No, unsigned, 0, false},
		{"limit alone", signed, nas.No, nas.Auto, unsigned, 0, true},
		{"limit alone, Proxy-State", signed, nas.No, nas.Auto, onWire(1, homeSecret, "", user, pap, proxy), ReasonProxyState, true},
		{"limit, nothing learnt", nil, nas.No, nas.Auto, onWire(1, homeSecret, "", user, pap, proxy), 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := load(t, "", nil)
			home(g).Require, home(g).Limit = c.mode, c.limit
			core := core(t, CoreOptions{})
			if c.before != nil {
				core.receive(incoming(g, "auth"), c.before)
			}
			if got := core.receive(incoming(g, "auth"), c.after); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := len(core.Learnt()) == 1; got != c.learned {
				t.Errorf("learnt: %v", core.Learnt())
			}
			other := incoming(g, "auth")
			other.Source = netip.MustParseAddrPort("10.1.1.1:1")
			if why := core.receive(other, onWire(1, "the-second-secret", "", user, pap)); why != 0 {
				t.Errorf("another address: %q", why)
			}
		})
	}
}

// TestRatchetIsKept: what was learnt is on the disk at once, outlives a restart, and is undone by command
// alone. Both directions are logged.
func TestRatchetIsKept(t *testing.T) {
	dir := t.TempDir()
	g := load(t, "", nil)
	log := &logged{}
	open := func() *Core {
		c, err := NewCore(CoreOptions{StateDir: dir, Log: newLog(log), Now: func() time.Time { return monday }})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	name := attribute(32, "sw \"1\"\n")
	if why := c.receive(incoming(g, "auth"), onWire(1, homeSecret, "first", name)); why != 0 {
		t.Fatal(why)
	}
	c.Close()
	c = open()
	want := []Learnt{{Address: netip.MustParseAddr("127.0.0.1"), Client: "home", Identifier: "sw \"1\"\n", At: monday, Used: monday}}
	if diff := cmp.Diff(want, c.Learnt(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	unsigned := onWire(1, homeSecret, "", hidden(homeSecret, "x"), attribute(32, "other"))
	for range 2 {
		if why := c.receive(incoming(g, "auth"), unsigned); why != ReasonNoMessageAuthenticator {
			t.Errorf("after a restart: %q", why)
		}
	}
	if !c.Forget(want[0].Address, "uid 1000") || c.Forget(want[0].Address, "uid 1000") {
		t.Error("Forget")
	}
	c.Close()
	c = open()
	if why := c.receive(incoming(g, "auth"), unsigned); why != 0 || len(c.Learnt()) != 0 {
		t.Errorf("after Forget: %q %v", why, c.Learnt())
	}
	c.Close()
	for text, n := range map[string]int{
		"is required from now on": 1, "is not required any more, by command": 1,
		"with and without Message-Authenticator": 1, `unsigned_by=other`: 1,
	} {
		if got := strings.Count(log.String(), text); got != n {
			t.Errorf("%d times %q in the log, want %d:\n%s", got, text, n, log)
		}
	}
}

func TestRatchetFileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1\n": "1 fields; 5 expected",
		"# x\n\nnowhere 2024-01-01T12:00:00Z 0 \"\" \"\"\n": ":3: ",
		"10.0.0.1 yesterday 0 \"\" \"\"\n":                  "yesterday",
		"10.0.0.1 2024-01-01T12:00:00Z x \"\" \"\"":         "invalid syntax",
		"10.0.0.1 2024-01-01T12:00:00Z 0 a b\n":             "not two quoted texts",
	} {
		path := filepath.Join(t.TempDir(), "message-authenticator")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := NewCore(CoreOptions{StateDir: filepath.Dir(path)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestRatchetBound: the table holds so many addresses, and forgets those that were not used for longest.
func TestRatchetBound(t *testing.T) {
	table, _ := openRatchet("", newLog(&logged{}))
	table.limit = 64
	first := netip.MustParseAddr("2001:db8::")
	addr := first
	for i := range 200 {
		now := monday.Add(time.Duration(i) * time.Minute)
		table.learn(addr, "", "c", now)
		table.knows(first, now) // used all the time
		addr = addr.Next()
	}
	if n := len(table.nodes()); n != table.count || n > 64 || n < 56 {
		t.Errorf("%d addresses, counted %d", n, table.count)
	}
	if table.find(first) == nil {
		t.Error("the one in use was forgotten")
	}
}

// TestRatchetConcurrently: readers take no lock while others learn and forget.
func TestRatchetConcurrently(t *testing.T) {
	table, _ := openRatchet("", newLog(&logged{}))
	table.limit = 32
	fixed := netip.MustParseAddr("192.0.2.1")
	table.learn(fixed, "", "c", monday.Add(time.Hour))
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			addr := netip.AddrFrom4([4]byte{10, byte(w), 0, 0})
			for range 500 {
				addr = addr.Next()
				table.learn(addr, "", "c", monday)
				if table.find(fixed) == nil {
					t.Error("lost a fixed address")
					return
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkRatchet(b *testing.B) {
	table, _ := openRatchet("", newLog(&logged{}))
	addr := netip.MustParseAddr("10.0.0.0")
	for range 10000 {
		addr = addr.Next()
		table.learn(addr, "", "c", monday)
	}
	b.ReportAllocs()
	for b.Loop() {
		table.knows(addr, monday)
	}
}

// FuzzRatchetLine: a line of the file is an error or is written again as it was read.
func FuzzRatchetLine(f *testing.F) {
	f.Add("10.0.0.1 2024-01-01T12:00:00Z 1704110400 \"home\" \"sw 1\"")
	f.Add("fe80::1%eth0 2024-01-01T12:00:00Z 0 \"\" \"\\n\"")
	f.Fuzz(func(t *testing.T, line string) {
		table, _ := openRatchet("", newLog(&logged{}))
		if table.loadLine(line) != nil {
			return
		}
		again, _ := openRatchet("", newLog(&logged{}))
		if err := again.loadLine(table.list()[0].line()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(table.list()[0].line(), again.list()[0].line()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestRatchetStoreFails: learning goes on, loudly; Close tells it too.
func TestRatchetStoreFails(t *testing.T) {
	dir, log := filepath.Join(t.TempDir(), "gone"), &logged{}
	table, err := openRatchet(filepath.Join(dir, "table"), newLog(log))
	if err != nil {
		t.Fatal(err)
	}
	table.learn(netip.MustParseAddr("10.0.0.1"), "", "c", monday)
	if err := table.close(); err == nil || !strings.Contains(log.String(), "a restart would forget it") {
		t.Errorf("%v\n%s", err, log)
	}
}
