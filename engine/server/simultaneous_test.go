package server

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/acct"
	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"testing/fstest"
)

// A floor takes steps of a test: "in bob Attribute=value …" logs in, "start", "stop", "alive" and "on" are accounting,
// "wait 31s" moves the clock. What it gives for a login is accept, or reject and the reason.
type floor struct {
	t   *testing.T
	g   *Generation
	o   *Offline
	now time.Time
	out *Outcome
}

func newFloor(t *testing.T, g *Generation) *floor {
	s := &floor{t: t, g: g, now: monday}
	if g.Settings.Sessions == (SessionSettings{}) {
		g.Settings.Sessions.Grace = 30 * time.Second
	}
	s.o = NewOffline(func() time.Time { return s.now })
	return s
}

func (s *floor) step(text string) string {
	s.t.Helper()
	words := strings.Fields(text)
	q := Question{Code: radius.CodeAccountingRequest}
	pairs := []string{}
	status := map[string]string{"start": "Start", "stop": "Stop", "alive": "Interim-Update", "on": "Accounting-On"}[words[0]]
	switch words[0] {
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = s.now.Add(d)
		return ""
	case "in":
		q.Code = radius.CodeAccessRequest
		pairs = append(pairs, "User-Name = "+words[1], "User-Password = x")
	case "on":
		pairs = append(pairs, "Acct-Status-Type = "+status)
	default:
		pairs = append(pairs, "Acct-Status-Type = "+status, "User-Name = "+words[1])
	}
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		pairs = append(pairs, name+" = "+value)
	}
	q.Attributes = attrs(s.t, s.g, pairs...)
	s.out = ask(s.t, s.o, s.g, q)
	if words[0] == "in" {
		return strings.TrimSpace(s.out.Verdict + " " + s.out.Reason)
	}
	return ""
}

const (
	in    = "accept"
	twice = "reject multiple-login"
)

// TestSimultaneousUse: each step and, for logins, what comes of it.
func TestSimultaneousUse(t *testing.T) {
	const phone, laptop, roamed = "Calling-Station-Id=02-00-00-00-00-01", "Calling-Station-Id=02-00-00-00-00-02", "Calling-Station-Id=020000000001"
	type steps [][2]string
	for _, c := range []struct {
		name, order string
		set         SessionSettings
		steps       steps
	}{
		{"a session counts", "1", SessionSettings{}, steps{{"start bob Acct-Session-Id=a", ""}, {"in bob", twice}, {"in ann", in}, {"stop bob Acct-Session-Id=a", ""}, {"in bob", in}}},
		{"two at once", "1", SessionSettings{}, steps{{"in bob " + phone, in}, {"in bob " + laptop, twice}}},
		{"a place is free again in time", "1", SessionSettings{}, steps{{"in bob " + phone, in}, {"wait 29s", ""}, {"in bob " + laptop, twice}, {"wait 2s", ""}, {"in bob " + laptop, in}}},
		{"the Start confirms", "1", SessionSettings{}, steps{{"in bob " + phone, in}, {"start bob Acct-Session-Id=a " + phone, ""}, {"wait 1h", ""}, {"in bob " + laptop, twice}}},
		{"the same device", "1", SessionSettings{}, steps{{"start bob Acct-Session-Id=a NAS-Port=1 " + phone, ""}, {"in bob NAS-Port=7 " + roamed, in}, {"in bob " + laptop, twice}}},
		{"the same port", "1", SessionSettings{}, steps{{"start bob Acct-Session-Id=a NAS-Port=1", ""}, {"in bob NAS-Port=1", in}, {"in bob NAS-Port=2", twice}}},
		{"as GNU Radius counts", "1", SessionSettings{CountDevices: true}, steps{{"start bob Acct-Session-Id=a NAS-Port=1", ""}, {"in bob NAS-Port=1", twice}, {"stop bob Acct-Session-Id=a", ""}, {"in bob", in}, {"in bob", in}}},
		{"two places", "2", SessionSettings{}, steps{{"start bob Acct-Session-Id=a", ""}, {"in bob NAS-Port=5", in}, {"in bob NAS-Port=6", twice}}},
		{"a bundle counts once", "2", SessionSettings{}, steps{
			{"start bob Acct-Session-Id=a NAS-Port=1 Acct-Multi-Session-Id=m", ""}, {"start bob Acct-Session-Id=b NAS-Port=2 Acct-Multi-Session-Id=m", ""},
			{"in bob NAS-Port=3", in}}},
		{"a link of the bundle", "1", SessionSettings{}, steps{{"start bob Acct-Session-Id=a NAS-Port=1 Acct-Multi-Session-Id=m", ""}, {"in bob NAS-Port=2 Acct-Multi-Session-Id=m", in}}},
		{"multilink by address", "1", SessionSettings{}, steps{
			{"start bob Acct-Session-Id=a NAS-Port=1 Framed-IP-Address=10.1.1.1 Framed-Protocol=1", ""},
			{"in bob NAS-Port=2 Framed-IP-Address=10.1.1.1", in}, {"in bob NAS-Port=2 Framed-IP-Address=10.1.1.2", twice}}},
		{"multilink of SLIP", "1", SessionSettings{}, steps{{"start bob Acct-Session-Id=a Framed-IP-Address=10.1.1.1 Framed-Protocol=2", ""}, {"in bob Framed-IP-Address=10.1.1.1", in}}},
		{"no multilink", "1", SessionSettings{}, steps{{"start bob Acct-Session-Id=a Framed-IP-Address=10.1.1.1 Framed-Protocol=3", ""}, {"in bob Framed-IP-Address=10.1.1.1", twice}}},
		{"nobody", "0", SessionSettings{}, steps{{"in bob", twice}}},
		{"very many", "4294967295", SessionSettings{}, steps{{"start bob Acct-Session-Id=a", ""}, {"in bob", in}}},
		{"a reboot", "1", SessionSettings{}, steps{{"start bob Acct-Session-Id=a", ""}, {"wait 1m", ""}, {"on -", ""}, {"in bob", in}}},
		{"an interim begins a session", "1", SessionSettings{}, steps{{"alive bob Acct-Session-Id=a", ""}, {"in bob", twice}}},
		{"silence counts", "1", SessionSettings{}, steps{{"start bob Acct-Session-Id=a", ""}, {"wait 1m", ""}, {"alive bob Acct-Session-Id=a", ""}, {"wait 1h", ""}, {"in bob", twice}}},
		{"silence does not count", "1", SessionSettings{Grace: time.Minute, IgnoreDoubts: true}, steps{
			{"start bob Acct-Session-Id=a", ""}, {"wait 1m", ""}, {"alive bob Acct-Session-Id=a", ""}, {"in bob", twice}, {"wait 1h", ""}, {"in bob", in}}},
		{"no interims, no doubts", "1", SessionSettings{Grace: time.Minute, IgnoreDoubts: true}, steps{{"start bob Acct-Session-Id=a", ""}, {"wait 24h", ""}, {"in bob", twice}}},
		{"names of Latin-1", "1", SessionSettings{}, steps{{"start m\xfcller Acct-Session-Id=a", ""}, {"in m\xfcller", twice}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := load(t, "DEFAULT Auth-Type := Accept, Simultaneous-Use := "+c.order+"\n", nil)
			g.Settings.Sessions = c.set
			s := newFloor(t, g)
			for i, step := range c.steps {
				if got := s.step(step[0]); got != step[1] {
					t.Fatalf("step %d, %s: %q, want %q\n%s", i, step[0], got, step[1], s.out)
				}
			}
		})
	}
}

