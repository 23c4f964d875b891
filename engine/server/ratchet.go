package server

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A ratchet remembers which addresses have proved that they sign Access-Requests with Message-Authenticator
// (the `auto` of require-message-authenticator and limit-proxy-state). It learns only "required", only from
// verified packets, and never forgets by itself but for want of room: a spoofed packet teaches nothing.
//
// Looking up takes no lock: chains of nodes that are never changed hang from a fixed table of atomic
// pointers. Learning is rare; it takes a lock and wakes the writer of the file.
type ratchet struct {
	seed    maphash.Seed
	buckets [ratchetBuckets]atomic.Pointer[learntAddress]
	limit   int

	mu    sync.Mutex // protects chains against other writers, count and wake
	count int

	path  string // "": not kept
	log   *slog.Logger
	wake  chan struct{}
	ended chan error
}

const (
	ratchetBuckets = 1 << 12
	ratchetLimit   = 1 << 16 // addresses
)

// A learntAddress is one node of a chain.
type learntAddress struct {
	addr       netip.Addr
	identifier string // NAS-Identifier of the packet that taught
	client     string
	at         time.Time
	used       atomic.Int64 // Unix time of the last use, to the minute
	warned     atomic.Bool  // that the address also sends unsigned requests
	next       atomic.Pointer[learntAddress]
}

// A Learnt is one address that must send Message-Authenticator, and how that came.
type Learnt struct {
	Address    netip.Addr
	Client     string
	Identifier string // NAS-Identifier of the packet that taught
	At         time.Time
	Used       time.Time // to the minute
}

func openRatchet(path string, log *slog.Logger) (*ratchet, error) {
	t := &ratchet{seed: maphash.MakeSeed(), limit: ratchetLimit, path: path, log: log}
	if path == "" {
		return t, nil
	}
	if err := t.load(); err != nil {
		return nil, err
	}
	t.wake, t.ended = make(chan struct{}, 1), make(chan error, 1)
	go t.write(t.wake)
	return t, nil
}

func (t *ratchet) bucket(addr netip.Addr) *atomic.Pointer[learntAddress] {
	return &t.buckets[maphash.Comparable(t.seed, addr)%ratchetBuckets]
}

// find gives the entry of an address, nil if nothing was learnt.
func (t *ratchet) find(addr netip.Addr) *learntAddress {
	for e := t.bucket(addr).Load(); e != nil; e = e.next.Load() {
		if e.addr == addr {
			return e
		}
	}
	return nil
}

// knows reports whether the address is learnt already, and marks it as used.
func (t *ratchet) knows(addr netip.Addr, now time.Time) bool {
	e := t.find(addr)
	if e == nil {
		return false
	}
	if minute := now.Unix() / 60 * 60; e.used.Load() < minute {
		e.used.Store(minute)
	}
	return true
}

// learn adds an address; false if another goroutine was faster.
func (t *ratchet) learn(addr netip.Addr, identifier, client string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.find(addr) != nil {
		return false
	}
	if t.count >= t.limit {
		t.evict()
	}
	t.put(&learntAddress{addr: addr, identifier: identifier, client: client, at: now}, now)
	t.changed()
	return true
}

func (t *ratchet) put(e *learntAddress, used time.Time) {
	e.used.Store(used.Unix() / 60 * 60)
	b := t.bucket(e.addr)
	e.next.Store(b.Load())
	b.Store(e)
	t.count++
}

