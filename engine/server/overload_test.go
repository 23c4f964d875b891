package server

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// A throng is a kernel and a server for overload: sources that send at rates, a receive buffer and a lane, and a server that
// serves so many a second.
type throng struct {
	o        overload
	now      time.Time
	in       intake
	room     int // datagrams, of each socket
	capacity int // a second
	jitter   float64
	stalls   bool // the server stands still for 20 of 100 ms
	random   *rand.Rand
	queue    []int // the receive buffer: sources
	lane     []int // the same
	credit   float64
	sent     []int // by source, since forget
	served   []int
	dropped  []int
	changes  int
}

func newThrong(capacity int) *throng {
	const room = 10_000
	return &throng{o: overload{most: overloadSources, room: room}, room: room, now: time.Unix(1000, 0), capacity: capacity, random: rand.New(rand.NewPCG(1, 2))}
}

func throngSource(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}) }

func (c *throng) forget(n int) {
	c.sent, c.served, c.dropped = make([]int, n), make([]int, n), make([]int, n)
}

// run lets a time pass, in which the sources send so many a second.
func (c *throng) run(duration time.Duration, rates ...int) {
	const step = time.Millisecond
	c.forget(len(rates))
	for range duration / step {
		still := c.stalls && c.now.UnixMilli()%100 < 20
		var arriving []int
		for i, rate := range rates {
			expected := float64(rate) * step.Seconds() * (1 + c.jitter*(2*c.random.Float64()-1))
			n := int(expected)
			if c.random.Float64() < expected-float64(n) {
				n++
			}
			for range n {
				arriving = append(arriving, i)
			}
		}
		c.random.Shuffle(len(arriving), func(i, j int) { arriving[i], arriving[j] = arriving[j], arriving[i] })
		for at, i := range arriving { // a part of them at a time, so that the batches lie between them
			c.arrive(i)
			if at%16 == 0 && !still {
				c.serve(step.Seconds() / float64((len(arriving)+15)/16))
			}
		}
		if len(arriving) == 0 && !still {
			c.serve(step.Seconds())
		}
		c.now = c.now.Add(step)
	}
}

func (c *throng) arrive(i int) {
	c.sent[i]++
	queue, lost := &c.queue, &c.in.lost
	if slices.ContainsFunc(c.o.held[:c.o.n], func(h held) bool { return h.addr == throngSource(i) }) {
		queue, lost = &c.lane, &c.in.lostInLane
	}
	if len(*queue) >= c.room {
		*lost++
		c.dropped[i]++
		return
	}
	*queue = append(*queue, i)
}

// serve serves for some seconds, in batches of 64 at most.
func (c *throng) serve(seconds float64) {
	c.credit += seconds * float64(c.capacity)
	for n := 1; n > 0; {
		n = min(64, len(c.queue)+len(c.lane))
		if n == 0 {
			c.credit = 0
		} else if c.credit < float64(n) {
			return
		}
		c.batch()
	}
}

func (c *throng) batch() {
	own := min(len(c.queue), 64-max(1, int(64*c.o.least)))
	c.in.lane = min(len(c.lane), 64-own)
	slots := make([]slot, 0, 64)
	for _, i := range slices.Concat(c.queue[:own], c.lane[:c.in.lane]) {
		c.credit--
		c.served[i]++
		slots = append(slots, slot{response: response{source: netip.AddrPortFrom(throngSource(i), 1)}})
	}
	c.queue, c.lane = c.queue[own:], c.lane[c.in.lane:]
	if len(slots) > 0 && c.o.count(slots, c.in, c.now) {
		c.changes++
	}
}

