package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// limited gives a generation that throttles after three failures in 30 s.
func limited(t testing.TB, usersFile string, p *scripted) *Generation {
	g := load(t, usersFile, p)
	g.Settings.Throttle = Throttle{Failures: 3, StationFailures: 6, UserFailures: 5, Span: 30 * time.Second, UserDelay: 3 * time.Second}
	g.Settings.RejectDelay = time.Second
	return g
}

// A guesser logs in again and again, at a time of its own.
type guesser struct {
	t testing.TB
	c *Core
	g *Generation
	r *Request
	q Question

	at time.Time
}

func newGuesser(t testing.TB, g *Generation, lines ...string) *guesser {
	return &guesser{t: t, c: core(t, CoreOptions{}), g: g, r: new(Request), at: monday, q: Question{Attributes: attrs(t, g, lines...)}}
}

// as changes the attributes.
func (n *guesser) as(lines ...string) *guesser {
	n.q = Question{Attributes: attrs(n.t, n.g, lines...)}
	return n
}

// once gives verdict, reason and delay of one login.
func (n *guesser) once() string {
	n.t.Helper()
	ready(n.r, n.g, "auth")
	n.r.Arrival = n.at
	if why := n.c.receive(n.r, wire(n.t, n.g, homeSecret, n.q)); why != 0 {
		n.t.Fatal(why)
	}
	n.c.process(n.r)
	n.c.done(n.r)
	return strings.TrimSpace(fmt.Sprintf("%s %s", n.r.Verdict, n.r.Reason)) + " " + n.r.Delay.String()
}

func (n *guesser) want(want string) {
	n.t.Helper()
	if got := n.once(); got != want {
		n.t.Errorf("got %q, want %q", got, want)
	}
}

func (n *guesser) times(count int, want string) {
	n.t.Helper()
	for range count {
		n.want(want)
	}
}

const (
	wrongAnswer = "reject password 1s"
	throttled   = "reject throttled 1s"
	letIn       = "accept 0s"
)

func TestThrottle(t *testing.T) {
	g := limited(t, someUsers, nil)
	const bob, mac = "User-Name = bob", "Calling-Station-Id = 00-11-22-33-44-55"
	right, wrong := "User-Password = hello", "User-Password = nope"
	n := newGuesser(t, g, bob, wrong, mac)
	n.times(3, wrongAnswer)
	n.times(20, throttled)                              // what is not looked at does not count
	n.as(bob, right, mac).want(throttled)               // nor does it matter
	n.as("User-Name = BOB", wrong, mac).want(throttled) // one account to many
	n.as(bob, right, "Calling-Station-Id = other").want(letIn)
	n.as(bob, right).want(letIn)
	n.as("User-Name = pap", right, mac).want(letIn)

	n.at = n.at.Add(11 * time.Second) // one more look
	n.as(bob, wrong, mac).want(wrongAnswer)
	n.want(throttled)
	n.at = n.at.Add(10 * time.Second)
	n.as(bob, right, mac).want(letIn) // which clears the pair
	n.as(bob, wrong, mac).times(3, wrongAnswer)
	n.want(throttled)
}

// TestThrottleOfUser: a user who fails everywhere is not locked out, only slowed down.
func TestThrottleOfUser(t *testing.T) {
	g := limited(t, someUsers, nil)
	n := newGuesser(t, g)
	for i := range 4 {
		n.as("User-Name = bob", "User-Password = nope", fmt.Sprintf("Calling-Station-Id = %d", i)).want(wrongAnswer)
	}
	n.as("User-Name = bob", "User-Password = nope", "Calling-Station-Id = a").want("reject password 3s")
	n.as("User-Name = bob", "User-Password = nope", "Calling-Station-Id = b").want("reject password 3s")
	n.as("User-Name = bob", "User-Password = hello", "Calling-Station-Id = c").want(letIn)
	n.at = n.at.Add(time.Minute)
	n.as("User-Name = bob", "User-Password = nope", "Calling-Station-Id = d").want(wrongAnswer)
}