// TestLoginTexts: the text for a second login, and the one that tells the limit.
func TestLoginTexts(t *testing.T) {
	for order, want := range map[string]string{"0": "one", "1": "one", "2": "more than 2"} {
		g := load(t, "bob Auth-Type := Accept, Simultaneous-Use := "+order+"\n", nil)
		g.Settings.Texts.SecondLogin, g.Settings.Texts.MultipleLogin = textOf(t, g, "one"), textOf(t, g, "more than %R{Simultaneous-Use}")
		s := newFloor(t, g)
		s.step("start bob Acct-Session-Id=a")
		s.step("start bob Acct-Session-Id=b")
		if got := s.step("in bob"); got != twice || strings.Join(texts(&s.out.Reply), "") != fmt.Sprintf("Reply-Message = %q", want) {
			t.Errorf("limit %s: %s %q", order, got, texts(&s.out.Reply))
		}
	}
}

// TestLimitOfAHandler: who gives the order and who accepts makes no difference.
func TestLimitOfAHandler(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
		ref, _ := r.Generation.Dictionary.Resolve("Simultaneous-Use")
		r.Control.Set(ref, []byte{0, 0, 0, 1})
		return &Verdict{Kind: Accept}
	}}}
	s := newFloor(t, load(t, "", p))
	if got := s.step("in bob NAS-Port=1") + ", " + s.step("in bob NAS-Port=2"); got != in+", "+twice {
		t.Error(got)
	}
}

