package server

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// wholeDictionary is the default one.
var wholeDictionary = sync.OnceValue(func() *dictionary.Dictionary {
	var errs raddb.List
	d := dictionary.Load(raddb.OpenFS(os.DirFS("../../raddb")), "dictionary", &errs)
	d.Freeze()
	if errs.Failed() {
		panic(errs.Err())
	}
	return d
})

// A dynamicSite is a core with sessions and a NAS on loopback.
type dynamicSite struct {
	g     *Generation
	core  *Core
	store *acct.Memory
	nas   *away
	log   *logged
}

// nasLine is the NAS's line in the clients file; %d is its port.
const nasLine = "127.0.0.2 \"" + awaySecret + "\" nas-1 coa=127.0.0.1:%d"

// hasty is the timeout where a NAS does not answer.
const hasty = 50 * time.Millisecond

// newDynamicSite makes a site whose NAS answers by the function. line is the NAS's line; "" stands for nasLine.
func newDynamicSite(t testing.TB, line string, answer func(*asked) *awayReply) *dynamicSite {
	t.Helper()
	s := &dynamicSite{nas: startAway(t, answer), store: acct.NewMemory(acct.Rules{}), log: new(logged)}
	if line == "" {
		line = nasLine
	}
	if strings.Contains(line, "%d") {
		line = fmt.Sprintf(line, s.nas.at().Port())
	}
	s.g = &Generation{Dictionary: wholeDictionary(), Clients: clientsOf(t, line)}
	s.g.Settings.Dynamic = Dynamic{Timeout: soon} // a busy machine repeats nothing
	f := proxy.NewForwarder(proxy.ForwarderOptions{})
	t.Cleanup(f.Close)
	s.core = core(t, CoreOptions{Recorder: s.store, Sessions: s.store.Live(), Forwarder: f, Now: time.Now, Log: newLog(s.log)})
	return s
}

func clientsOf(t testing.TB, lines ...string) *nas.Table {
	t.Helper()
	var errs raddb.List
	table := nas.Load(raddb.OpenFS(fstest.MapFS{"clients": {Data: []byte(strings.Join(lines, "\n") + "\n")}}), "clients", &errs)
	if errs.Failed() {
		t.Fatal(errs.Err())
	}
	return table
}

// account takes an accounting record of a client, as from an Accounting-Request.
func (s *dynamicSite) account(t testing.TB, client string, lines ...string) {
	t.Helper()
	l := attrs(t, s.g, lines...)
	h := acct.Head{Arrival: time.Now(), Client: client, Source: netip.MustParseAddrPort("127.0.0.2:1646")}
	s.store.Append(acct.AppendRecord(nil, &h, l.Pairs), func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	})
}

var startLines = []string{
	"Acct-Status-Type = Start", "User-Name = bob", "Acct-Session-Id = 0011", "NAS-IP-Address = 192.0.2.1", "NAS-Identifier = sw1",
	"NAS-Port = 7", "Framed-IP-Address = 192.0.2.99", "Framed-IPv6-Prefix = 2001:db8::/64", "Calling-Station-Id = 02-00-00-00-00-01",
	"Called-Station-Id = ap:ssid", "Acct-Multi-Session-Id = m1",
}

// start opens bob's session and gives it.
func (s *dynamicSite) start(t testing.TB, lines ...string) *acct.Session {
	t.Helper()
	s.account(t, "nas-1", append(slices.Clone(startLines), lines...)...)
	found := s.store.Live().Select(acct.Filter{User: "bob"})
	if len(found) == 0 {
		t.Fatal("no session")
	}
	return &found[0]
}

// tell asks and waits for the answer.
func (s *dynamicSite) tell(t testing.TB, q *DynamicQuestion) DynamicAnswer {
	t.Helper()
	done := make(chan DynamicAnswer, 2)
	s.core.Dynamic(s.g, q, func(a DynamicAnswer) { done <- a })
	select {
	case a := <-done:
		return a
	case <-time.After(soon):
		t.Fatal("done was not called")
	}
	return DynamicAnswer{}
}

// withoutStamp gives lines without Event-Timestamp, which must be there once.
func withoutStamp(t testing.TB, lines []string) []string {
	t.Helper()
	kept := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "Event-Timestamp = ") })
	if len(kept) != len(lines)-1 {
		t.Errorf("%d Event-Timestamps", len(lines)-len(kept))
	}
	return kept
}

