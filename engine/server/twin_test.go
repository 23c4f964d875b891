package server

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// flagged gives a generation in which some attributes have PROPERTY flag 1 and Access-Requests are compared by it.
func flagged(t testing.TB, usersFile string, p *scripted) *Generation {
	g := load(t, usersFile, p)
	for _, name := range []string{"User-Name", "Class", "User-Password", "Acct-Session-Id"} {
		g.Dictionary.Attribute(name).UserFlags |= 1 << 1
	}
	g.Settings.CompareAuth, g.Settings.CompareAcct = 1, 1
	return g
}

// A repeater is a NAS that takes a new identifier, authenticator and port for each packet.
type repeater struct {
	t  *testing.T
	g  *Generation
	to netip.AddrPort
	id atomic.Uint32
}

// ask gives the attributes of the verified reply; nil if there is none soon.
func (n *repeater) ask(code radius.Code, wait time.Duration, lines ...string) []string {
	n.t.Helper()
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	q := Question{Code: code, Attributes: attrs(n.t, n.g, lines...)}
	datagram, err := q.packet(code, byte(n.id.Add(1)), n.g, &s)
	if err != nil {
		n.t.Error(err)
		return nil
	}
	reply := exchange(n.t, n.to, datagram, wait)
	if reply == nil {
		return nil
	}
	if reply[1] != datagram[1] {
		n.t.Errorf("identifier %d, want %d", reply[1], datagram[1])
	}
	packet, err := radius.Parse(reply)
	if err != nil {
		n.t.Error(err)
	}
	var l dictionary.List
	if err := n.g.Dictionary.Decode(&l, packet.Attributes, &s, (*radius.Authenticator)(datagram[4:20])); err != nil {
		n.t.Error(err)
	}
	got := []string{packet.Code.String()}
	for i := range l.Pairs {
		if l.Pairs[i].Attr != n.g.Dictionary.Known.MessageAuthenticator {
			got = append(got, string(l.Pairs[i].AppendText(nil, false)))
		}
	}
	return got
}

const patience = 10 * time.Second

// TestTwins: the same flagged attributes under another identifier, authenticator and port get the answer that
// was given, made valid anew; anything else is worked on.
func TestTwins(t *testing.T) {
	var worked atomic.Int32
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseReply: func(*Request) *Verdict { worked.Add(1); return nil }}}
	g := flagged(t, "bob Cleartext-Password := \"x\"\n\tReply-Message = \"ok\", Tunnel-Password:1 = \"very secret\", Class = \"c\"\n", p)
	to, _ := serve(t, g, core(t, CoreOptions{Now: time.Now}))
	n := &repeater{t: t, g: g, to: to}
	answer := func(more ...string) []string {
		return append([]string{"Access-Accept", `Reply-Message = "ok"`, `Tunnel-Password:1 = "very secret"`, "Class = 0x63"}, more...)
	}
	base := []string{"User-Name = bob", "User-Password = x", "Class = k1"}
	for i, c := range []struct {
		lines  []string
		want   []string
		worked int32
	}{
		{append(base, "NAS-Identifier = n", "Proxy-State = 0x01"), answer("Proxy-State = 0x01"), 1},
		{append(base, "NAS-Identifier = other", "Proxy-State = 0x02", "Proxy-State = 0x03"), answer("Proxy-State = 0x02", "Proxy-State = 0x03"), 1},
		{base, answer(), 1},
		{[]string{"Class = k1", "User-Password = x", "User-Name = bob"}, answer(), 1}, // the order does not matter
		{append(base, "Class = k1"), answer(), 1},                                     // nor does the same once more
		{[]string{"User-Name = bob", "User-Password = x", "Class = k2"}, answer(), 2},
		{append(base, "Class = k2"), answer(), 3},
		{append(base, "Class = k2"), answer(), 4}, // two values: not even equal to itself
		{[]string{"User-Name = bob", "User-Password = y", "Class = k1"}, []string{"Access-Reject", `Reply-Message = "ok"`}, 5},
		{[]string{"User-Name = bob", "User-Password = x"}, answer(), 6},
	} {
		got := n.ask(radius.CodeAccessRequest, patience, c.lines...)
		slices.Sort(got[1:])
		slices.Sort(c.want[1:])
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
		if w := worked.Load(); w != c.worked {
			t.Errorf("step %d: worked on %d requests, want %d", i, w, c.worked)
		}
	}
}

