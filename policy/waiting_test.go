package policy

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/module"
)

// A slowBackend answers when it is told to, or when its caller's time is up; each that waits says so.
type slowBackend struct {
	Backends
	gate  chan struct{}
	after time.Duration // 0: when the gate opens
}

func (b *slowBackend) HTTP(string, *module.HTTPOptions) (module.HTTP, error) { return b, nil }
func (b *slowBackend) Close()                                                {}

func (b *slowBackend) Do(ctx context.Context, q *module.HTTPRequest) (*module.HTTPResponse, error) {
	var late <-chan time.Time
	if b.after > 0 {
		late = time.After(b.after)
	}
	select {
	case <-b.gate:
	case <-late:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &module.HTTPResponse{Status: 200}, nil
}

// slowScript has two handlers that ask a slow server, and a cheap one.
const slowScript = `local api = http.open{base="http://127.0.0.1:9"}
local function ask(req) api:get("/" .. req.user) return accept{} end
on("authorize", {name="a", when={user="a*"}, timeout="60s"}, ask)
on("authorize", {name="b", when={user="b*"}, timeout="60s"}, function(req) return ask(req) end)
on("authorize", function(req) return accept{["Reply-Message"]=req.user:upper()} end)`

// slowHouse serves slowScript.
func slowHouse(t testing.TB, b *slowBackend, hookWaiting int, o server.Options) (*house, netip.AddrPort) {
	t.Helper()
	h, errs := tryLoad(t, map[string]string{"a.lua": slowScript}, func(o *Options) { o.Backends, o.HookWaiting = b, hookWaiting })
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	h.gen.Settings.AccessDeadline = time.Minute
	h.listening = o
	return h, h.serve()
}

// A knocker sends unsigned requests from many ports, each with an identifier of its own.
type knocker struct {
	t     testing.TB
	conns []*net.UDPConn
	next  int
}

func newKnocker(t testing.TB, to netip.AddrPort, ports int) *knocker {
	k := &knocker{t: t}
	for range ports {
		c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		k.conns = append(k.conns, c)
	}
	return k
}

// send sends one request and gives the port that it left from.
func (k *knocker) send(user string) *net.UDPConn {
	p := radius.Packet{Code: radius.CodeAccessRequest, Identifier: byte(k.next / len(k.conns))}
	binary.BigEndian.PutUint64(p.Authenticator[:], uint64(k.next)+1)
	p.Attributes = radius.AppendAttribute(nil, radius.TypeUserName, []byte(user))
	p.Attributes = radius.AppendAttribute(p.Attributes, radius.TypeUserPassword, make([]byte, 16))
	out, err := p.AppendTo(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	c := k.conns[k.next%len(k.conns)]
	k.next++
	c.Write(out)
	return c
}

// ask sends one request, waits for its answer, and gives the time that took.
func (k *knocker) ask(user string) time.Duration {
	begun := time.Now()
	c := k.send(user)
	c.SetReadDeadline(begun.Add(20 * time.Second))
	if _, err := c.Read(make([]byte, 4096)); err != nil {
		k.t.Fatalf("%s: %v", user, err)
	}
	return time.Since(begun)
}

// waiting sends requests until n of them wait, and no faster than they are taken up.
func (h *house) waiting(k *knocker, user string, n int) {
	h.t.Helper()
	already := h.server.Snapshot().Waiting
	for sent := range n {
		k.send(user)
		if sent%64 == 63 || sent == n-1 {
			h.until(func() bool { return h.server.Snapshot().Waiting-already+h.dropped() >= sent+1 })
		}
	}
}

// dropped gives how many requests were dropped.
func (h *house) dropped() (n int) {
	for _, l := range h.server.Snapshot().Listeners {
		n += int(l.Verdicts[server.Drop])
	}
	return n
}

// reasons gives how often requests were refused for a reason.
func (h *house) refused(why server.Reason) (n int) {
	for _, l := range h.server.Snapshot().Listeners {
		n += int(l.Reasons[why])
	}
	return n
}

func (h *house) until(ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("in vain: %+v", h.server.Snapshot())
		}
	}
}

func percentile(times []time.Duration, p int) time.Duration {
	slices.Sort(times)
	return times[len(times)*p/100]
}

func memoryInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// TestTenThousandWait: while ten thousand requests wait on a slow backend cheap ones are answered as before; each takes
// about as much memory as the admission counts; what comes beyond the bound is dropped and counted, and all that waited
// are answered in the end.
func TestTenThousandWait(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand requests are for long runs")
	}
	b := &slowBackend{gate: make(chan struct{})}
	const n = 10_000
	h, to := slowHouse(t, b, 0, server.Options{Detached: n * 16 / 15, DetachedBytes: 1 << 30})
	cheap, slow := newKnocker(t, to, 1), newKnocker(t, to, 64)
	times := func() []time.Duration {
		all := make([]time.Duration, 2000)
		for i := range all {
			all[i] = cheap.ask("cheap")
		}
		return all
	}
	before, memory := times(), memoryInUse()
	h.waiting(slow, "a", n)
	each := int(memoryInUse()-memory) / n
	during := times()
	snap := h.server.Snapshot()
	t.Logf("cheap ones: p50 %v, p99 %v; beside %d that wait: p50 %v, p99 %v; each takes %d octets, %d are counted",
		percentile(before, 50), percentile(before, 99), snap.Waiting, percentile(during, 50), percentile(during, 99), each, snap.WaitingBytes/snap.Waiting)
	if snap.Waiting != n || h.dropped() != 0 {
		t.Fatalf("%d wait, %d were dropped", snap.Waiting, h.dropped())
	}
	if a, b := percentile(before, 50), percentile(during, 50); b > 3*a+time.Millisecond {
		t.Errorf("cheap requests take %v instead of %v", b, a)
	}
	if counted := snap.WaitingBytes / snap.Waiting; each > counted*5/4 {
		t.Errorf("a request that waits takes %d octets, %d are counted", each, counted)
	}
	for range 100 {
		slow.send("a")
	}
	h.until(func() bool { return h.refused(server.ReasonBusy) == 100 })
	if got := cheap.ask("cheap"); got > time.Second {
		t.Errorf("a cheap one took %v", got)
	}
	close(b.gate)
	h.until(func() bool { return h.server.Snapshot().Waiting == 0 })
}