// TestThrottleOfStation: a station that tries many names is throttled; a source without stations, behind
// which are many people, is slowed down, and a proxy is not.
func TestThrottleOfStation(t *testing.T) {
	for _, c := range []struct {
		name, mac string
		proxy     bool
		want      string
	}{
		{"station", "Calling-Station-Id = 1", false, throttled},
		{"source", "NAS-Port-Id = x", false, "reject unknown-user 3s"},
		{"proxy", "NAS-Port-Id = x", true, "reject unknown-user 1s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := limited(t, someUsers, nil)
			home(g).Proxy = c.proxy
			n := newGuesser(t, g)
			for i := range 5 {
				n.as(fmt.Sprintf("User-Name = user%d", i), "User-Password = x", c.mac).want("reject unknown-user 1s")
			}
			n.as("User-Name = user6", "User-Password = x", c.mac).once()
			n.as("User-Name = user7", "User-Password = x", c.mac).want(c.want)
			if got := n.as("User-Name = bob", "User-Password = hello", c.mac).once(); (got == letIn) == (c.name == "station") {
				t.Errorf("another user: %s", got)
			}
		})
	}
}

func TestThrottleOff(t *testing.T) {
	for name, off := range map[string]func(*Generation){
		"client": func(g *Generation) { home(g).NoThrottle = true },
		"span":   func(g *Generation) { g.Settings.Throttle = Throttle{Failures: 1} },
		"limits": func(g *Generation) { g.Settings.Throttle = Throttle{Span: time.Hour} },
	} {
		t.Run(name, func(t *testing.T) {
			g := limited(t, someUsers, nil)
			off(g)
			newGuesser(t, g, "User-Name = bob", "User-Password = nope", "Calling-Station-Id = 1").times(30, wrongAnswer)
		})
	}
}

// TestThrottledReply: the reply to a throttled request is to the octet that to a wrong credential, whether the
// user exists and whatever the credential is.
func TestThrottledReply(t *testing.T) {
	for file, names := range map[string][]string{
		someUsers: {"bob", "nobody", "bare", "nt", "crypt", "none"},
		"$DIALECT gnu\nbob Password = \"hello\"\n\tReply-Message = \"text\"\n": {"bob", "nobody"},
	} {
		throttledReply(t, limited(t, file, nil), names)
	}
}

func throttledReply(t *testing.T, g *Generation, names []string) {
	g.Settings.Texts.Denied = textOf(t, g, "Access denied")
	ask := func(user, password string, chap bool) Question {
		q := Question{Attributes: attrs(t, g, "User-Name = "+user, "CHAP-Challenge = 0x00112233445566778899aabbccddeeff")}
		if chap {
			q.CHAP = password
		} else {
			q.Attributes = attrs(t, g, "User-Name = "+user, "User-Password = "+password)
		}
		return q
	}
	for _, user := range names {
		for _, chap := range []bool{false, true} {
			n := newGuesser(t, g)
			n.q = ask(user, "wrong", chap)
			n.once()
			before, identity := bytes.Clone(n.r.out), n.r.Packet.Authenticator
			n.once()
			n.once()
			n.q = ask(user, "hello", chap)
			if got := n.once(); !strings.HasPrefix(got, "reject throttled ") {
				t.Errorf("%s: %s", user, got)
			}
			n.r.Packet.Authenticator = identity // the Request Authenticators differ
			n.r.Session.SignReply(n.r.out, &identity)
			if diff := cmp.Diff(before, n.r.out); diff != "" {
				t.Errorf("%s: the replies differ (-wrong +throttled):\n%s", user, diff)
			}
		}
	}
}

