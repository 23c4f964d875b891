package server

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"
	"weak"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// TestIdleDesksKeepNoGeneration exchanges the generation again and again while requests are at a home server: what those
// leave behind, in desks, marks and exchanges, must keep none of the old ones in memory.
func TestIdleDesksKeepNoGeneration(t *testing.T) {
	for _, realm := range []string{"net 127.0.0.1:%d nostrip SECRET", "net 127.0.0.1:%d retransmit=client SECRET"} {
		var gate atomic.Pointer[chan struct{}]
		h := startAway(t, func(*asked) *awayReply {
			<-*gate.Load()
			return &awayReply{code: 2, attrs: attribute(18, "up")}
		})
		first := load(t, "", nil)
		first.Realms = realmsOf(t, realm+"\n", h)
		f := startForwarding(t, first, CoreOptions{})
		var alive []weak.Pointer[dictionary.Dictionary]
		for range 12 {
			closed := make(chan struct{})
			gate.Store(&closed)
			askAcross(t, f, h, closed, func() {
				g := next(t, first)
				alive = append(alive, weak.Make(g.Dictionary))
				f.server.Swap(g)
			})
		}
		f.server.Swap(first)
		if n := stillAlive(alive); n > 0 {
			t.Errorf("%s: %d of %d old generations are still in memory", realm, n, len(alive))
		}
	}
}

// next gives a generation with a dictionary of its own, that nothing but the server holds.
func next(t *testing.T, like *Generation) *Generation {
	var errs raddb.List
	tree := raddb.OpenFS(fstest.MapFS{"dictionary": {Data: []byte(testDictionary)}})
	g := &Generation{Dictionary: dictionary.Load(tree, "dictionary", &errs), Clients: like.Clients, Realms: like.Realms, Settings: like.Settings}
	if errs.Failed() {
		t.Fatal(errs.Err())
	}
	g.Dictionary.Freeze()
	return g
}

// askAcross has some requests at the home server, which answers when the gate is opened, while between runs.
func askAcross(t *testing.T, f *forwarding, h *away, gate chan struct{}, between func()) {
	const together = 6
	var all sync.WaitGroup
	for range together {
		all.Go(func() {
			if got := f.ask(t, f.auth, accessOf("bob@net", hidden(homeSecret, "hello")), soon); !strings.HasPrefix(got, "Access-Accept") {
				t.Errorf("got %q", got)
			}
		})
	}
	h.next(t)
	between()
	close(gate)
	all.Wait()
}

// stillAlive gives how many are left once the roles have seen the last exchange.
func stillAlive[T any](list []weak.Pointer[T]) (n int) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		n = 0
		for _, p := range list {
			if p.Value() != nil {
				n++
			}
		}
		if n == 0 {
			return 0
		}
	}
	return n
}
