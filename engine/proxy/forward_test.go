package proxy

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"perilune/engine/radius"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func attribute(t radius.Type, value string) []byte {
	return radius.AppendAttribute(nil, t, []byte(value))
}

// types gives the types of the attributes in order.
func types(attrs radius.Attributes) (list []radius.Type) {
	for t := range attrs.All() {
		list = append(list, t)
	}
	return list
}

func TestForwardAccess(t *testing.T) {
	h := newFakeHome(t, func(h *fakeHome, q question) {
		h.answer(q, answering{attrs: attribute(18, "welcome")})
	})
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	c.password = "hello"
	c.attrs = append(c.attrs, attribute(radius.TypeProxyState, "one")...)
	c.attrs = append(c.attrs, attribute(radius.TypeProxyState, "two")...)
	c.Received = &radius.Packet{Code: radius.CodeAccessRequest, Authenticator: radius.NewAuthenticator(), Attributes: c.attrs}
	if o := c.send(t, f); o != Answered {
		t.Fatalf("outcome %v", o)
	}
	q := h.wait(t)
	want := []radius.Type{80, 1, 33, 33, 2, 33}
	if d := cmp.Diff(want, types(q.packet.Attributes)); d != "" {
		t.Errorf("request (-want +got)\n%s", d)
	}
	var s radius.Session
	s.Use(h.secret)
	if v, err := s.VerifyRequest(q.raw); err != nil || !v.MessageAuthenticator {
		t.Errorf("request: %v, %v", v, err)
	}
	if q.packet.Authenticator == c.Received.Authenticator {
		t.Error("the client's authenticator was sent on")
	}
	hidden, _ := q.packet.Attributes.Find(radius.TypeUserPassword)
	if clear, err := s.RevealPassword(nil, hidden, &q.packet.Authenticator); string(clear) != "hello" {
		t.Errorf("password %q, %v", clear, err)
	}
	want = []radius.Type{80, 18, 33, 33}
	if d := cmp.Diff(want, types(c.Reply.Attributes)); d != "" {
		t.Errorf("reply (-want +got)\n%s", d)
	}
	if v, _ := c.Reply.Attributes.Find(radius.TypeProxyState); string(v) != "one" {
		t.Errorf("first Proxy-State %q", v)
	}
	if c.Reply.Code != radius.CodeAccessAccept || !c.Signed || c.Attempts != 1 || c.Address != h.addr() || c.Server == "" || c.Took <= 0 {
		t.Errorf("%+v", c.Reply)
	}
}

func TestForwardAccounting(t *testing.T) {
	h := newFakeHome(t, accepts)
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{}, r)
	for _, code := range []radius.Code{radius.CodeAccountingRequest, radius.CodeDisconnectRequest, radius.CodeCoARequest} {
		answer := answering{unsigned: true}
		switch code {
		case radius.CodeDisconnectRequest:
			answer.code = radius.CodeDisconnectNAK
		case radius.CodeCoARequest:
			answer.code = radius.CodeCoAACK
		}
		h.play(func(h *fakeHome, q question) { h.answer(q, answer) })
		c := newCaller(r)
		c.Code = code
		if o := c.send(t, f); o != Answered {
			t.Fatalf("%v: outcome %v", code, o)
		}
		q := h.wait(t)
		var s radius.Session
		s.Use(h.secret)
		if v, err := s.VerifyRequest(q.raw); err != nil || v.MessageAuthenticator {
			t.Errorf("%v: %v, %v", code, v, err)
		}
		if d := cmp.Diff([]radius.Type{1, 33}, types(q.packet.Attributes)); d != "" {
			t.Errorf("%v (-want +got)\n%s", code, d)
		}
		if len(c.Reply.Attributes) != 0 || !c.Reply.Code.Answers(code) {
			t.Errorf("%v: reply %+v", code, c.Reply)
		}
	}
}

