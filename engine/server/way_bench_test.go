package server

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// recorded is a batcher that gives prepared requests in turn and throws replies away: the whole way without the
// kernel.
type recorded struct {
	requests [][]byte
	next     uint64
	sources  uint64 // addresses that ask in turns, from 127.1.0.0 on; 0: 127.0.0.1 alone
	accepts  int
	others   int
	judged   map[byte]radius.Code // by identifier, if it is not nil: answers with right authenticators
}

func (m *recorded) read(slots []slot) (int, error) {
	for i := range slots {
		s := &slots[i]
		s.n = copy(s.buf, m.requests[m.next%uint64(len(m.requests))])
		s.source = netip.AddrPortFrom(m.source(), uint16(m.next>>8))
		s.local, s.reply = netip.Addr{}, nil
		m.next++
	}
	return len(slots), nil
}

func (m *recorded) source() netip.Addr {
	if m.sources == 0 {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	i := m.next * 7919 % m.sources
	return netip.AddrFrom4([4]byte{127, byte(1 + i>>16), byte(i >> 8), byte(i)})
}

func (m *recorded) send(slots []slot) int {
	for i := range slots {
		if slots[i].reply != nil && m.judged != nil {
			m.judge(slots[i].reply, slots[i].buf)
		}
		if r := slots[i].reply; r != nil && radius.Code(r[0]) == radius.CodeAccessAccept {
			m.accepts++
			continue
		}
		m.others++
	}
	return 0
}

func (m *recorded) judge(reply, request []byte) {
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	if v, err := s.VerifyReply(reply, (*radius.Authenticator)(request[4:])); err == nil && v.MessageAuthenticator {
		m.judged[reply[1]] = radius.Code(reply[0])
	}
}

func (*recorded) intake() intake { return intake{} }

func (*recorded) steer([]held, float64) error { return nil }

// A crowd is who logs in.
type crowd struct {
	users   int
	clients int // that ask in turns; 0: one
	signed  bool
}

// file is a users file as sites have them.
func (c crowd) file() string {
	var b strings.Builder
	for i := range c.users {
		fmt.Fprintf(&b, "user%07d Cleartext-Password := \"pw%07d\"\n\tService-Type = Framed-User,\n\tFramed-Protocol = 1,\n\tFramed-IP-Address = 10.%d.%d.%d,\n\tSession-Timeout = 3600\n", i, i, i>>16, i>>8&255, i&255)
	}
	return b.String()
}

// file is the clients file that goes with it.
func (c crowd) nas() []string {
	lines := []string{"127.0.0.1 \"" + homeSecret + "\" here"}
	for i := range c.clients {
		lines = append(lines, fmt.Sprintf("127.%d.%d.%d %q nas%d", 1+i>>16, i>>8&255, i&255, homeSecret, i))
	}
	return lines
}

// logins makes PAP requests of the crowd, each with an identifier and an authenticator of its own.
func (c crowd) logins(n int) (all [][]byte) {
	for i := range n {
		who := i * 7919 % c.users
		var s radius.Session
		s.Use(radius.NewSecret(homeSecret))
		b := make([]byte, radius.HeaderLen, 256)
		b[0], b[1] = byte(radius.CodeAccessRequest), byte(i)
		binary.BigEndian.PutUint64(b[4:], uint64(i)*0x9e3779b97f4a7c15)
		if c.signed {
			b = radius.AppendAttribute(b, radius.TypeMessageAuthenticator, make([]byte, 16))
		}
		b = radius.AppendAttribute(b, radius.TypeUserName, fmt.Appendf(nil, "user%07d", who))
		hidden := s.HidePassword(nil, fmt.Appendf(nil, "pw%07d", who), (*radius.Authenticator)(b[4:20]))
		b = radius.AppendAttribute(b, radius.TypeUserPassword, hidden)
		b = radius.AppendAttribute(b, radius.TypeNASIPAddress, []byte{127, 0, 0, 1})
		b = radius.AppendAttribute(b, 5, []byte{0, 0, 0, byte(i)})
		radius.PutLength(b)
		if c.signed {
			s.SignRequest(b)
		}
		all = append(all, b)
	}
	return all
}

// wholeWay gives a role that answers logins of the crowd, with a line of the log for each.
func wholeWay(t testing.TB, signed bool) (*role, *recorded) {
	t.Helper()
	return crowd{users: 100, signed: signed}.wholeWay(t, 1024)
}

// wholeWay does it for so many requests that come again and again.
func (c crowd) wholeWay(t testing.TB, requests int) (*role, *recorded) {
	t.Helper()
	g := load(t, c.file(), nil)
	g.Clients = clientsOf(t, c.nas()...)
	return serveCrowd(t, g, &recorded{requests: c.logins(requests), sources: uint64(c.clients)})
}

func serveCrowd(t testing.TB, g *Generation, m *recorded) (*role, *recorded) {
	t.Helper()
	c := core(t, CoreOptions{Now: time.Now})
	log := NewLog(LogOptions{Writer: io.Discard})
	t.Cleanup(func() { log.Close(context.Background()) })
	s, err := newServer(c, Options{Listeners: []Listener{listener("127.0.0.1:0")}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.closeSockets)
	s.Swap(g)
	s.roles[0].batcher = m
	return s.roles[0], m
}

// BenchmarkWay is the native way of a PAP login with its line of the log: all but the kernel.
func BenchmarkWay(b *testing.B) {
	for _, tc := range []struct {
		name   string
		signed bool
	}{{"pap", false}, {"message-authenticator", true}} {
		b.Run(tc.name, func(b *testing.B) {
			ro, m := wholeWay(b, tc.signed)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += len(ro.slots) {
				ro.oneBatch()
			}
			if m.others > 0 || m.accepts == 0 {
				b.Fatalf("%d accepts, %d others", m.accepts, m.others)
			}
		})
	}
}

// BenchmarkWayMemory is BenchmarkWay with as many users and clients as do not fit the processor's caches.
func BenchmarkWayMemory(b *testing.B) {
	for _, c := range []crowd{{users: 100}, {users: 1_000_000}, {users: 100, clients: 10}, {users: 100, clients: 100_000}} {
		b.Run(fmt.Sprintf("%d-users-%d-clients", c.users, max(c.clients, 1)), func(b *testing.B) {
			ro, m := c.wholeWay(b, 1<<16)
			for range 4 * len(m.requests) / len(ro.slots) {
				ro.oneBatch()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += len(ro.slots) {
				ro.oneBatch()
			}
			if m.others > 0 {
				b.Fatalf("%d are not accepts", m.others)
			}
		})
	}
}

// TestWayAllocatesNothing takes whole batches through the way, log and all.
func TestWayAllocatesNothing(t *testing.T) {
	for _, signed := range []bool{false, true} {
		ro, m := wholeWay(t, signed)
		for range 100 {
			ro.oneBatch()
		}
		if n := allocations(200, ro.oneBatch); n != 0 {
			t.Errorf("signed %v: %v allocations a batch", signed, n)
		}
		if m.accepts == 0 || m.others > 0 {
			t.Errorf("signed %v: %d accepts, %d others", signed, m.accepts, m.others)
		}
	}
}

// TestWayJudgesBatches: requests of one batch, whose digests are taken together, are judged each for itself.
func TestWayJudgesBatches(t *testing.T) {
	ro, m := wholeWay(t, true)
	ro.generation = ro.server.Current()
	ro.generation.Settings.RejectDelay = 0
	all := m.requests[:64]
	want := map[byte]radius.Code{}
	for i, b := range all {
		want[byte(i)] = radius.CodeAccessAccept
		switch i % 4 {
		case 1: // its Message-Authenticator is wrong: discard
			b[radius.HeaderLen+5]++
			delete(want, byte(i))
		case 2: // what was signed says something else
			b[len(b)-1]++
			delete(want, byte(i))
		case 3: // the password is wrong
			resign(b, func() { b[len(b)-13]++ })
			want[byte(i)] = radius.CodeAccessReject
		}
	}
	m.requests, m.judged = all, map[byte]radius.Code{}
	ro.oneBatch()
	if diff := cmp.Diff(want, m.judged); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// resign signs a request whose first attribute is Message-Authenticator again after a change.
func resign(b []byte, change func()) {
	change()
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	clear(b[radius.HeaderLen+2 : radius.HeaderLen+18])
	s.SignRequest(b)
}