// TestWaitingIsBounded: by memory and by handler; the reasons are counted, and handlers that ask another backend still
// wait.
func TestWaitingIsBounded(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		b := &slowBackend{gate: make(chan struct{})}
		h, to := slowHouse(t, b, 0, server.Options{DetachedBytes: 1 << 20})
		slow := newKnocker(t, to, 4)
		for range 100 {
			slow.send("a")
		}
		h.until(func() bool { return h.dropped()+h.server.Snapshot().Waiting == 100 })
		if snap := h.server.Snapshot(); snap.WaitingBytes > 1<<20 || snap.Waiting == 0 || h.refused(server.ReasonMemory) != 100-snap.Waiting {
			t.Errorf("%d wait with %d octets, %d were dropped for memory", snap.Waiting, snap.WaitingBytes, h.refused(server.ReasonMemory))
		}
		close(b.gate)
		h.until(func() bool { return h.server.Snapshot().Waiting == 0 })
	})
	t.Run("handler", func(t *testing.T) {
		b := &slowBackend{gate: make(chan struct{})}
		h, to := slowHouse(t, b, 8, server.Options{})
		slow := newKnocker(t, to, 4)
		for range 20 {
			slow.send("a")
		}
		h.until(func() bool { return h.refused(server.ReasonHookBusy) == 12 && h.server.Snapshot().Waiting == 8 })
		for range 8 {
			slow.send("b")
		}
		h.until(func() bool { return h.server.Snapshot().Waiting == 16 })
		close(b.gate)
		h.until(func() bool { return h.server.Snapshot().Waiting == 0 })
		for range 8 { // the places were given back
			slow.ask("a")
		}
		if n := h.refused(server.ReasonHookBusy); n != 12 {
			t.Errorf("%d were dropped", n)
		}
	})
}

// A pacer sends cheap requests at a steady rate and keeps the time that each took.
type pacer struct {
	*knocker
	begun [256]time.Time
	times []time.Duration
}

// run sends rate requests a second for a time, and others in between if more is not nil: one for each hundred, at any
// moment between two. Those that wait would else begin, and after a whole number of intervals end, together with the
// same hundredth part of the requests that are measured, which is the one that the p99 tells of.
func (p *pacer) run(rate int, lasting time.Duration, more func()) time.Duration {
	c := p.conns[0]
	n := int(lasting.Seconds() * float64(rate))
	p.times = p.times[:0]
	back := make(chan struct{})
	go func() {
		defer close(back)
		in := make([]byte, 4096)
		for range n {
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := c.Read(in); err != nil {
				p.t.Error(err)
				return
			}
			p.times = append(p.times, time.Since(p.begun[in[1]]))
		}
	}()
	start, interval, rng := time.Now(), time.Second/time.Duration(rate), rand.New(rand.NewPCG(1, 2)) // the same each time
	for i := range n {
		due := start.Add(time.Duration(i) * interval)
		sleepUntil(due)
		p.begun[byte(p.next)] = time.Now()
		p.send("cheap")
		if more != nil && i%100 == 0 {
			sleepUntil(due.Add(time.Duration(rng.Int64N(int64(interval)))))
			more()
		}
	}
	<-back
	return percentile(p.times, 99)
}

func sleepUntil(due time.Time) {
	for time.Now().Before(due) {
		time.Sleep(time.Until(due))
	}
}

// BenchmarkWaiting tells the p99 of cheap requests, 2,000 a second, alone and while one of a hundred more waits for
// 200 ms in http, in turns; the ratio is the median of pairs.
func BenchmarkWaiting(b *testing.B) {
	_, to := slowHouse(b, &slowBackend{gate: make(chan struct{}), after: 200 * time.Millisecond}, 0, server.Options{})
	p, slow := &pacer{knocker: newKnocker(b, to, 1)}, newKnocker(b, to, 8)
	const rate, lasting = 2000, 2 * time.Second
	p.run(rate, lasting, func() { slow.send("a") })
	var ratios []float64
	var alone, beside []time.Duration
	for b.Loop() {
		a := p.run(rate, lasting, nil)
		w := p.run(rate, lasting, func() { slow.send("a") })
		alone, beside = append(alone, a), append(beside, w)
		ratios = append(ratios, float64(w)/float64(a))
	}
	slices.Sort(ratios)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(percentile(alone, 50).Microseconds()), "p99-µs/alone")
	b.ReportMetric(float64(percentile(beside, 50).Microseconds()), "p99-µs/beside")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}
