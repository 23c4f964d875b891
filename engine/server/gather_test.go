package server

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/acct"
	"perilune/engine/radius"
)

// gates is a GroupWriter that tells of each group and waits to be let on.
type gates struct {
	slow    atomic.Bool
	entered chan []string
	open    chan struct{}
}

func (g *gates) Quick() bool { return !g.slow.Load() }

func (g *gates) Write(group []acct.DetailRecord) {
	var texts []string
	for i := range group {
		texts = append(texts, string(group[i].Record))
		if strings.HasSuffix(texts[i], "lost") {
			group[i].Err = errors.New("no room")
		}
	}
	g.entered <- texts
	<-g.open
}

func startGathering(t *testing.T, o Options) (*testServer, *testNAS, *gates) {
	g := &gates{entered: make(chan []string), open: make(chan struct{})}
	way := newFakeWay()
	way.files = g
	o.Listeners = []Listener{{Kind: "acct", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}
	ts := startServer(t, way, o)
	return ts, newNAS(t, ts.Addrs()[0]), g
}

func (n *testNAS) record(id byte, body string) {
	n.t.Helper()
	n.sendCode(radius.CodeAccountingRequest, id, 1, body)
}

// silent fails if there is a reply already.
func (n *testNAS) silent() {
	n.t.Helper()
	n.conn.SetReadDeadline(time.Unix(1, 0))
	if size, err := n.conn.Read(make([]byte, 4096)); err == nil {
		n.t.Fatalf("an answer of %d octets before the records were written", size)
	}
}

// TestGathered has one batch of requests whose records the loop writes itself: nothing is answered before, a repetition is
// discarded, what waits goes on alone, and a record that is lost gets no answer.
func TestGathered(t *testing.T) {
	ts, n, g := startGathering(t, Options{})
	n.record(0, "record 0")
	if diff := cmp.Diff([]string{"record 0"}, <-g.entered); diff != "" {
		t.Fatal(diff)
	}
	n.record(1, "record 1")
	n.record(2, "record 2, lost")
	n.record(1, "record 1") // a repetition, while the first is at work
	n.send(3, 1, "wait a")
	n.record(4, "record 4")
	n.send(5, 1, "x")
	n.silent()
	g.open <- struct{}{}
	if diff := cmp.Diff([]string{"record 1", "record 2, lost", "record 4"}, <-g.entered); diff != "" {
		t.Fatal(diff)
	}
	n.expect("Accounting-Response 0 record 0")
	n.silent()
	g.open <- struct{}{}
	n.expect("Accounting-Response 1 record 1")
	n.expect("Accounting-Response 4 record 4")
	n.expect("Access-Accept 5 x")
	close(ts.way.gate("a"))
	n.expect("Access-Accept 3 wait a")
	n.record(1, "record 1") // answered from the cache
	n.expect("Accounting-Response 1 record 1")
	n.record(2, "record 2, lost") // worked on anew
	<-g.entered
	g.open <- struct{}{}
	ts.eventually("counted", func(c Counters) bool {
		return c.Verdicts[Drop] == 2 && c.Reasons[ReasonDuplicate] == 1 && c.Resent == 1 && c.Detached == 1
	})
}

// TestSlowFilesAreNotWaitedFor: where the files are slow, requests are parked.
func TestSlowFilesAreNotWaitedFor(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		ts, n, g := startGathering(t, o)
		g.slow.Store(true)
		n.record(1, "record 1")
		r := <-ts.way.waiting
		n.send(2, 1, "x")
		n.expect("Access-Accept 2 x")
		r.resume()
		n.expect("Accounting-Response 1 record 1")
	})
}

// TestAfterGathered: handlers after the answer of a gathered request may wait; the rest of the batch goes on.
func TestAfterGathered(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		ts, n, g := startGathering(t, o)
		ts.way.after = func(r *Request) {
			if string(r.Packet.Attributes) == "record waits" && r.Detach() == nil {
				<-ts.way.gate("after")
			}
		}
		for i, body := range []string{"record 0", "record waits", "record 2", "record waits", "record 4"} {
			n.record(byte(i), body)
		}
		stop := make(chan struct{})
		var letting sync.WaitGroup
		letting.Go(func() {
			for {
				select {
				case <-g.entered:
					g.open <- struct{}{}
				case <-stop:
					return
				}
			}
		})
		var got []string
		for range 5 {
			got = append(got, n.receive())
		}
		slices.Sort(got) // they leave as trains, by their length
		want := []string{"Accounting-Response 0 record 0", "Accounting-Response 1 record waits", "Accounting-Response 2 record 2",
			"Accounting-Response 3 record waits", "Accounting-Response 4 record 4"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		close(ts.way.gate("after"))
		ts.eventually("all ended", func(c Counters) bool { return c.Verdicts[Accept] == 5 && ts.way.ended.Load() == 5 })
		close(stop)
		letting.Wait()
	})
}

// TestServeDetail: with real files, what is answered stands there.
func TestServeDetail(t *testing.T) {
	dir := t.TempDir()
	files, err := acct.OpenDetail(acct.DetailOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	g := load(t, "", nil)
	g.Settings.Recording = Recording{Detail: true, DetailOnly: true}
	c := core(t, CoreOptions{Recorder: &testDisk{}, Detail: files})
	_, to := serve(t, g, c)
	for i := range 3 {
		session := fmt.Sprint("s", i)
		if exchange(t, to, onWire(4, homeSecret, "", attribute(1, "bob"), attribute(40, "\x00\x00\x00\x01"), attribute(44, session)), 10*time.Second) == nil {
			t.Fatal("no answer")
		}
		names, _ := filepath.Glob(filepath.Join(dir, "*", "detail"))
		text, err := os.ReadFile(strings.Join(names, " "))
		if err != nil || strings.Count(string(text), "Acct-Session-Id") != i+1 || !strings.Contains(string(text), "Acct-Session-Id = "+session+"\n") {
			t.Errorf("%v\n%s", err, text)
		}
	}
	files.Close()
	if exchange(t, to, onWire(4, homeSecret, "", attribute(44, "s3")), 100*time.Millisecond) != nil {
		t.Error("answered without a record")
	}
}