func TestDisconnect(t *testing.T) {
	s := newDynamicSite(t, "", always(&awayReply{code: radius.CodeDisconnectACK}))
	a := s.tell(t, &DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: s.start(t)})
	if !a.OK() || a.Result() != "ack" || a.String() != "Disconnect-ACK" || a.Client != "nas-1" || a.Attempts != 1 || a.Err != nil || a.Address != s.nas.at() {
		t.Errorf("%+v", a)
	}
	q := s.nas.next(t)
	if types := q.Attributes[0]; radius.Type(types) != radius.TypeMessageAuthenticator {
		t.Errorf("first attribute %d", types)
	}
	want := []string{
		"NAS-IP-Address = 192.0.2.1", `NAS-Identifier = "sw1"`, `User-Name = "bob"`, "NAS-Port = 7", "Framed-IP-Address = 192.0.2.99",
		"Framed-IPv6-Prefix = 2001:db8::/64", `Calling-Station-Id = "02-00-00-00-00-01"`, `Acct-Session-Id = "0011"`,
	}
	if diff := cmp.Diff(want, withoutStamp(t, q.lines(t, s.g))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	raw := append([]byte{byte(q.Code), q.Identifier, 0, 0}, q.Authenticator[:]...)
	raw = append(raw, q.Attributes...)
	radius.PutLength(raw)
	var session radius.Session
	session.Use(radius.NewSecret(awaySecret))
	if v, err := session.VerifyRequest(raw); err != nil || !v.MessageAuthenticator {
		t.Errorf("%v, %v", v, err)
	}
}

func TestIdentification(t *testing.T) {
	for option, want := range map[string][]string{
		" type=hostapd": {"NAS-IP-Address = 192.0.2.1", `NAS-Identifier = "sw1"`, `User-Name = "bob"`, `Calling-Station-Id = "02-00-00-00-00-01"`, `Acct-Session-Id = "0011"`},
		" type=cisco":   {"NAS-IP-Address = 192.0.2.1", `NAS-Identifier = "sw1"`, `Calling-Station-Id = "02-00-00-00-00-01"`, `Acct-Session-Id = "0011"`},
		" type=cisco coa-identify=multi-session,called,port": {"NAS-Port = 7", `Called-Station-Id = "ap:ssid"`, `Acct-Multi-Session-Id = "m1"`},
	} {
		s := newDynamicSite(t, nasLine+option, always(&awayReply{code: radius.CodeDisconnectACK}))
		s.tell(t, &DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: s.start(t)})
		q := s.nas.next(t)
		if diff := cmp.Diff(want, withoutStamp(t, q.lines(t, s.g))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", option, diff)
		}
	}
}

// TestPortIsANameOrNumber: sessions keep one of NAS-Port-Id and NAS-Port.
func TestPortIsANameOrNumber(t *testing.T) {
	s := newDynamicSite(t, nasLine+" coa-identify=port", always(&awayReply{code: radius.CodeDisconnectACK}))
	s.tell(t, &DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: s.start(t, "NAS-Port-Id = ge-0/0/1")})
	q := s.nas.next(t)
	if diff := cmp.Diff([]string{`NAS-Port-Id = "ge-0/0/1"`}, withoutStamp(t, q.lines(t, s.g))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestErrorCauses(t *testing.T) {
	causes := append(ErrorCauses(), 0, 999)
	s := newDynamicSite(t, "", func(q *asked) *awayReply {
		r := &awayReply{code: radius.CodeCoANAK}
		if cause := causes[q.n]; cause != 0 {
			r.attrs = attribute(radius.TypeErrorCause, string([]byte{0, 0, byte(cause >> 8), byte(cause)}))
		}
		return r
	})
	session := s.start(t)
	changes := attrs(t, s.g, "Session-Timeout = 60", "Filter-Id = slow")
	for _, cause := range causes {
		a := s.tell(t, &DynamicQuestion{Code: radius.CodeCoARequest, Session: session, Attributes: &changes})
		want := "CoA-NAK"
		if cause != 0 {
			want = fmt.Sprintf("CoA-NAK, %s (%d)", ErrorCauseName(cause), cause)
		}
		if a.OK() || a.Result() != "nak" || a.ErrorCause != cause || a.String() != want {
			t.Errorf("%d: %+v", cause, a)
		}
		q := s.nas.next(t)
		if lines := q.lines(t, s.g); lines[0] != "Session-Timeout = 60" || lines[1] != `Filter-Id = "slow"` {
			t.Errorf("changes %q", lines)
		}
	}
}

// TestSilentNAS: the same octets again (RFC 5176 s6.3: also the same Event-Timestamp), then the truth.
func TestSilentNAS(t *testing.T) {
	for name, answer := range map[string]*awayReply{
		"silent": nil, "wrong secret": {code: radius.CodeDisconnectACK, secret: "not ours"}, "wrong code": {code: radius.CodeCoAACK},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDynamicSite(t, "", always(answer))
			s.g.Settings.Dynamic.Timeout = hasty
			a := s.tell(t, &DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: s.start(t)})
			if a.OK() || a.Result() != "timeout" || a.Attempts != 3 || a.Err == nil || !strings.Contains(a.String(), "has not answered 3 packets") {
				t.Errorf("%+v", a)
			}
			first := s.nas.next(t)
			for range 2 {
				q := s.nas.next(t)
				if string(q.Attributes) != string(first.Attributes) || q.Authenticator != first.Authenticator || q.Identifier != first.Identifier {
					t.Error("a retransmission differs")
				}
			}
		})
	}
}