// TestChallengeIsExplicit: RFC 2865 s5.40, the challenge may have been the client's authenticator.
func TestChallengeIsExplicit(t *testing.T) {
	h := newFakeHome(t, accepts)
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{}, r)
	chap := radius.AppendAttribute(nil, radius.TypeCHAPPassword, make([]byte, 17))
	received := radius.Packet{Authenticator: radius.NewAuthenticator()}
	for _, attrs := range [][]byte{chap, append(bytes.Clone(chap), attribute(radius.TypeCHAPChallenge, "own challenge")...)} {
		c := newCaller(r)
		c.attrs, c.Received = attrs, &received
		if o := c.send(t, f); o != Answered {
			t.Fatalf("outcome %v", o)
		}
		q := h.wait(t)
		if d := cmp.Diff([]radius.Type{80, 3, 60, 33}, types(q.packet.Attributes)); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		want := string(received.Authenticator[:])
		if len(attrs) > len(chap) {
			want = "own challenge"
		}
		if got, _ := q.packet.Attributes.Find(radius.TypeCHAPChallenge); string(got) != want {
			t.Errorf("CHAP-Challenge %x", got)
		}
	}
}

// TestPlainRequests: a home server that chokes on Message-Authenticator gets none, but with EAP.
func TestPlainRequests(t *testing.T) {
	h := newFakeHome(t, accepts)
	r := realmOf(h)
	r.Plain = true
	f := startForwarder(t, ForwarderOptions{}, r)
	for _, tt := range []struct {
		attr radius.Type
		want []radius.Type
	}{{radius.TypeUserName, []radius.Type{1, 33}}, {radius.TypeEAPMessage, []radius.Type{80, 79, 33}}} {
		c := newCaller(r)
		c.attrs = attribute(tt.attr, "bob")
		c.Received = &radius.Packet{Authenticator: radius.NewAuthenticator(), Attributes: c.attrs}
		if o := c.send(t, f); o != Answered {
			t.Fatalf("outcome %v", o)
		}
		if d := cmp.Diff(tt.want, types(h.wait(t).packet.Attributes)); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
}

// TestRetransmission: RFC 2865 s2.5, the same octets from the same port.
func TestRetransmission(t *testing.T) {
	h := newFakeHome(t, func(h *fakeHome, q question) {
		if q.n == 2 {
			h.answer(q, answering{})
		}
	})
	r := realmOf(h)
	r.Timeout = hasty
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	if o := c.send(t, f); o != Answered || c.Attempts != 3 || c.calls != 1 {
		t.Fatalf("outcome %v after %d attempts, encoded %d times", o, c.Attempts, c.calls)
	}
	seen := h.requests()
	for _, q := range seen[1:] {
		if !bytes.Equal(q.raw, seen[0].raw) || q.from != seen[0].from {
			t.Errorf("retransmission %d differs", q.n)
		}
	}
	if c.Took < 250*time.Millisecond {
		t.Errorf("took %v: the wait did not double", c.Took)
	}
	if n := homeIn(t, f, h, KindAuth).tally(); n.Sent != 1 || n.Resent != 2 || n.Accepts != 1 {
		t.Errorf("%+v", n)
	}
}

func TestTimeoutAndDeadline(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Retries = 2
	r.Timeout = hasty
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	if o := c.send(t, f); o != Timeout || c.Attempts != 2 {
		t.Errorf("outcome %v after %d attempts", o, c.Attempts)
	}
	r.Retries = 20
	c.Deadline = time.Now().Add(200 * time.Millisecond)
	if o := c.send(t, f); o != Timeout || c.Took > 5*time.Second || c.Attempts > 2 {
		t.Errorf("outcome %v after %d attempts, %v", o, c.Attempts, c.Took)
	}
	c.Deadline = time.Now().Add(-time.Second)
	if o := f.Forward(&c.Exchange); o != Timeout || c.Attempts != 0 {
		t.Errorf("outcome %v after %d attempts", o, c.Attempts)
	}
}

// TestFailOver: another server gets a new identifier, authenticator and Proxy-State, and what is hidden is hidden
// for it. A late answer of the first is a sign of life.
func TestFailOver(t *testing.T) {
	first, second := newFakeHome(t, silent), newFakeHomeWith(t, "quite another secret", accepts)
	r := realmOf(first, second)
	r.Retries = 1
	r.Timeout = hasty
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	c.password = "hello"
	if o := c.send(t, f); o != Answered || c.Attempts != 2 || c.Address != second.addr() || c.calls != 2 {
		t.Fatalf("outcome %v of %v after %d attempts", o, c.Address, c.Attempts)
	}
	a, b := first.wait(t), second.wait(t)
	if a.packet.Authenticator == b.packet.Authenticator {
		t.Error("the second server got the first one's authenticator")
	}
	var s radius.Session
	s.Use(second.secret)
	hidden, _ := b.packet.Attributes.Find(radius.TypeUserPassword)
	if clear, _ := s.RevealPassword(nil, hidden, &b.packet.Authenticator); string(clear) != "hello" {
		t.Errorf("password %q", clear)
	}
	known := homeIn(t, f, first, KindAuth)
	before := known.statusNow().Answered
	first.answer(a, answering{})
	eventually(t, "the late answer", func() bool { return known.tally().Late == 1 })
	if !known.statusNow().Answered.After(before) {
		t.Error("the late answer is no sign of life")
	}
	first.answer(a, answering{}) // repeated, it proves nothing
	eventually(t, "its repetition", func() bool { return known.tally().Late == 2 })
}

// TestFailOverInTime: the second server is asked while there is time for its answer.
func TestFailOverInTime(t *testing.T) {
	first, second := newFakeHome(t, silent), newFakeHome(t, accepts)
	r := realmOf(first, second)
	r.Timeout, r.Retries = 300*time.Millisecond, 20
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	c.Deadline = time.Now().Add(700 * time.Millisecond)
	if o := c.send(t, f); o != Answered || c.Address != second.addr() {
		t.Errorf("outcome %v of %v", o, c.Address)
	}
}

func TestRefusals(t *testing.T) {
	h := newFakeHome(t, accepts)
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{}, r)
	own := f.marks.new()
	many := bytes.Repeat(attribute(radius.TypeProxyState, "x"), maxProxyStates)
	failure := errors.New("no")
	for _, test := range []struct {
		name   string
		change func(*caller)
		want   Outcome
	}{
		{"our own Proxy-State", func(c *caller) {
			c.Received = &radius.Packet{Attributes: radius.AppendAttribute(nil, radius.TypeProxyState, own[:])}
		}, Looped},
		{"twenty Proxy-States", func(c *caller) { c.Received = &radius.Packet{Attributes: many} }, Answered},
		{"twenty-one", func(c *caller) {
			c.Received = &radius.Packet{Attributes: append(bytes.Clone(many), attribute(radius.TypeProxyState, "y")...)}
		}, Looped},
		{"the source is the target", func(c *caller) {
			c.Realm = &Realm{Name: "b", binding: new(binding), Servers: []Server{{Auth: netip.MustParseAddrPort("192.0.2.1:1812"), Secret: h.secret}}}
			f.Bind(c.Realm)
			c.Source = netip.MustParseAddr("192.0.2.1")
		}, Looped},
		{"one machine", func(c *caller) { c.Source = h.addr().Addr() }, Answered},
		{"not configured", func(c *caller) { c.Realm = &Realm{binding: new(binding)} }, AllDead},
		{"local", func(c *caller) { c.Realm = &Realm{Local: true, binding: new(binding)}; f.Bind(c.Realm) }, AllDead},
		{"Status-Server", func(c *caller) { c.Code = radius.CodeStatusServer }, AllDead},
		{"too long", func(c *caller) {
			c.attrs = bytes.Repeat(radius.AppendAttribute(nil, 26, make([]byte, 253)), 16)
		}, Unsendable},
		{"torn", func(c *caller) { c.attrs = []byte{1, 9, 1} }, Unsendable},
		{"not encoded", func(c *caller) {
			c.Encode = func(dst []byte, _ *radius.Session, _ *radius.Authenticator) ([]byte, error) { return dst, failure }
		}, Unsendable},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCaller(r)
			test.change(c)
			if o := c.send(t, f); o != test.want {
				t.Errorf("outcome %v, want %v", o, test.want)
			}
		})
	}
	if n := f.Counters(); n != (Counters{AllDead: 3, Looped: 3, Unsendable: 3}) {
		t.Errorf("%+v", n)
	}
}

