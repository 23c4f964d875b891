package server

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"perilune/engine/radius"
)

func testKey(n uint32) (k key) {
	packet := makePacket(radius.CodeAccessRequest, byte(n), 0, "")
	source := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 16), byte(n >> 8)}), 4000)
	return keyOf(source, netip.Addr{}, packet)
}

func TestKeysDiffer(t *testing.T) {
	packet := makePacket(radius.CodeAccessRequest, 1, 0, "")
	status := makePacket(radius.CodeStatusServer, 1, 0, "")
	next := makePacket(radius.CodeAccessRequest, 2, 0, "")
	at := netip.MustParseAddrPort
	local := netip.MustParseAddr("192.0.2.1")
	keys := []key{
		keyOf(at("10.0.0.1:5"), local, packet),
		keyOf(at("10.0.0.2:5"), local, packet),
		keyOf(at("10.0.0.1:6"), local, packet),
		keyOf(at("10.0.0.1:5"), netip.MustParseAddr("192.0.2.2"), packet),
		keyOf(at("10.0.0.1:5"), local, status),
		keyOf(at("10.0.0.1:5"), local, next),
		keyOf(at("[fe80::1%eth0]:5"), local, packet),
		keyOf(at("[fe80::1%eth1]:5"), local, packet),
		keyOf(at("[fe80::1%enp0s31f6]:5"), local, packet),
		keyOf(at("[fe80::1%enp0s31f7]:5"), local, packet),
	}
	for i, a := range keys {
		for j, b := range keys {
			if (a == b) != (i == j) {
				t.Errorf("keys %d and %d: equal is %v", i, j, a == b)
			}
		}
	}
}

func TestDuplicatesStoreAndLookup(t *testing.T) {
	c := newDuplicates(0)
	k := testKey(1)
	h := c.hash(&k)
	first, second := radius.Authenticator{1}, radius.Authenticator{2}
	at := c.epoch.Add(time.Second)
	if c.lookup(h, &k, &first, at, time.Second) != nil {
		t.Fatal("the empty cache knows something")
	}
	c.store(h, &k, &first, []byte("reply"), at)
	if got := c.lookup(h, &k, &first, at.Add(900*time.Millisecond), time.Second); string(got) != "reply" {
		t.Fatalf("got %q", got)
	}
	if c.lookup(h, &k, &first, at.Add(time.Second), time.Second) != nil {
		t.Error("an expired entry is still there")
	}
	c.store(h, &k, &first, []byte("reply"), at)
	if c.lookup(h, &k, &second, at, time.Second) != nil {
		t.Error("another authenticator got the old reply")
	}
	if c.lookup(h, &k, &first, at, time.Second) != nil {
		t.Error("the old entry was not purged")
	}
}

// TestDuplicatesForget fills the cache many times over: new entries are always there, and what is found is
// always right.
func TestDuplicatesForget(t *testing.T) {
	c := newDuplicates(minRing)
	now := c.epoch
	var reply [300]byte
	for n := range uint32(200_000) {
		k := testKey(n)
		auth := radius.Authenticator{byte(n), byte(n >> 8), byte(n >> 16)}
		binary.BigEndian.PutUint32(reply[:], n)
		h := c.hash(&k)
		c.store(h, &k, &auth, reply[:4+n%256], now)
		if got := c.lookup(h, &k, &auth, now, time.Second); len(got) != int(4+n%256) || binary.BigEndian.Uint32(got) != n {
			t.Fatalf("entry %d is not there right after store", n)
		}
	}
}

// TestDuplicatesForgetTheOldest: a full cache takes no more memory; it forgets what was answered first.
func TestDuplicatesForgetTheOldest(t *testing.T) {
	c := newDuplicates(minRing)
	auth, reply := radius.Authenticator{1}, make([]byte, 200)
	const stored = 50_000
	for n := range uint32(stored) {
		k := testKey(n)
		c.store(c.hash(&k), &k, &auth, reply, c.epoch)
	}
	if len(c.ring) != minRing || len(c.index) != minRing/512 {
		t.Errorf("ring of %d, index of %d", len(c.ring), len(c.index))
	}
	found := func(from, to uint32) (n int) {
		for i := from; i < to; i++ {
			k := testKey(i)
			if c.lookup(c.hash(&k), &k, &auth, c.epoch, time.Second) != nil {
				n++
			}
		}
		return n
	}
	const half = minRing / (entryRoom + 208) / 2
	if n := found(0, stored-2*half); n != 0 {
		t.Errorf("%d of the oldest are still there", n)
	}
	if n := found(stored-half, stored); n < half*95/100 {
		t.Errorf("%d of the %d newest are there", n, half)
	}
}

