package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// codes is a policy that asks bob for the code 123456 after his name.
func codes() *scripted {
	return &scripted{
		on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
			if string(r.User()) == "bob" {
				return &Verdict{Kind: Challenge, Next: "code", State: []byte("from round one"), Timeout: time.Minute}
			}
			return nil
		}},
		answers: map[string]func(*Request) *Verdict{"code": func(r *Request) *Verdict {
			password, _ := r.Attributes.First(r.Generation.Dictionary.Known.UserPassword)
			switch string(password) {
			case "123456":
				return &Verdict{Kind: Accept}
			case "backend":
				return &Verdict{Kind: Drop}
			case "again":
				return &Verdict{Kind: Challenge, Next: "code", State: r.Round.Data}
			}
			return &Verdict{Kind: Reject, Reason: "code"}
		}},
	}
}

// rounds plays a conversation: each step answers the State of the first challenge, unless it says otherwise.
type rounds struct {
	t     *testing.T
	o     *Offline
	g     *Generation
	now   time.Time
	state []byte
}

func newRounds(t *testing.T) *rounds {
	r := &rounds{t: t, g: load(t, "", codes()), now: monday}
	r.o = NewOffline(func() time.Time { return r.now })
	out := r.ask("bob", "x", nil)
	if out.Kind != Challenge || out.Next != "code" {
		t.Fatalf("no challenge: %s", out)
	}
	r.state = out.State
	return r
}

func (r *rounds) ask(user, password string, state []byte) *Outcome {
	r.t.Helper()
	return ask(r.t, r.o, r.g, Question{State: state, Attributes: attrs(r.t, r.g, "User-Name = "+user, "User-Password = "+password)})
}

func (r *rounds) want(user, password string, state []byte, want string) *Outcome {
	r.t.Helper()
	out := r.ask(user, password, state)
	if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != want {
		r.t.Errorf("%s %s: got %q, want %q\n%s", user, password, got, want, out)
	}
	return out
}

// TestRounds: what each kind of answer to a challenge does to its State.
func TestRounds(t *testing.T) {
	t.Run("right", func(t *testing.T) {
		r := newRounds(t)
		if out := r.want("bob", "123456", r.state, "accept"); out.Method != "answer" {
			t.Errorf("method %q", out.Method)
		}
		r.want("bob", "123456", r.state, "reject state") // replayed
	})
	t.Run("three tries", func(t *testing.T) {
		r := newRounds(t)
		for range 3 {
			r.want("bob", "000000", r.state, "reject code")
		}
		r.want("bob", "123456", r.state, "reject state")
	})
	t.Run("one try", func(t *testing.T) {
		r := newRounds(t)
		r.g.Settings.ChallengeTries = 1
		r.want("bob", "000000", r.state, "reject code")
		r.want("bob", "123456", r.state, "reject state")
	})
	t.Run("a drop spends nothing", func(t *testing.T) {
		r := newRounds(t)
		for range 10 {
			r.want("bob", "backend", r.state, "drop backend")
		}
		r.want("bob", "123456", r.state, "accept")
	})
	t.Run("next challenge ends it", func(t *testing.T) {
		r := newRounds(t)
		out := r.want("bob", "again", r.state, "challenge")
		r.want("bob", "123456", r.state, "reject state")
		r.want("bob", "123456", out.State, "accept")
	})
	t.Run("too late", func(t *testing.T) {
		r := newRounds(t)
		r.now = r.now.Add(time.Minute + time.Second)
		r.want("bob", "123456", r.state, "reject state")
	})
	t.Run("another user", func(t *testing.T) {
		r := newRounds(t)
		r.want("eve", "123456", r.state, "reject state")
		r.want("bob", "123456", r.state, "accept")
	})
	t.Run("another client", func(t *testing.T) {
		r := newRounds(t)
		q := Question{Client: home(r.g), State: r.state, Attributes: attrs(t, r.g, "User-Name = bob", "User-Password = 123456")}
		if out := ask(t, r.o, r.g, q); out.Reason != "state" {
			t.Errorf("%s", out)
		}
	})
	t.Run("handler gone", func(t *testing.T) {
		r := newRounds(t)
		r.g.Policy.(*scripted).answers = nil
		r.want("bob", "123456", r.state, "reject challenge-gone")
	})
	t.Run("altered", func(t *testing.T) {
		r := newRounds(t)
		for i := range r.state {
			altered := bytes.Clone(r.state)
			altered[i] ^= 1
			r.want("bob", "123456", altered, "reject state")
		}
	})
	t.Run("not ours", func(t *testing.T) {
		r := newRounds(t)
		for _, state := range []string{"x", "MENU=main", strings.Repeat("s", 253)} {
			r.want("bob", "123456", []byte(state), "reject state")
		}
	})
}

// TestAcceptWithState is Termination-Action = RADIUS-Request: the next request needs no password.
func TestAcceptWithState(t *testing.T) {
	p := codes()
	p.on[PhaseAuthorize] = func(*Request) *Verdict {
		return &Verdict{Kind: Accept, Next: "again", State: []byte("n=1"), Timeout: time.Hour}
	}
	p.answers["again"] = func(r *Request) *Verdict {
		if string(r.Round.Data) != "n=1" || r.Round.Next != "again" {
			t.Errorf("round %+v", r.Round)
		}
		return &Verdict{Kind: Accept}
	}
	g, o := load(t, "", p), offline()
	out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")})
	if out.Kind != Accept || out.Next != "again" {
		t.Fatalf("%s", out)
	}
	if out = ask(t, o, g, Question{State: out.State, Attributes: attrs(t, g, "User-Name = bob")}); out.Kind != Accept {
		t.Errorf("%s", out)
	}
}

