package server

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// A throng is a kernel and a server for overload: sources that send at rates, a filter, and a server that serves so many a
// window.
type throng struct {
	o        overload
	now      time.Time
	lost     uint64
	capacity int
	random   *rand.Rand
	served   []int // by source, of the last window
	changes  int
}

func newThrong(capacity int) *throng {
	return &throng{o: overload{room: capacity / 2}, now: time.Unix(1000, 0), capacity: capacity, random: rand.New(rand.NewPCG(1, 2))}
}

func throngSource(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}) }

// window lets a window pass, in batches of 64.
func (c *throng) window(rates ...int) {
	var queue []int
	for i, rate := range rates {
		for range rate {
			if c.o.noisiest == throngSource(i) && c.random.Float64() >= c.o.pass {
				c.lost++
				continue
			}
			queue = append(queue, i)
		}
	}
	c.random.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
	kept := min(len(queue), c.capacity)
	c.lost += uint64(len(queue) - kept)
	c.served = make([]int, len(rates))
	for from := 0; from < kept; from += 64 {
		slots := make([]slot, 0, 64)
		for _, i := range queue[from:min(from+64, kept)] {
			c.served[i]++
			slots = append(slots, slot{source: netip.AddrPortFrom(throngSource(i), 1)})
		}
		c.now = c.now.Add(overloadWindow * 64 / time.Duration(kept))
		if c.o.count(slots, c.lost, c.now) {
			c.changes++
		}
	}
}

// TestOverloadPressesTheNoisiest: it loses what is too much, the others next to nothing, and the server is always busy.
func TestOverloadPressesTheNoisiest(t *testing.T) {
	for _, rates := range [][]int{{100_000, 500, 100}, {20_000, 4_000}, {3_000, 10, 100_000, 1_000}, {100_000, 5}, {100_000}, {1_000_000, 4_000}} {
		t.Run(fmt.Sprint(rates), func(t *testing.T) {
			c := newThrong(10_000)
			for range 30 {
				c.window(rates...)
			}
			loudest := 0
			for i := range rates {
				if rates[i] > rates[loudest] {
					loudest = i
				}
			}
			const windows = 20
			served, total := make([]int, len(rates)), 0
			for range windows {
				c.window(rates...)
				for i, n := range c.served {
					served[i] += n
					total += n
				}
			}
			for i, n := range served {
				if i != loudest && n < windows*rates[i]*3/4 {
					t.Errorf("of %d of source %d only %d were served", windows*rates[i], i, n)
				}
			}
			if total < windows*c.capacity*95/100 {
				t.Errorf("only %d were served", total)
			}
		})
	}
}

// TestOverloadOfEquals: of sources that send alike none is pressed for long below the others.
func TestOverloadOfEquals(t *testing.T) {
	c, sum := newThrong(10_000), make([]int, 4)
	for range 100 {
		c.window(30_000, 30_000, 30_000, 30_000)
		for i, n := range c.served {
			sum[i] += n
		}
	}
	for i, n := range sum {
		if n < 200_000 || n > 300_000 {
			t.Errorf("source %d was served %d times of 1,000,000", i, n)
		}
	}
}

// TestOverloadEnds: after the flood the filter goes at once, and capacity that comes back is found soon.
func TestOverloadEnds(t *testing.T) {
	c := newThrong(1_000)
	for range 10 {
		c.window(50_000, 100)
	}
	if !c.o.noisiest.IsValid() {
		t.Fatal("there is no filter in the flood")
	}
	c.capacity = 10_000
	for range 24 {
		c.window(50_000, 100)
	}
	if c.served[0] < 9_000 {
		t.Errorf("%d of 10,000 that could be were served after 24 windows", c.served[0]+c.served[1])
	}
	for range 30 {
		c.window(500, 100)
	}
	if c.o.noisiest.IsValid() || c.o.running {
		t.Errorf("after the flood %v has a filter", c.o.noisiest)
	}
}

// TestOverloadForAMoment: what was lost while the server stood still is no reason for a filter.
func TestOverloadForAMoment(t *testing.T) {
	c := newThrong(10_000)
	c.lost += 100_000
	for range 5 {
		c.window(5_000, 10)
	}
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