// TestThrottledHash: a throttled request burns no costly hash, but its reject takes as long as if it had.
func TestThrottledHash(t *testing.T) {
	g := limited(t, "slow Crypt-Password := \""+costly+"\"\n", nil)
	n := newGuesser(t, g, "User-Name = slow", "User-Password = x", "Calling-Station-Id = 1")
	n.times(3, wrongAnswer)
	took := func() {
		n.c.throttle.hashes = pretence{}
		n.c.throttle.hashes.add(1070 * time.Millisecond)
	}
	took()
	n.want("reject throttled 1.07s")
	if n.r.way.slow {
		t.Error("a throttled request was detached for its hash")
	}
	n.as("User-Name = nobody", "User-Password = x", "Calling-Station-Id = 2").times(3, "reject unknown-user 1s")
	took()
	n.want("reject throttled 1.07s")
}

// TestThrottledMSCHAP: a response is the right one or not, and so it is throttled; its failure is as any other.
func TestThrottledMSCHAP(t *testing.T) {
	for _, version := range []int{1, 2} {
		g := limited(t, chapUsers, nil)
		n := newGuesser(t, g)
		n.q = Question{Attributes: msAttrs(t, g, version, "User", "wrong")}
		n.times(3, wrongAnswer)
		failure := len(n.r.out)
		n.q = Question{Attributes: msAttrs(t, g, version, "User", "clientPass")}
		n.want(throttled)
		if len(n.r.out) != failure {
			t.Errorf("MS-CHAP of version %d: a reply of %d octets, to a wrong response %d", version, len(n.r.out), failure)
		}
		n.at = n.at.Add(10 * time.Second)
		n.want(letIn)
	}
}

// TestThrottledForSomethingElse: what is refused without a look at the password takes no longer and has its own
// reason.
func TestThrottledForSomethingElse(t *testing.T) {
	g := limited(t, "slow Auth-Type := CHAP, Crypt-Password := \""+costly+"\"\n", nil)
	n := newGuesser(t, g)
	n.q = Question{CHAP: "x", Attributes: attrs(t, g, "User-Name = slow")}
	n.times(3, wrongAnswer)
	n.want(throttled)
	n.as("User-Name = slow", "User-Password = x").want("reject method 1s")
}

// TestThrottledHandlers: a handler that looks at credentials is not asked for throttled ones; its rejects
// count, and those of an answer to a challenge.
func TestThrottledHandlers(t *testing.T) {
	asked, refuse := 0, &Verdict{Kind: Reject, Reason: "wrong code"}
	verdict := refuse
	p := &scripted{authTypes: map[uint32]func(*Request) *Verdict{700: func(*Request) *Verdict { asked++; return verdict }}}
	g := limited(t, "otp Auth-Type := otp\n", p)
	n := newGuesser(t, g, "User-Name = otp", "User-Password = x")
	verdict = &Verdict{Kind: Reject, Failed: true} // its backend is down: nobody's fault
	n.times(5, "reject hook-failed 1s")
	verdict = refuse
	n.times(3, "reject wrong code 1s")
	n.times(3, throttled)
	if asked != 8 {
		t.Errorf("the handler was asked %d times, want 8", asked)
	}

	n = newGuesser(t, limited(t, someUsers, inPhase(PhaseAnswer, refuse)), "User-Name = bob", "User-Password = hello")
	state := func() []byte { n.once(); return bytes.Clone(n.r.way.sealed) }
	for range 3 {
		n.q.State = nil
		n.q.State = state()
		n.want("reject wrong code 1s")
	}
	n.g.Policy = nil
	n.q.State = nil
	n.want(throttled)
}

// TestThrottledCheckPassword: a script's own look at the password is the throttle's business too.
func TestThrottledCheckPassword(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
		stored, ok, err := r.ControlPassword()
		if !ok || err != nil {
			r.Control.Add(r.Generation.Dictionary.Known.CleartextPassword.AnyTag(), []byte("hello"))
			stored, _, _ = r.ControlPassword()
		}
		right, _, _ := r.CheckPassword(stored)
		if right {
			return &Verdict{Kind: Authenticated}
		}
		return &Verdict{Kind: Reject}
	}}}
	n := newGuesser(t, limited(t, "", p), "User-Name = bob", "User-Password = x")
	n.times(3, "reject hook 1s")
	n.as("User-Name = bob", "User-Password = hello").want(throttled)
	n.at = n.at.Add(10 * time.Second)
	n.want(letIn)
}

