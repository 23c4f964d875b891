package client

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// senders notes from where requests come.
type senders struct {
	mu  sync.Mutex // protects all
	all map[string]int
}

func (s *senders) take(a *ask) {
	s.mu.Lock()
	s.all[a.from.IP.String()]++
	s.mu.Unlock()
	nas, _ := a.Attributes.Find(radius.TypeNASIPAddress)
	if ip := a.from.IP.To4(); !net.IP(nas).Equal(ip) {
		a.t.Errorf("from %v with NAS-IP-Address %v", ip, net.IP(nas))
	}
	code := radius.CodeAccessAccept
	if a.Code == radius.CodeAccountingRequest {
		code = radius.CodeAccountingResponse
	}
	a.send(a.reply(code))
}

// TestLoadSources plays 300 clients with two sockets: each asks as often as any other, and gets its answers. The loop is a
// closed one, so that nothing is lost however late the answers are; on a busy machine it takes longer until all have asked.
func TestLoadSources(t *testing.T) {
	const sources = 300
	for _, method := range []string{MethodPAP, MethodAcct} {
		var s senders
		var r *LoadResult
		shooters := 0
		for duration := 200 * time.Millisecond; duration < 10*time.Second; duration *= 2 {
			s.all = map[string]int{}
			r, _ = loaded(t, s.take, func(l *Load) {
				l.Method, l.Sockets, l.Sources, l.Source = method, 2, sources, netip.MustParseAddr("127.16.0.0")
				l.Duration, l.Outstanding = duration, 64
				shooters = l.shooters()
			})
			if len(s.all) == sources {
				break
			}
		}
		if r.Bad+r.Lost > 0 || len(s.all) != sources || s.all["127.16.1.43"] == 0 {
			t.Errorf("%s: %d sources; %v", method, len(s.all), r)
		}
		if method == MethodPAP {
			s.checkTurns(t, sources, shooters)
		}
	}
}

// checkTurns demands that of the sources of each shooter, which are every shooters-th, all have asked equally often.
func (s *senders) checkTurns(t *testing.T, sources, shooters int) {
	for first := range shooters {
		least, most := math.MaxInt, 0
		for i := first; i < sources; i += shooters {
			n := s.all[fmt.Sprintf("127.16.%d.%d", i>>8, i&255)]
			least, most = min(least, n), max(most, n)
		}
		if most-least > 1 {
			t.Errorf("sources asked %d to %d times", least, most)
		}
	}
}

// TestLoadSourceIPv6 has the one address that IPv6's loopback gives.
func TestLoadSourceIPv6(t *testing.T) {
	p := newPeer(t, "[::1]:0", always(radius.CodeAccessAccept))
	l := ordered(p)
	l.Sources, l.Source, l.Duration = 1, netip.IPv6Loopback(), 20*time.Millisecond
	if r, err := l.Run(t.Context()); err != nil || r.Answered() == 0 || r.Bad+r.Lost > 0 {
		t.Errorf("%v, %v", r, err)
	}
}

// TestLoadSourceStranger: an answer from another port than the one asked is bad, as it would be on a connected
// socket.
func TestLoadSourceStranger(t *testing.T) {
	stranger, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	r, _ := loaded(t, func(a *ask) { stranger.WriteToUDP(a.reply(radius.CodeAccessAccept), a.from) }, func(l *Load) {
		l.Sources, l.Source = 1, netip.MustParseAddr("127.16.0.0")
		l.Wait, l.Duration = 10*time.Millisecond, 30*time.Millisecond
	})
	if r.Answered() > 0 || r.Bad == 0 {
		t.Errorf("%v", r)
	}
}

func TestLoadRefusesSources(t *testing.T) {
	for _, tc := range []struct {
		sources int
		first   string
		want    string
	}{
		{-1, "127.16.0.0", "the sources must be 0 to 16777216"},
		{2, "192.0.2.1", "no requests can leave from 192.0.2.1"},
		{1, "::1", "one is IPv4, the other IPv6"},
		{2, "255.255.255.255", "there are no 2 addresses from 255.255.255.255 on"},
		{1, "", "the first source address is missing"},
	} {
		l := &Load{Address: "127.0.0.1:9", Duration: 1, Sockets: 1, Outstanding: 1, Users: 1, NameFormat: "u", Wait: 1, Sources: tc.sources}
		l.Source, _ = netip.ParseAddr(tc.first)
		if _, err := l.Run(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%d from %s: %v; want %q", tc.sources, tc.first, err, tc.want)
		}
	}
}

func TestLastSource(t *testing.T) {
	for _, tc := range []struct {
		first string
		n     int
		want  string
	}{
		{"127.16.0.0", 100_000, "127.17.134.159"},
		{"127.0.0.1", 1, "127.0.0.1"},
		{"2001:db8::ff", 2, "2001:db8::100"},
	} {
		l := Load{Source: netip.MustParseAddr(tc.first), Sources: tc.n}
		if diff := cmp.Diff(tc.want, l.lastSource().String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