// TestTwinsNeedFlags: without a flag in force, or with none of its attributes, each request is worked on.
func TestTwinsNeedFlags(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Generation)
		worked int32
	}{
		"flagged":          {func(*Generation) {}, 1},
		"off":              {func(g *Generation) { g.Settings.CompareAuth = 0 }, 2},
		"another flag":     {func(g *Generation) { g.Settings.CompareAuth = 2 }, 2},
		"client's kind":    {func(g *Generation) { g.Settings.CompareAuth = 0; home(g).CompareAuth = 1 }, 1},
		"client's":         {func(g *Generation) { g.Settings.CompareAuth = 2; home(g).Compare = 1 }, 1},
		"kind before all":  {func(g *Generation) { home(g).CompareAuth, home(g).Compare = 10, 1 }, 2},
		"client's, not on": {func(g *Generation) { home(g).Compare = 10 }, 2},
		"accounting's":     {func(g *Generation) { g.Settings.CompareAuth = 0; home(g).CompareAcct = 1 }, 2},
		"expired":          {func(g *Generation) { g.Settings.DuplicateKeep = time.Nanosecond }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var worked atomic.Int32
			p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseReply: func(*Request) *Verdict { worked.Add(1); return nil }}}
			g := flagged(t, "bob Cleartext-Password := \"x\"\n", p)
			c.change(g)
			to, _ := serve(t, g, core(t, CoreOptions{Now: time.Now}))
			n := &repeater{t: t, g: g, to: to}
			for range 2 {
				n.ask(radius.CodeAccessRequest, patience, "User-Name = bob", "User-Password = x")
			}
			if w := worked.Load(); w != c.worked {
				t.Errorf("worked on %d requests, want %d", w, c.worked)
			}
		})
	}
}

// TestTwinsInWork: a twin of a request in work is discarded, and the answer is good for both. One that gets no
// answer leaves nothing behind.
func TestTwinsInWork(t *testing.T) {
	gates, entered := make(chan *Verdict), make(chan bool, 10)
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseReply: func(r *Request) *Verdict {
		if err := r.Detach(); err != nil {
			t.Error(err)
		}
		entered <- true
		return <-gates
	}}}
	g := flagged(t, "bob Cleartext-Password := \"x\"\n\tTunnel-Password:1 = \"very secret\"\n", p)
	s, err := New(core(t, CoreOptions{Now: time.Now}), Options{Listeners: []Listener{listener("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	s.Swap(g)
	ended := make(chan error)
	go func() { ended <- s.Serve(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	n := &repeater{t: t, g: g, to: s.Addrs()[0]}
	secret := func(state string) []string {
		return []string{"Access-Accept", `Tunnel-Password:1 = "very secret"`, "Proxy-State = 0x" + state}
	}
	for _, c := range []struct {
		verdict       *Verdict
		first, second []string
	}{
		{&Verdict{Kind: Drop}, nil, nil},
		{nil, secret("01"), secret("02")},
	} {
		var first, second []string
		var both sync.WaitGroup
		both.Go(func() {
			first = n.ask(radius.CodeAccessRequest, time.Second, "User-Name = bob", "User-Password = x", "Proxy-State = 0x01")
		})
		<-entered
		both.Go(func() {
			second = n.ask(radius.CodeAccessRequest, time.Second, "User-Name = bob", "User-Password = x", "Proxy-State = 0x02")
		})
		s.twins.repeated(t)
		gates <- c.verdict
		both.Wait()
		if diff := cmp.Diff([][]string{c.first, c.second}, [][]string{first, second}); diff != "" {
			t.Error(diff)
		}
	}
	if len(entered) != 0 {
		t.Errorf("%d twins were worked on", len(entered))
	}
}

// repeated waits until a request in work was repeated.
func (t *twins) repeated(tb testing.TB) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		t.mu.Lock()
		for _, w := range t.known {
			if w.newest != nil {
				t.mu.Unlock()
				return
			}
		}
		t.mu.Unlock()
	}
	tb.Error("no request was repeated")
}

// TestTwinsOfReject: a reject on its delay is in work.
func TestTwinsOfReject(t *testing.T) {
	g := flagged(t, "bob Cleartext-Password := \"x\"\n", nil)
	g.Settings.RejectDelay = 200 * time.Millisecond
	to, _ := serve(t, g, core(t, CoreOptions{Now: time.Now}))
	n := &repeater{t: t, g: g, to: to}
	began := time.Now()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if got := n.ask(radius.CodeAccessRequest, patience, "User-Name = bob", "User-Password = y"); got == nil || got[0] != "Access-Reject" {
				t.Error(got)
			}
		})
	}
	both.Wait()
	if took := time.Since(began); took > 390*time.Millisecond {
		t.Errorf("%v: the twin had a delay of its own", took)
	}
}