func TestCoASecret(t *testing.T) {
	s := newDynamicSite(t, `127.0.0.2 "another secret of it" nas-1 coa-secret="`+awaySecret+`" coa=127.0.0.1:%d`, always(&awayReply{code: radius.CodeDisconnectACK}))
	if a := s.tell(t, &DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: s.start(t)}); !a.OK() {
		t.Errorf("%+v", a)
	}
}

// TestUntold: what cannot be sent, and why.
func TestUntold(t *testing.T) {
	s := newDynamicSite(t, "127.0.0.2 \""+awaySecret+"\" other\n10.0.0.0/8 \""+awaySecret+"\" wide", always(nil))
	session := s.start(t)
	wide, nobody := *session, *session
	wide.Client, nobody.Client, nobody.NASAddress = "wide", "gone", ""
	list := func(lines ...string) *dictionary.List { l := attrs(t, s.g, lines...); return &l }
	other := s.g.Clients.Named("other")
	for _, c := range []struct {
		q    DynamicQuestion
		want string
	}{
		{DynamicQuestion{Code: radius.CodeAccessRequest, Session: session}, "Access-Request is neither a CoA- nor a Disconnect-Request"},
		{DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: session}, "no client of the clients file is its NAS"},
		{DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: &nobody}, "no client of the clients file is its NAS"},
		{DynamicQuestion{Code: radius.CodeDisconnectRequest}, "no client of the clients file is its NAS"},
		{DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: &wide}, "wide: the client has many addresses; expected coa=ADDRESS in the clients file"},
		{DynamicQuestion{Code: radius.CodeDisconnectRequest, Client: other}, "nothing says which session is meant"},
		{DynamicQuestion{Code: radius.CodeDisconnectRequest, Client: other, Session: session, Attributes: list("Session-Timeout = 1")}, "Session-Timeout: a Disconnect-Request says only which session and why"},
		{DynamicQuestion{Code: radius.CodeCoARequest, Client: other, Session: session, Attributes: list("User-Password = x")}, "User-Password does not belong into a CoA-Request"},
		{DynamicQuestion{Code: radius.CodeCoARequest, Client: other, Attributes: list("User-Name = bob", "Service-Type = Authorize-Only")}, "Authorize-Only needs a session, or a State of its own (RFC 5176 s3.3)"},
		{DynamicQuestion{Code: radius.CodeCoARequest, Client: other, Session: session, Attributes: list("Service-Type = Authorize-Only", "Session-Timeout = 1")}, "Session-Timeout does not belong into a CoA-Request"},
	} {
		a := s.tell(t, &c.q)
		if a.Result() != "unreachable" || a.String() != c.want {
			t.Errorf("got %q, want %q", a.String(), c.want)
		}
	}
	s.core.forwarder = nil
	if a := s.tell(t, &DynamicQuestion{Code: radius.CodeDisconnectRequest, Client: other, Session: session}); a.String() != "nothing can be sent from here" {
		t.Error(a.String())
	}
}