// evict makes room by the sixteenth part that was not used for longest.
func (t *ratchet) evict() {
	all := t.nodes()
	slices.SortFunc(all, func(a, b *learntAddress) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	for _, e := range all[:max(1, len(all)/16)] {
		t.remove(e.addr)
	}
}

// remove takes an address out of its chain. Readers on the node still find their way on.
func (t *ratchet) remove(addr netip.Addr) bool {
	for p := t.bucket(addr); ; {
		e := p.Load()
		if e == nil {
			return false
		}
		if e.addr == addr {
			p.Store(e.next.Load())
			t.count--
			return true
		}
		p = &e.next
	}
}

// empty empties one that is not kept.
func (t *ratchet) empty() {
	for i := 0; t.count > 0 && i < len(t.buckets); i++ {
		for e := t.buckets[i].Swap(nil); e != nil; e = e.next.Load() {
			t.count--
		}
	}
}

func (t *ratchet) nodes() []*learntAddress {
	var all []*learntAddress
	for i := range t.buckets {
		for e := t.buckets[i].Load(); e != nil; e = e.next.Load() {
			all = append(all, e)
		}
	}
	return all
}

func (t *ratchet) list() []Learnt {
	nodes := t.nodes()
	all := make([]Learnt, len(nodes))
	for i, e := range nodes {
		all[i] = Learnt{e.addr, e.client, e.identifier, e.at, time.Unix(e.used.Load(), 0)}
	}
	slices.SortFunc(all, func(a, b Learnt) int { return a.Address.Compare(b.Address) })
	return all
}

// Learnt gives the addresses that must send Message-Authenticator, in order.
func (c *Core) Learnt() []Learnt { return c.ratchet.list() }

// Forget is the operator's way back: requests without Message-Authenticator are taken from the address
// again (a firmware downgrade, another NAS behind the same address), and a home server's answers without it. false: nothing was learnt about it.
func (c *Core) Forget(addr netip.Addr, who string) bool {
	ok := c.ratchet.forget(addr)
	if home := c.forgetHome(addr); ok || home {
		ok = true
		c.log.Warn("Message-Authenticator is not required any more, by command", "source", addr.String(), "command", who)
	}
	return ok
}

func (t *ratchet) forget(addr netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.changed()
	return t.remove(addr)
}

func (t *ratchet) changed() {
	if t.wake == nil {
		return
	}
	select {
	case t.wake <- struct{}{}:
	default: // the writer has not begun with the last change yet: it will see this one too
	}
}

// write stores the table after each change, off the packet path.
func (t *ratchet) write(wake <-chan struct{}) {
	var err error
	for range wake {
		if err = t.store(); err != nil {
			t.log.Error("what was learnt about Message-Authenticator cannot be stored; a restart would forget it",
				"file", t.path, "err", err.Error())
		}
	}
	t.ended <- err
}

// close ends the writer after the last change.
func (t *ratchet) close() error {
	t.mu.Lock()
	wake := t.wake
	t.wake = nil
	t.mu.Unlock()
	if wake == nil {
		return nil
	}
	close(wake)
	return <-t.ended
}

// store replaces the file as a whole, so that a crash leaves the old or the new one.
func (t *ratchet) store() error {
	var b bytes.Buffer
	b.WriteString("# address, learnt at, used at, client, NAS-Identifier: must send Message-Authenticator\n")
	for _, e := range t.list() {
		b.WriteString(e.line() + "\n")
	}
	return replaceFile(t.path, b.Bytes())
}

func (e *Learnt) line() string {
	return fmt.Sprintf("%s %s %d %q %q", e.Address, e.At.UTC().Format(time.RFC3339), e.Used.Unix(), e.Client, e.Identifier)
}

func (t *ratchet) load() error {
	b, err := os.ReadFile(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if err := t.loadLine(line); err != nil {
			return fmt.Errorf("%s:%d: %w; remove the line to forget the address", t.path, n, err)
		}
	}
	return lines.Err()
}

func (t *ratchet) loadLine(line string) error {
	f := strings.SplitN(line, " ", 4)
	if len(f) < 4 {
		return fmt.Errorf("%d fields; 5 expected", len(f))
	}
	addr, err := netip.ParseAddr(f[0])
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, f[1])
	if err != nil {
		return err
	}
	used, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return err
	}
	e := &learntAddress{addr: addr, at: at}
	if _, err := fmt.Sscanf(f[3], "%q %q", &e.client, &e.identifier); err != nil {
		return fmt.Errorf("client and NAS-Identifier are not two quoted texts: %w", err)
	}
	if t.find(addr) == nil && t.count < t.limit {
		t.put(e, time.Unix(used, 0))
	}
	return nil
}

// replaceFile writes a file so that readers and crashes see the old or the new contents, never a part.
func replaceFile(path string, contents []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(contents)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