// TestOverloadPressesTheNoisiest: it loses what is too much, the others nothing at all after the first moment, nor do they
// wait for long, and the server is always busy.
func TestOverloadPressesTheNoisiest(t *testing.T) {
	for _, tc := range []struct {
		capacity int
		jitter   float64
		rates    []int // of the noisy ones first
		noisy    int
		stalls   bool
	}{
		{200_000, 0, []int{2_000_000, 10_000, 2_000}, 1, false},
		{200_000, 0, []int{400_000, 80_000}, 1, false},
		{200_000, 0, []int{2_000_000, 190_000}, 1, false},
		{200_000, 0.5, []int{2_000_000, 60_000, 200, 20_000}, 1, false},
		{200_000, 0.5, []int{2_000_000, 100, 10_000}, 1, true},
		{20_000, 0.5, []int{200_000, 100, 100}, 1, true},
		{300_000, 0.9, []int{600_000, 100}, 1, false},
		{300_000, 0, []int{3_000_000}, 1, false},
		{20_000, 0.5, []int{200_000, 10}, 1, false},
		{2_000, 0.5, []int{20_000, 100}, 1, false},
		{100_000, 0.5, []int{110_000, 40}, 1, false},
		{100_000, 0.2, []int{2_000_000, 80_000, 100}, 1, false},
		{200_000, 0.5, []int{600_000, 600_000, 1_000_000, 300_000, 100, 100}, 4, false},
		{200_000, 0.5, []int{90_000, 90_000, 90_000, 90_000, 90_000, 90_000, 90_000, 90_000, 100, 100}, 8, false},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			c := newThrong(tc.capacity)
			c.jitter, c.stalls = tc.jitter, tc.stalls
			c.run(time.Second+2*time.Duration(c.room)*time.Second/time.Duration(tc.capacity), tc.rates...)
			total, most := 0, 0
			for range 100 {
				c.run(20*time.Millisecond, tc.rates...)
				for i, n := range c.served {
					if total += n; i >= tc.noisy && c.dropped[i] > 0 {
						t.Fatalf("source %d lost %d of %d", i, c.dropped[i], c.sent[i])
					}
				}
				most = max(most, len(c.queue))
			}
			capacity := tc.capacity * 2
			if tc.stalls {
				capacity = capacity * 8 / 10
			}
			if total < capacity*95/100 {
				t.Errorf("only %d were served of %d", total, capacity)
			}
			if quiet := tc.rates[tc.noisy:]; most > sum(quiet)/20+500 {
				t.Errorf("%d of those who send %v waited", most, quiet)
			}
		})
	}
}

func sum(numbers []int) (n int) {
	for _, one := range numbers {
		n += one
	}
	return n
}

// TestOverloadInBursts: a source that sends by fits and starts, but no more than can be served, and no more at a time than
// there is room for, loses nothing; if it is more, it alone loses, and is served when the others leave time.
func TestOverloadInBursts(t *testing.T) {
	c := newThrong(365_000)
	for range 100 {
		c.run(5*time.Millisecond, 1_700_000, 100)
		dropped := sum(c.dropped)
		c.run(20*time.Millisecond, 0, 100)
		if dropped += sum(c.dropped); dropped > 0 || c.changes > 0 {
			t.Fatalf("%d were dropped, %d changes", dropped, c.changes)
		}
	}
	for i := range 200 {
		c.run(15*time.Millisecond, 3_000_000, 1000)
		lost, served := c.dropped[1], sum(c.served)
		c.run(60*time.Millisecond, 0, 1000)
		if lost += c.dropped[1]; i > 1 && (lost > 0 || served+sum(c.served) < 15_000) {
			t.Fatalf("%d: %d were lost, %d served", i, lost, served+sum(c.served))
		}
	}
}

// TestOverloadOfEquals: sources that send alike are served alike; where they are a few more than can be steered, those that
// are not are served whole at most.
func TestOverloadOfEquals(t *testing.T) {
	for _, c := range []struct {
		sources     int
		least, most float64 // of the fair part
	}{{2, 0.95, 1.05}, {4, 0.95, 1.05}, {8, 0.95, 1.05}, {9, 0.8, 2.05}, {12, 0.4, 2.05}, {16, 0.9, 1.1}, {23, 0.9, 1.1}, {30, 0.9, 1.1}} {
		flock := newThrong(200_000)
		rates := slices.Repeat([]int{400_000 / c.sources}, c.sources)
		flock.run(time.Second, rates...)
		flock.run(4*time.Second, rates...)
		for i, served := range flock.served {
			if part := float64(served) / float64(800_000/c.sources); part < c.least || part > c.most {
				t.Errorf("of %d source %d was served %.2f of the fair part", c.sources, i, part)
			}
		}
	}
}