// TestThrottleForgets is the way out for an operator, and what status shows.
func TestThrottleForgets(t *testing.T) {
	g := limited(t, someUsers, nil)
	n := newGuesser(t, g, "User-Name = bob", "User-Password = nope", "Calling-Station-Id = 1")
	if got := n.c.Throttled(g.Settings.Throttle); got != (Throttled{}) {
		t.Errorf("before: %+v", got)
	}
	n.times(3, wrongAnswer)
	n.as("User-Name = pap", "User-Password = nope", "Calling-Station-Id = 1").times(3, wrongAnswer)
	if got := n.c.Throttled(g.Settings.Throttle); got != (Throttled{Pairs: 2, Stations: 1}) {
		t.Errorf("then: %+v", got)
	}
	n.c.ForgetFailures("test")
	if got := n.c.Throttled(g.Settings.Throttle); got != (Throttled{}) {
		t.Errorf("after: %+v", got)
	}
	n.as("User-Name = bob", "User-Password = hello", "Calling-Station-Id = 1").want(letIn)
}

// TestThrottleOverReload: what was counted stays, and new limits hold for it.
func TestThrottleOverReload(t *testing.T) {
	g := limited(t, someUsers, nil)
	n := newGuesser(t, g, "User-Name = bob", "User-Password = nope", "Calling-Station-Id = 1")
	n.times(3, wrongAnswer)
	n.g = limited(t, someUsers, nil)
	n.want(throttled)
	n.g.Settings.Throttle.Failures, n.g.Settings.Throttle.Span = 10, 10*time.Second
	n.want(wrongAnswer) // counted under a longer span: forgiven
}

// TestExplainIsNotThrottled: tests of a policy ask as often as they like.
func TestExplainIsNotThrottled(t *testing.T) {
	g := limited(t, someUsers, nil)
	o := offline()
	for range 10 {
		if out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")}); out.Reason != "password" {
			t.Fatal(out)
		}
	}
}

// TestThrottleAllocatesNothing: neither while nobody fails nor while others do.
func TestThrottleAllocatesNothing(t *testing.T) {
	g := limited(t, someUsers, nil)
	n := newGuesser(t, g, "User-Name = bob", "User-Password = nope", "Calling-Station-Id = 1")
	datagram := wire(t, g, homeSecret, Question{Attributes: attrs(t, g, "User-Name = pap", "User-Password = hello", "Calling-Station-Id = 2")})
	login := func() {
		ready(n.r, g, "auth")
		n.c.receive(n.r, datagram)
		n.c.process(n.r)
		n.c.done(n.r)
	}
	for _, failed := range []int{0, 2} {
		n.times(failed, wrongAnswer)
		if allocs := allocations(100, login); allocs != 0 || n.r.Verdict != Accept {
			t.Errorf("after %d failures of others: %v allocations, %v", failed, allocs, n.r.Verdict)
		}
	}
}

// BenchmarkThrottle is a good login while nobody has failed, and while others have.
func BenchmarkThrottle(b *testing.B) {
	for _, name := range []string{"off", "quiet", "others"} {
		b.Run(name, func(b *testing.B) {
			g := limited(b, someUsers, nil)
			if name == "off" {
				g.Settings.Throttle = Throttle{}
			}
			n := newGuesser(b, g, "User-Name = bob", "User-Password = nope", "Calling-Station-Id = 1")
			if name == "others" {
				n.once()
			}
			datagram := wire(b, g, homeSecret, Question{Attributes: attrs(b, g, "User-Name = pap", "User-Password = hello", "Calling-Station-Id = 2")})
			b.ReportAllocs()
			for b.Loop() {
				ready(n.r, g, "auth")
				n.c.receive(n.r, datagram)
				n.c.process(n.r)
				n.c.done(n.r)
			}
		})
	}
}
