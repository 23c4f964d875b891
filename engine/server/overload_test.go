package server

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// A throng is a kernel and a server for overload: sources that send at rates, a filter, a receive buffer, and a server that
// serves so many a second.
type throng struct {
	o        overload
	now      time.Time
	lost     uint64
	capacity int // a second
	jitter   float64
	stalls   bool // the server stands still for 20 of 100 ms
	random   *rand.Rand
	queue    []int // the receive buffer: sources
	credit   float64
	sent     []int // by source, since forget
	served   []int
	dropped  []int
	changes  int
}

func newThrong(capacity int) *throng {
	return &throng{o: overload{room: 10_000}, now: time.Unix(1000, 0), capacity: capacity, random: rand.New(rand.NewPCG(1, 2))}
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
	if c.random.Float64() >= c.passes(i) || len(c.queue) >= c.o.room {
		c.lost++
		c.dropped[i]++
		return
	}
	c.queue = append(c.queue, i)
}

// passes gives the part of a source's datagrams that the filter lets through.
func (c *throng) passes(i int) float64 {
	for _, h := range c.o.held[:c.o.n] {
		if h.addr == throngSource(i) {
			return h.pass
		}
	}
	return 1
}

// serve serves for some seconds, in batches of 64 at most.
func (c *throng) serve(seconds float64) {
	c.credit += seconds * float64(c.capacity)
	for len(c.queue) > 0 && c.credit >= float64(min(64, len(c.queue))) {
		c.batch(min(64, len(c.queue)))
	}
	if len(c.queue) == 0 {
		c.credit = 0
	}
}

func (c *throng) batch(n int) {
	c.credit -= float64(n)
	slots := make([]slot, 0, 64)
	for _, i := range c.queue[:n] {
		c.served[i]++
		slots = append(slots, slot{response: response{source: netip.AddrPortFrom(throngSource(i), 1)}})
	}
	c.queue = c.queue[n:]
	waiting := len(c.queue)
	if n < 64 {
		waiting = 0
	}
	if c.o.count(slots, waiting, c.lost, c.now) {
		c.changes++
	}
}

// TestOverloadPressesTheNoisiest: it loses what is too much, the others nothing at all after the first moment, nobody waits
// for long, and the server is always busy.
func TestOverloadPressesTheNoisiest(t *testing.T) {
	for _, tc := range []struct {
		capacity int
		jitter   float64
		rates    []int
		stalls   bool
	}{
		{200_000, 0, []int{2_000_000, 10_000, 2_000}, false},
		{200_000, 0, []int{400_000, 80_000}, false},
		{200_000, 0.5, []int{60_000, 200, 2_000_000, 20_000}, false},
		{200_000, 0.5, []int{2_000_000, 100, 10_000}, true},
		{20_000, 0.5, []int{200_000, 100, 100}, true},
		{300_000, 0.9, []int{600_000, 100}, false},
		{300_000, 0, []int{3_000_000}, false},
		{20_000, 0.5, []int{200_000, 10}, false},
		{2_000, 0.5, []int{20_000, 100}, false},
		{100_000, 0.5, []int{110_000, 40}, false},
		{100_000, 0.2, []int{2_000_000, 80_000, 100}, false},
		{200_000, 0.5, []int{600_000, 600_000, 100, 300_000, 1_000_000, 100}, false},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			c := newThrong(tc.capacity)
			c.jitter, c.stalls = tc.jitter, tc.stalls
			c.run(500*time.Millisecond+2*time.Duration(c.o.room)*time.Second/time.Duration(tc.capacity), tc.rates...)
			sent, served, dropped := make([]int, len(tc.rates)), make([]int, len(tc.rates)), make([]int, len(tc.rates))
			total, most := 0, 0
			for range 100 {
				c.run(20*time.Millisecond, tc.rates...)
				for i, n := range c.served {
					total, sent[i], served[i], dropped[i] = total+n, sent[i]+c.sent[i], served[i]+n, dropped[i]+c.dropped[i]
				}
				most = max(most, len(c.queue))
			}
			capacity := tc.capacity * 2
			if tc.stalls {
				capacity = capacity * 8 / 10
			}
			filtered := tc.rates[0] > tc.capacity*5/4 || len(tc.rates) > 2 // else the filter goes at times
			for i, n := range dropped {
				if fair := tc.capacity / len(tc.rates); tc.rates[i] < fair && n > 0 && (filtered || n > sent[i]/20) || tc.rates[i] >= fair && served[i] < capacity/len(tc.rates)*9/10 {
					t.Errorf("source %d sent %d, %d were dropped and %d served", i, sent[i], n, served[i])
				}
			}
			if total < capacity*95/100 {
				t.Errorf("only %d were served of %d", total, capacity)
			}
			if most > c.o.room*3/4 && filtered {
				t.Errorf("%d waited", most)
			}
		})
	}
}

// TestOverloadInBursts: a source that sends by fits and starts, but no more than can be served, and no more at a time than
// there is room for, loses nothing.
func TestOverloadInBursts(t *testing.T) {
	c := newThrong(365_000)
	for range 100 {
		c.run(5*time.Millisecond, 1_700_000, 100)
		dropped := c.dropped[0] + c.dropped[1]
		c.run(20*time.Millisecond, 0, 100)
		if dropped += c.dropped[1]; dropped > 0 || c.changes > 0 {
			t.Fatalf("%d were dropped, %d changes of the filter", dropped, c.changes)
		}
	}
}

// TestOverloadOfEquals: of sources that send alike none is pressed for long below the others.
func TestOverloadOfEquals(t *testing.T) {
	c := newThrong(200_000)
	c.run(5*time.Second, 600_000, 600_000, 600_000, 600_000)
	for i, n := range c.served {
		if n < 200_000 || n > 300_000 {
			t.Errorf("source %d was served %d times of 1,000,000", i, n)
		}
	}
}

// TestOverloadEnds: after the flood the filter goes at once, and capacity that comes back is found soon.
func TestOverloadEnds(t *testing.T) {
	c := newThrong(20_000)
	c.run(2*time.Second, 1_000_000, 2_000)
	if c.o.n == 0 {
		t.Fatal("there is no filter in the flood")
	}
	c.capacity = 200_000
	c.run(200*time.Millisecond, 1_000_000, 2_000)
	c.run(100*time.Millisecond, 1_000_000, 2_000)
	if c.served[0]+c.served[1] < 18_000 {
		t.Errorf("%d of 20,000 that could be were served", c.served[0]+c.served[1])
	}
	c.run(500*time.Millisecond, 10_000, 2_000)
	if c.o.n > 0 || c.o.running {
		t.Errorf("after the flood %v have a filter", c.o.held[:c.o.n])
	}
}

// TestOverloadForAMoment: what was lost while the server stood still is no reason for a filter.
func TestOverloadForAMoment(t *testing.T) {
	c := newThrong(200_000)
	c.lost += 100_000
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