// TestDuplicatesCounterWraps lets positions wrap: the cache forgets and goes on.
func TestDuplicatesCounterWraps(t *testing.T) {
	c := newDuplicates(minRing)
	k, auth := testKey(1), radius.Authenticator{1}
	h := c.hash(&k)
	c.store(h, &k, &auth, []byte("old"), c.epoch)
	c.head = 1<<32 - 8 // what is stored at the very end starts before the wrap
	for n := range uint32(10) {
		k := testKey(n + 2)
		h := c.hash(&k)
		c.store(h, &k, &auth, []byte("new"), c.epoch)
		if got := c.lookup(h, &k, &auth, c.epoch, time.Second); string(got) != "new" {
			t.Fatalf("entry %d around the wrap: %q", n, got)
		}
	}
	if c.lookup(h, &k, &auth, c.epoch, time.Second) != nil {
		t.Error("an entry from before the wrap is alive")
	}
}

// TestRepliesStayDuringABatch stores the largest possible batch behind an entry that was just found.
func TestRepliesStayDuringABatch(t *testing.T) {
	c := newDuplicates(minRing)
	big := make([]byte, radius.MaxPacketLen)
	auth := radius.Authenticator{1}
	k := testKey(0)
	h := c.hash(&k)
	c.store(h, &k, &auth, []byte("precious"), c.epoch)
	for n := uint32(1); ; n++ {
		got := c.lookup(h, &k, &auth, c.epoch, time.Second)
		if got == nil {
			return // dead before it could be harmed
		}
		head := c.head
		for m := range uint32(maxBatch) {
			other := testKey(n*1000 + m)
			c.store(c.hash(&other), &other, &auth, big, c.epoch)
		}
		if string(got) != "precious" {
			t.Fatalf("round %d: the reply was overwritten before it was sent", n)
		}
		c.head = head + (entryRoom+radius.MaxPacketLen)/unit // only one of them really happened
	}
}

// model is what the cache promises, with a map.
type model struct {
	entries map[key]modelEntry
}

type modelEntry struct {
	auth  radius.Authenticator
	reply string
	at    time.Time
}

// TestDuplicatesModel compares the cache with a map: it may forget, but it never gives a wrong reply, and it
// forgets nothing while it has room.
func TestDuplicatesModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newDuplicates(minRing)
		c.head = rapid.Uint32().Draw(t, "head")
		m := model{make(map[key]modelEntry)}
		now := c.epoch
		const keep = time.Second
		stored := 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			k := testKey(rapid.Uint32Range(0, 20).Draw(t, "key"))
			auth := radius.Authenticator{rapid.ByteRange(0, 2).Draw(t, "auth")}
			h := c.hash(&k)
			switch rapid.SampledFrom([]string{"lookup", "lookup", "store", "pass", "hold"}).Draw(t, "what") {
			case "lookup":
				got := string(c.lookup(h, &k, &auth, now, keep))
				e, ok := m.entries[k]
				fits := ok && e.auth == auth && now.Sub(e.at) < keep
				if ok && !fits {
					delete(m.entries, k)
				}
				want := ""
				if fits {
					want = e.reply
				}
				wrapped := c.head < uint32(stored)*((entryRoom+4096)/unit+1)
				if got != want && !(got == "" && wrapped) {
					t.Fatalf("got %q, want %q", got, want)
				}
			case "store":
				reply := "r" + rapid.StringN(0, 50, 200).Draw(t, "reply")
				c.store(h, &k, &auth, []byte(reply), now)
				m.entries[k] = modelEntry{auth, reply, now}
				stored++
			case "hold":
				c.hold(make([]byte, rapid.IntRange(20, 4096).Draw(t, "size")))
				stored++
			case "pass":
				now = now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "ticks")) * tick)
			}
		}
	})
}

// FuzzDuplicates drives a small cache by octets: replies found must be those stored last for their key.
func FuzzDuplicates(f *testing.F) {
	f.Add([]byte{0, 1, 1, 1, 0, 1})
	f.Add([]byte{0, 200, 0, 201, 0, 202, 1, 200})
	f.Fuzz(func(t *testing.T, ops []byte) {
		c := newDuplicates(minRing)
		last := make(map[key]uint32)
		auth := radius.Authenticator{9}
		var reply [2048]byte
		for i := 0; i+1 < len(ops); i += 2 {
			k := testKey(uint32(ops[i+1]))
			h := c.hash(&k)
			if ops[i]%2 == 0 {
				binary.BigEndian.PutUint32(reply[:], uint32(i))
				c.store(h, &k, &auth, reply[:4+int(ops[i])*8], c.epoch)
				last[k] = uint32(i)
			} else if got := c.lookup(h, &k, &auth, c.epoch, time.Second); got != nil {
				if want, ok := last[k]; !ok || binary.BigEndian.Uint32(got) != want {
					t.Fatalf("step %d: got reply of step %d, want %d", i, binary.BigEndian.Uint32(got), want)
				}
			}
		}
	})
}

func BenchmarkDuplicates(b *testing.B) {
	c := newDuplicates(16 << 20)
	reply := make([]byte, 60)
	auth := radius.Authenticator{1}
	b.ReportAllocs()
	n := uint32(0)
	for b.Loop() {
		n++
		k := testKey(n)
		h := c.hash(&k)
		if c.lookup(h, &k, &auth, c.epoch, time.Second) == nil {
			c.store(h, &k, &auth, reply, c.epoch)
		}
	}
}