// TestAuthorizeOnlyIsAsked: the NAS comes back with a State that we know again (RFC 5176 s3.2, s3.3).
func TestAuthorizeOnlyIsAsked(t *testing.T) {
	s := newDynamicSite(t, "", always(&awayReply{code: radius.CodeCoANAK, attrs: attribute(radius.TypeErrorCause, "\x00\x00\x01\xfb")}))
	l := attrs(t, s.g, "Service-Type = Authorize-Only")
	a := s.tell(t, &DynamicQuestion{Code: radius.CodeCoARequest, Session: s.start(t), Attributes: &l})
	if a.ErrorCause != 507 {
		t.Errorf("%+v", a)
	}
	q := s.nas.next(t)
	state, ok := q.Attributes.Find(radius.TypeState)
	r := Request{Peer: Peer{Client: s.g.Clients.Named("nas-1")}, ReceivedUser: []byte("bob")}
	var round Round
	if _, err := s.core.seal.open(&r, state, time.Now(), &round); !ok || err != nil || round.Next != "authorize-only" {
		t.Errorf("State %x: %v, %+v", state, err, round)
	}
}

// TestManyTold: NASes are told at the same time, and what is remembered of them is bounded.
func TestManyTold(t *testing.T) {
	s := newDynamicSite(t, "", always(&awayReply{code: radius.CodeDisconnectACK}))
	session := s.start(t)
	var all sync.WaitGroup
	for range 300 {
		all.Add(1)
		s.core.Dynamic(s.g, &DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: session}, func(a DynamicAnswer) {
			defer all.Done()
			if !a.OK() {
				t.Error(a.String())
			}
		})
	}
	all.Wait()
	for i := range maxTargets + 10 {
		s.core.targets.nas(nil, s.g, s.g.Clients.All()[0], netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(i+1)))
	}
	if n := len(s.core.targets.byNAS); n > maxTargets {
		t.Errorf("%d targets", n)
	}
}

// TestStopIsAwaited: after an ACK the row is closed unless a Stop came, or the NAS goes on.
func TestStopIsAwaited(t *testing.T) {
	for name, c := range map[string]struct {
		wait  time.Duration
		after []string
		late  bool
		want  string
	}{
		"no Stop": {30 * time.Millisecond, nil, false, "Admin-Reset"},
		"Stop":    {30 * time.Millisecond, []string{"Acct-Status-Type = Stop", "Acct-Terminate-Cause = User-Request"}, false, "User-Request"},
		"never":   {-1, nil, false, "open"},
		"goes on": {30 * time.Millisecond, []string{"Acct-Status-Type = Interim-Update"}, true, "open"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDynamicSite(t, "", always(&awayReply{code: radius.CodeDisconnectACK}))
			s.g.Settings.Dynamic.StopWait = c.wait
			session := s.start(t)
			if c.late { // as if the ACK were long ago
				s.core.now = func() time.Time { return time.Now().Add(-time.Minute) }
			}
			if a := s.tell(t, &DynamicQuestion{Code: radius.CodeDisconnectRequest, Session: session}); !a.OK() {
				t.Fatal(a.String())
			}
			if c.after != nil {
				s.account(t, "nas-1", append(c.after, startLines[1:]...)...)
			}
			if got := s.outcomeOf(session, c.wait >= 0 && c.want != "User-Request"); got != c.want {
				t.Errorf("%s, want %s\n%s", got, c.want, s.log)
			}
		})
	}
}

// outcomeOf gives the cause that closed a session, or open. told waits until the log says what was done.
func (s *dynamicSite) outcomeOf(session *acct.Session, told bool) string {
	for end := time.Now().Add(soon); told && time.Now().Before(end) && !strings.Contains(s.log.String(), "NAS has acknowledged"); {
		time.Sleep(time.Millisecond)
	}
	for end := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
		open := s.store.Live().Count(acct.Filter{ID: session.Unique()}) == 1
		if open && strings.Contains(s.log.String(), "closed as Admin-Reset") && time.Now().Before(end) {
			continue
		}
		switch {
		case open:
			return "open"
		case strings.Contains(s.log.String(), "Admin-Reset"):
			return "Admin-Reset"
		}
		return "User-Request"
	}
}

func TestStopsAreBounded(t *testing.T) {
	s := newDynamicSite(t, "", always(nil))
	session := s.start(t)
	for range maxStops + 5 {
		s.core.stops.await(s.core, time.Hour, session)
	}
	if n := len(s.core.stops.pending); n != maxStops {
		t.Errorf("%d", n)
	}
	s.core.stops.close()
	s.core.stops.await(s.core, time.Hour, session)
	if n := len(s.core.stops.pending); n != 0 {
		t.Errorf("%d after close", n)
	}
}