// TestPlacesAreGivenBack: what is refused after all books nothing.
func TestPlacesAreGivenBack(t *testing.T) {
	verdicts := []*Verdict{{Kind: Reject}, {Kind: Drop}, {Kind: Discard}, {Kind: Challenge, Next: "more"}, nil}
	n := 0
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseReply: func(*Request) *Verdict { n++; return verdicts[n-1] }}}
	s := newFloor(t, load(t, "DEFAULT Auth-Type := Accept, Simultaneous-Use := 1\n", p))
	for i := range verdicts {
		got := s.step(fmt.Sprintf("in bob NAS-Port=%d", i))
		if want := verdicts[i] == nil; (got == in) != want {
			t.Errorf("login %d: %s\n%s", i, got, s.out)
		}
	}
	n = len(verdicts) - 1
	if got := s.step("in bob NAS-Port=9"); got != twice {
		t.Errorf("the place of the last one: %s", got)
	}
	late := newFloor(t, load(t, "DEFAULT Auth-Type := Accept, Simultaneous-Use := 1, Login-Time := \"Tu\"\n", nil))
	late.step("in bob NAS-Port=1")
	if b := late.o.core.sessions.Claim(acct.Claim{User: "bob", Limit: 1, Now: monday}); !b.Granted {
		t.Error("a login outside its hours has booked a place")
	}
}

// TestGivenBackButNotOfBefore: a login of the same device that fails keeps the place of the one before.
func TestGivenBackButNotOfBefore(t *testing.T) {
	var v *Verdict
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseReply: func(*Request) *Verdict { return v }}}
	s := newFloor(t, load(t, "DEFAULT Auth-Type := Accept, Simultaneous-Use := 1\n", p))
	s.step("in bob NAS-Port=1")
	v = &Verdict{Kind: Reject}
	s.step("in bob NAS-Port=1")
	v = nil
	if got := s.step("in bob NAS-Port=2"); got != twice {
		t.Error(got)
	}
}

// TestDoubts: handlers decide about sessions in the way; dead ones are closed, and no more are asked than needed.
func TestDoubts(t *testing.T) {
	asked := ""
	alive := map[string]Alive{"a": AliveNo, "b": AliveYes, "c": AliveNo}
	p := &scripted{
		on:      map[Phase]func(*Request) *Verdict{PhaseSession: func(*Request) *Verdict { return nil }},
		session: func(_ *Request, s *acct.Session) Alive { asked += s.SessionID; return alive[s.SessionID] },
	}
	s := newFloor(t, load(t, "DEFAULT Auth-Type := Accept, Simultaneous-Use := 2\n", p))
	for _, id := range []string{"a", "b", "c", "d"} {
		s.step("start bob Acct-Session-Id=" + id)
		s.step("wait 1s")
	}
	if got := s.step("in bob NAS-Port=9"); got != twice || asked != "abcd" {
		t.Errorf("two of four are dead: %s, asked %s\n%s", got, asked, s.out)
	}
	var open []string
	for _, o := range s.o.core.sessions.Select(acct.Filter{}) {
		open = append(open, o.SessionID)
	}
	if strings.Join(open, "") != "db" {
		t.Errorf("open are %v", open)
	}
	asked, alive["b"] = "", AliveNo
	if got := s.step("in bob NAS-Port=9"); got != in || asked != "b" {
		t.Errorf("another dead one: %s, asked %s", got, asked)
	}
}

// TestLoginRace: of a hundred at once one gets in.
func TestLoginRace(t *testing.T) {
	g := load(t, "DEFAULT Auth-Type := Accept, Simultaneous-Use := 1\n", nil)
	g.Settings.Sessions.Grace = time.Minute
	store := acct.NewMemory(acct.Rules{})
	c := core(t, CoreOptions{Recorder: store, Sessions: store.Live()})
	var got [16]atomic.Int32
	var all sync.WaitGroup
	for i := range 100 {
		r := incoming(g, "auth")
		datagram := wire(t, g, homeSecret, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x", fmt.Sprintf("NAS-Port = %d", i))})
		all.Go(func() {
			if why := c.receive(r, datagram); why != 0 {
				t.Error(why)
			}
			c.process(r)
			got[r.Verdict].Add(1)
		})
	}
	all.Wait()
	if got[Accept].Load() != 1 || got[Reject].Load() != 99 {
		t.Errorf("%d accepts, %d rejects", got[Accept].Load(), got[Reject].Load())
	}
}

// TestRealmQuota: open sessions and places of a realm, of all that share DEFAULT together.
func TestRealmQuota(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(*Request) *Verdict { return &Verdict{Kind: Accept} }}}
	g := load(t, "", p)
	var errs raddb.List
	g.Realms = proxy.Load(raddb.OpenFS(fstest.MapFS{"realms": {Data: []byte("small LOCAL quota=2\nlarge LOCAL\nDEFAULT LOCAL quota=1\n")}}), "realms", proxy.Options{}, &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	const full = "reject realm-quota"
	s := newFloor(t, g)
	for i, step := range [][2]string{
		{"in a@small NAS-Port=1", in}, {"in b@small NAS-Port=2", in}, {"in c@small NAS-Port=3", full}, {"in a@small NAS-Port=1", in},
		{"start a@small Acct-Session-Id=1 NAS-Port=1", ""}, {"start b@small Acct-Session-Id=2 NAS-Port=2", ""}, {"wait 1h", ""},
		{"in c@small NAS-Port=3", full}, {"stop a@small Acct-Session-Id=1 NAS-Port=1", ""}, {"in c@small NAS-Port=3", in},
		{"in a@large NAS-Port=1", in}, {"in b@large NAS-Port=2", in},
		{"in e@one NAS-Port=11", in}, {"in f@two NAS-Port=12", full},
	} {
		if got := s.step(step[0]); got != step[1] {
			t.Fatalf("step %d, %s: %q, want %q\n%s", i, step[0], got, step[1], s.out)
		}
	}
}