// TestStateTooLong: what does not fit is the handler's failure, and the message names the sizes.
func TestStateTooLong(t *testing.T) {
	log := &logged{}
	for size, want := range map[int]Kind{StateRoom - len("code"): Challenge, StateRoom - len("code") + 1: Reject} {
		p := inPhase(PhaseAuthorize, &Verdict{Kind: Challenge, Next: "code", State: make([]byte, size)})
		g, o := load(t, "", p), offline()
		o.core.log = newLog(log)
		out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")})
		if out.Kind != want || want == Challenge && len(out.State) != radius.MaxValueLen {
			t.Errorf("%d octets: %s, State of %d", size, out, len(out.State))
		}
	}
	if want := fmt.Sprintf("State holds %d octets", StateRoom); !strings.Contains(log.String(), want) {
		t.Errorf("log: %s", log)
	}
}

func TestStateKeys(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.key")
	r := &Request{Peer: Peer{Client: &nas.Client{Name: "c"}}, ReceivedUser: []byte("bob")}
	seal := func(s *sealer) []byte {
		state, err := s.append(nil, r, "n", nil, monday)
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	first, err := openSealer(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v", info.Mode(), err)
	}
	state := seal(first)
	again, err := openSealer(path)
	if err != nil {
		t.Fatal(err)
	}
	var round Round
	if _, err := again.open(r, state, monday, &round); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	old, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append([]byte(strings.Repeat("ab", 32)+"\n"), old...), 0o600); err != nil {
		t.Fatal(err)
	}
	changed, err := openSealer(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := changed.open(r, state, monday, &round); err != nil {
		t.Errorf("with the key as the second: %v", err)
	}
	if _, err := first.open(r, seal(changed), monday, &round); err != errForeign {
		t.Errorf("sealed with the new key: %v", err)
	}
	for text, want := range map[string]string{"": "0 keys", "xyz": "not 64 hex digits", "a b c": "3 keys"} {
		os.WriteFile(path, []byte(text), 0o600)
		if _, err := openSealer(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestSeal: what is sealed comes back as it was, for the same client and user until it expires.
func TestSeal(t *testing.T) {
	s, err := openSealer("")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := &Request{Peer: Peer{Client: &nas.Client{Name: rapid.String().Draw(t, "client")}}}
		r.ReceivedUser = rapid.SliceOf(rapid.Byte()).Draw(t, "user")
		next := rapid.StringN(0, 20, 60).Draw(t, "next")
		data := rapid.SliceOfN(rapid.Byte(), 0, StateRoom-60).Draw(t, "data")
		state, err := s.append(nil, r, next, data, monday)
		if err != nil || len(state) > radius.MaxValueLen {
			t.Fatal(len(state), err)
		}
		var round Round
		if _, err := s.open(r, state, monday, &round); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{next, string(data)}, []string{round.Next, string(round.Data)}); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if _, err := s.open(r, state, monday.Add(time.Second), &round); err != errOld {
			t.Fatal(err)
		}
		if _, err := s.open(r, state, monday.Add(10*time.Millisecond), &round); err != errOld {
			t.Fatal("a State lives longer than it should", err)
		}
		r.ReceivedUser = append(r.ReceivedUser, 'x')
		if _, err := s.open(r, state, monday, &round); err != errState {
			t.Fatal(err)
		}
	})
}

func TestTriesAreBounded(t *testing.T) {
	table := newTries()
	for i := range triesLimit + 100 {
		var serial [nonceLen]byte
		copy(serial[:], fmt.Sprint(i))
		if !table.take(serial, 1) {
			t.Fatal(i)
		}
	}
	if len(table.used) != triesLimit || len(table.order) != triesLimit {
		t.Errorf("%d kept, %d in order", len(table.used), len(table.order))
	}
}

// TestNeverAnswered: a client that answers no challenge at all is spoken of once.
func TestNeverAnswered(t *testing.T) {
	const hint = "no challenge was ever answered"
	for _, answers := range []bool{false, true} {
		r, log := newRounds(t), &logged{}
		r.o.core.log = newLog(log)
		if answers {
			r.want("bob", "000000", r.state, "reject code")
		}
		for range 3 * silenceHint {
			r.want("bob", "x", nil, "challenge")
		}
		if got := strings.Count(log.String(), hint); got != map[bool]int{false: 1, true: 0}[answers] {
			t.Errorf("answers %v: %d hints", answers, got)
		}
	}
}

func TestKeyFileOpenToOthers(t *testing.T) {
	path, log := filepath.Join(t.TempDir(), "key"), &logged{}
	if err := os.WriteFile(path, []byte(strings.Repeat("ab", 32)), 0o644); err != nil {
		t.Fatal(err)
	}
	core(t, CoreOptions{KeyFile: path, Log: newLog(log)})
	if !strings.Contains(log.String(), "chmod 600") {
		t.Errorf("log: %s", log)
	}
}

// FuzzOpenState: whatever a NAS sends back, only what was sealed opens.
func FuzzOpenState(f *testing.F) {
	s, err := openSealer("")
	if err != nil {
		f.Fatal(err)
	}
	r := &Request{Peer: Peer{Client: &nas.Client{Name: "c"}}, ReceivedUser: []byte("bob")}
	sealed, err := s.append(nil, r, "next", []byte("data"), monday)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed[markLen:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, rest []byte) {
		var round Round
		state := append(append([]byte{}, sealed[:markLen]...), rest...)
		if _, err := s.open(r, state, monday, &round); err == nil && !bytes.Equal(state, sealed) {
			t.Fatalf("opened %x", state)
		}
	})
}