// TestRepeat: with retransmit=client only the client's retransmissions are sent on, and they make the next server
// be asked.
func TestRepeat(t *testing.T) {
	first, second := newFakeHome(t, silent), newFakeHome(t, accepts)
	r := realmOf(first, second)
	r.Retries, r.Retransmit = 2, RetransmitClient
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	c.Serial = 7
	if o := f.Forward(&c.Exchange); o != Pending {
		t.Fatalf("outcome %v", o)
	}
	a := first.wait(t)
	if f.Repeat(&c.Exchange, 6) {
		t.Error("another request's exchange was repeated")
	}
	if !f.Repeat(&c.Exchange, 7) {
		t.Error("not repeated")
	}
	if b := first.wait(t); !bytes.Equal(a.raw, b.raw) || a.from != b.from {
		t.Error("the repetition differs")
	}
	if !f.Repeat(&c.Exchange, 7) {
		t.Error("not moved on")
	}
	if o := c.wait(t); o != Answered || c.Attempts != 3 || c.Address != second.addr() {
		t.Errorf("outcome %v of %v after %d attempts", o, c.Address, c.Attempts)
	}
	if f.Repeat(&c.Exchange, 7) {
		t.Error("repeated after its end")
	}
	r.Retransmit = RetransmitServer
	first.play(func(h *fakeHome, q question) {
		if f.Repeat(&c.Exchange, 7) {
			t.Error("repeated beside our own timers")
		}
		h.answer(q, answering{})
	})
	if o := c.send(t, f); o != Answered {
		t.Errorf("outcome %v", o)
	}
}