// TestTwinsOfAccounting: one record, two answers.
func TestTwinsOfAccounting(t *testing.T) {
	g := flagged(t, "", nil)
	k := &keeper{}
	_, to := serve(t, g, core(t, CoreOptions{Now: time.Now, Recorder: k}))
	n := &repeater{t: t, g: g, to: to}
	for i := range 3 {
		got := n.ask(radius.CodeAccountingRequest, patience, "Acct-Status-Type = Start", "Acct-Session-Id = s1", fmt.Sprintf("Acct-Delay-Time = %d", i))
		if diff := cmp.Diff([]string{"Accounting-Response"}, got); diff != "" {
			t.Error(diff)
		}
	}
	if n := k.records.Load(); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

// A keeper is a Recorder that counts.
type keeper struct{ records atomic.Int32 }

func (k *keeper) Append(_ []byte, done func(error)) { k.records.Add(1); go done(nil) }
func (k *keeper) Healthy() bool                     { return true }

// TestTwinsAreBounded: a full memory forgets the answer that was given first, and never refuses a request.
func TestTwinsAreBounded(t *testing.T) {
	const bound, reply = 1 << 20, 4000
	ts := newTwins(bound)
	for i := range 3000 {
		w := &twin{print: fingerprint{uint64(i), 1}}
		ts.known[w.print] = w
		ts.answered(w, bytes.Repeat([]byte{1}, reply), monday)
		if ts.octets > bound || len(ts.known) > bound/reply {
			t.Fatalf("after %d answers: %d octets in %d twins", i, ts.octets, len(ts.known))
		}
	}
	if _, ok := ts.known[fingerprint{2999, 1}]; !ok {
		t.Error("the newest is forgotten")
	}
	w := &twin{print: fingerprint{5000, 1}}
	ts.known[w.print] = w
	ts.answered(w, []byte{1}, monday.Add(time.Hour))
	if len(ts.known) != 1 || ts.octets != twinRoom+1 {
		t.Errorf("%d twins are left after an hour", len(ts.known))
	}
}

// TestFingerprints: source, code and credential count even without a flag.
func TestFingerprints(t *testing.T) {
	g := load(t, "", nil)
	g.Dictionary.Attribute("User-Name").UserFlags |= 1 << 3
	ts := newTwins(0)
	seen := map[fingerprint]string{}
	for _, c := range []struct {
		name, source string
		code         radius.Code
		lines        []string
	}{
		{"base", "10.0.0.1", 1, []string{"User-Name = a"}},
		{"name", "10.0.0.1", 1, []string{"User-Name = b"}},
		{"source", "10.0.0.2", 1, []string{"User-Name = a"}},
		{"zone", "fe80::1%a", 1, []string{"User-Name = a"}},
		{"other zone", "fe80::1%b", 1, []string{"User-Name = a"}},
		{"code", "10.0.0.1", 4, []string{"User-Name = a"}},
		{"password", "10.0.0.1", 1, []string{"User-Name = a", "User-Password = x"}},
		{"chap", "10.0.0.1", 1, []string{"User-Name = a", "CHAP-Password = 0x010203"}},
		{"chap with challenge", "10.0.0.1", 1, []string{"User-Name = a", "CHAP-Password = 0x010203", "CHAP-Challenge = 0x01"}},
		{"other challenge", "10.0.0.1", 1, []string{"User-Name = a", "CHAP-Password = 0x010203", "CHAP-Challenge = 0x02"}},
		{"state", "10.0.0.1", 1, []string{"User-Name = a", "State = 0x01"}},
		{"eap", "10.0.0.1", 1, []string{"User-Name = a", "EAP-Message = 0x02010004"}},
		{"mschap", "10.0.0.1", 1, []string{"User-Name = a", "MS-CHAP-Response = 0x01"}},
	} {
		r := &Request{Generation: g}
		r.Source, r.Packet.Code = netip.AddrPortFrom(netip.MustParseAddr(c.source), 7), c.code
		l := attrs(t, g, c.lines...)
		p, ok := ts.print(r, &l, 3)
		if other, twice := seen[p]; !ok || twice {
			t.Errorf("%s: %v, as %s", c.name, ok, other)
		}
		seen[p] = c.name
		if _, ok := ts.print(r, &l, 4); ok {
			t.Errorf("%s is compared by a flag that nothing has", c.name)
		}
		r.Packet.Authenticator[0]++ // the challenge of CHAP without CHAP-Challenge (RFC 2865 s2.2)
		if again, _ := ts.print(r, &l, 3); (again != p) != (c.name == "chap") {
			t.Errorf("%s under another authenticator: %v", c.name, again == p)
		}
	}
}
