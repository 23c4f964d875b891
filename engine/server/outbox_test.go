package server

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"perilune/engine/radius"
)

// TestGroupIsAnswered lets more records wait than one system call takes, and completes them as a group.
func TestGroupIsAnswered(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		for _, bound := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0"} {
			o.Batch = 8
			o.Listeners = []Listener{{Kind: "acct", Addr: netip.MustParseAddrPort(bound)}}
			ts := startServer(t, newFakeWay(), o)
			asked := netip.MustParseAddr("127.0.0.1")
			switch bound {
			case "0.0.0.0:0", "[::]:0":
				asked = netip.MustParseAddr("127.0.0.2")
			case "[::1]:0":
				asked = netip.MustParseAddr("::1")
			}
			n := newNAS(t, netip.AddrPortFrom(asked, ts.Addrs()[0].Port()))
			const many = 50
			var got, want []string
			for i := range many {
				n.sendCode(radius.CodeAccountingRequest, byte(i), 1, "record "+strconv.Itoa(i))
				want = append(want, "record "+strconv.Itoa(i))
			}
			var group []*Request
			for range many {
				group = append(group, <-ts.way.waiting)
			}
			for _, r := range group {
				r.resume()
			}
			for range many {
				_, body, _ := strings.Cut(n.receive(), " ") // the code
				_, body, _ = strings.Cut(body, " ")         // the identifier
				got = append(got, body)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: answers %q", bound, got)
			}
			ts.eventually("none failed", func(c Counters) bool { return c.SendErrors == 0 && c.Verdicts[Accept] == many })
			ts.close()
		}
	})
}

// TestSupersededInAGroup completes a record whose key a newer request has taken.
func TestSupersededInAGroup(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{Listeners: []Listener{{Kind: "acct", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}})
	n := newNAS(t, ts.Addrs()[0])
	n.sendCode(radius.CodeAccountingRequest, 1, 1, "record")
	old := <-ts.way.waiting
	n.sendCode(radius.CodeAccountingRequest, 1, 2, "x")
	n.expect("Access-Accept 1 x")
	old.resume()
	ts.eventually("superseded", func(c Counters) bool { return c.Superseded == 1 && c.Verdicts[Discard] == 1 })
	n.sendCode(radius.CodeAccountingRequest, 1, 2, "x")
	n.expect("Access-Accept 1 x")
}