// TestQuotaWaitsForTheTable: a Stop of another user of the realm that was answered frees its place, even if the table is
// late.
func TestQuotaWaitsForTheTable(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(*Request) *Verdict { return &Verdict{Kind: Accept} }}}
	g := load(t, "", p)
	var errs raddb.List
	g.Realms = proxy.Load(raddb.OpenFS(fstest.MapFS{"realms": {Data: []byte("small LOCAL quota=1\n")}}), "realms", proxy.Options{}, &errs)
	s := newFloor(t, g)
	s.step("start a@small Acct-Session-Id=a NAS-Port=1")
	core := s.o.core
	ready := make(chan struct{})
	core.settled = func() <-chan struct{} { return ready }
	unique := core.sessions.Select(acct.Filter{})[0].Unique()
	go func() {
		core.recorder.Append(acct.AppendClose(nil, s.now, unique, acct.CauseAdminReset), func(error) {})
		close(ready)
	}()
	if got := s.step("in b@small NAS-Port=2"); got != in {
		t.Errorf("%s\n%s", got, s.out)
	}
}

// TestClassComesBack: a login with a Class of ours belongs to the session that has it.
func TestClassComesBack(t *testing.T) {
	g := load(t, "DEFAULT Auth-Type := Accept, Simultaneous-Use := 1\n", nil)
	g.Settings.SealedClass = true
	s := newFloor(t, g)
	if got := s.step("in bob NAS-Port=1"); got != in {
		t.Fatal(got)
	}
	v, _ := s.out.Reply.First(g.Dictionary.Known.Class)
	class := fmt.Sprintf(" Class=0x%x", v)
	s.step("start bob Acct-Session-Id=a NAS-Port=1" + class)
	if got := s.step("in bob NAS-Port=2") + ", " + s.step("in bob NAS-Port=2"+class); got != twice+", "+in {
		t.Errorf("%s\n%s", got, s.out)
	}
}

// TestStateOfAnAccept: a NAS that sends back what came with its accept asks for the session that it has.
func TestStateOfAnAccept(t *testing.T) {
	again := &Verdict{Kind: Accept, Next: "again"}
	p := &scripted{
		on:      map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(*Request) *Verdict { return again }},
		answers: map[string]func(*Request) *Verdict{"again": func(*Request) *Verdict { return again }},
	}
	s := newFloor(t, load(t, "", p))
	limited := func(r *Request) *Verdict {
		ref, _ := r.Generation.Dictionary.Resolve("Simultaneous-Use")
		r.Control.Set(ref, []byte{0, 0, 0, 1})
		return nil
	}
	p.on[PhaseHints] = limited
	if got := s.step("in bob"); got != in {
		t.Fatal(got)
	}
	state := fmt.Sprintf(" State=0x%x", s.out.State)
	s.step("start bob Acct-Session-Id=a")
	s.step("wait 1h")
	if got := s.step("in bob") + ", " + s.step("in bob"+state) + ", " + s.step("in bob NAS-Port=3"); got != twice+", "+in+", "+twice {
		t.Errorf("%s\n%s", got, s.out)
	}
}

// TestWaitsForTheTable: a Stop that was answered frees its place for the next login, even if the table is late.
func TestWaitsForTheTable(t *testing.T) {
	g := load(t, "DEFAULT Auth-Type := Accept, Simultaneous-Use := 1\n", nil)
	s := newFloor(t, g)
	s.step("start bob Acct-Session-Id=a")
	core := s.o.core
	ready := make(chan struct{})
	core.settled = func() <-chan struct{} { return ready }
	core.stirred.note([]byte("bob"), s.now)
	unique := core.sessions.Select(acct.Filter{})[0].Unique()
	go func() {
		core.recorder.Append(acct.AppendClose(nil, s.now, unique, acct.CauseAdminReset), func(error) {})
		close(ready)
	}()
	if got := s.step("in bob NAS-Port=2"); got != in {
		t.Errorf("%s\n%s", got, s.out)
	}
}