// TestRepeatAlone: a client that repeats often does not lose the answer of the only server, which is slow.
func TestRepeatAlone(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Retries, r.Retransmit = 2, RetransmitClient
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	c.Serial = 7
	f.Forward(&c.Exchange)
	first := h.wait(t)
	for n := range 5 {
		if !f.Repeat(&c.Exchange, 7) {
			t.Fatalf("repetition %d does not go out", n+1)
		}
		if again := h.wait(t); !bytes.Equal(first.raw, again.raw) {
			t.Errorf("repetition %d differs", n+1)
		}
	}
	h.answer(first, answering{})
	if o := c.wait(t); o != Answered || c.Attempts != 6 {
		t.Errorf("outcome %v after %d attempts", o, c.Attempts)
	}
}

// TestCloseMeanwhile: a Forwarder that is closed while a request has its identifier and is not sent yet.
func TestCloseMeanwhile(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	f, _ := still(t, ForwarderOptions{}, r)
	c := newCaller(r)
	encode := c.Encode
	c.Encode = func(dst []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error) {
		f.empty(homeIn(t, f, h, KindAuth))
		return encode(dst, s, auth)
	}
	if o := f.Forward(&c.Exchange); o != Closed || f.outstanding.Load() != 0 {
		t.Errorf("%v, %d identifiers taken", o, f.outstanding.Load())
	}
}

func TestClose(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	f := NewForwarder(ForwarderOptions{})
	f.Configure(realmsOf(r))
	var list []*caller
	for range 300 {
		c := newCaller(r)
		if o := f.Forward(&c.Exchange); o != Pending {
			t.Fatalf("outcome %v", o)
		}
		list = append(list, c)
	}
	f.Close()
	f.Close()
	for _, c := range list {
		if o := c.wait(t); o != Closed {
			t.Fatalf("outcome %v", o)
		}
	}
	if o := f.Forward(&list[0].Exchange); o != Closed {
		t.Errorf("outcome %v", o)
	}
	if n := f.outstanding.Load(); n != 0 {
		t.Errorf("%d identifiers are still taken", n)
	}
}