// TestOverloadEnds: after the flood nobody is steered soon, and capacity that comes back is used at once.
func TestOverloadEnds(t *testing.T) {
	c := newThrong(20_000)
	c.run(2*time.Second, 1_000_000, 2_000)
	if c.o.n == 0 {
		t.Fatal("nobody is steered in the flood")
	}
	c.capacity = 200_000
	c.run(100*time.Millisecond, 1_000_000, 2_000)
	if sum(c.served) < 18_000 {
		t.Errorf("%d of 20,000 that could be were served", sum(c.served))
	}
	c.run(overloadRest+500*time.Millisecond, 10_000, 2_000)
	if c.o.n > 0 || c.o.running {
		t.Errorf("after the flood %v are steered", c.o.held[:c.o.n])
	}
}

// TestOverloadReleases: who is steered beside a worse one, and would find room, is not for long.
func TestOverloadReleases(t *testing.T) {
	c := newThrong(200_000)
	c.run(time.Second, 2_000_000, 2_000_000, 100)
	c.run(2*overloadRest, 2_000_000, 100_000, 100)
	if c.o.n != 1 || c.o.held[0].addr != throngSource(0) {
		t.Errorf("%v are steered", c.o.held[:c.o.n])
	}
	c.run(time.Second, 2_000_000, 100_000, 100)
	if c.dropped[1] > 0 || c.dropped[2] > 0 {
		t.Errorf("%v were lost", c.dropped)
	}
}

// TestOverloadByStatus: a source that floods with what is spared is steered whole, once what it sent before it was steered is
// read; until then nobody else is steered for it.
func TestOverloadByStatus(t *testing.T) {
	c := newThrong(200_000)
	c.run(time.Second, 2_000_000, 100)
	if c.o.n != 1 || c.o.held[0].all || c.o.held[0].behind > 0 {
		t.Fatalf("%+v are steered", c.o.held[:c.o.n])
	}
	c.in.lane = 0
	slots := make([]slot, 64)
	window := func(noisy, other int) {
		for range 10 {
			for i := range slots {
				from := noisy
				if i%4 == 0 {
					from = other
				}
				slots[i].source = netip.AddrPortFrom(throngSource(from), 1)
			}
			c.in.lost += 100
			c.now = c.now.Add(3 * time.Millisecond)
			c.o.count(slots, c.in, c.now)
		}
	}
	c.o.held[0].behind = c.room
	for range c.room/640 - 2 {
		window(0, 7)
	}
	if c.o.n != 1 || c.o.held[0].all {
		t.Errorf("while it is read: %+v are steered", c.o.held[:c.o.n])
	}
	for range 5 {
		window(0, 7)
	}
	if c.o.n != 1 || !c.o.held[0].all {
		t.Errorf("then: %+v are steered", c.o.held[:c.o.n])
	}
}

// TestOverloadForAMoment: what was lost while the server stood still is no reason to steer anybody.
func TestOverloadForAMoment(t *testing.T) {
	c := newThrong(200_000)
	c.in.lost += 100_000
	c.run(500*time.Millisecond, 100_000, 200)
	if c.changes > 0 || c.o.running {
		t.Errorf("%d changes", c.changes)
	}
}

func TestOverloadSources(t *testing.T) {
	for text, want := range map[string]string{"192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::1%lo": "fe80::"} {
		if got := source(netip.MustParseAddr(text)); got.String() != want {
			t.Errorf("%s counts as %v, want %s", text, got, want)
		}
	}
}
