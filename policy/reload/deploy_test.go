package reload

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
)

const otherUsers = "$DIALECT freeradius\nbob Cleartext-Password := \"x\"\n  Session-Timeout = 60\n"

// generation gives the number of the number of the generation in place.
func (s *site) generation() uint64 { return s.r.Status().Generation }

// TestConfirm: what is confirmed stays.
func TestConfirm(t *testing.T) {
	s := newSite(t, nil)
	s.start()
	if _, err := s.r.Confirm("me"); !errors.Is(err, ErrConfirmed) {
		t.Errorf("got %v", err)
	}
	s.write("raddb/users", otherUsers)
	report := s.r.Deploy(t.Context(), Deploy{Trigger: "test", Confirm: time.Hour})
	if !report.OK || report.Unconfirmed == nil || s.r.Status().Unconfirmed == nil || report.Unconfirmed.Back != report.From {
		t.Fatalf("%+v", report)
	}
	if err := s.r.Wipe(); err == nil {
		t.Error("what would come back may be wiped")
	}
	u, err := s.r.Confirm("me")
	if err != nil || u.Generation != report.To || s.r.Status().Unconfirmed != nil {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := os.Stat(s.path("state/unconfirmed.json")); err == nil {
		t.Error("the file is still there")
	}
}

// TestTakenBack: what nobody confirms is taken back, and stays away over restarts.
func TestTakenBack(t *testing.T) {
	s := newSite(t, nil)
	s.start()
	s.write("raddb/users", otherUsers)
	report := s.r.Deploy(t.Context(), Deploy{Trigger: "test", Confirm: 20 * time.Millisecond})
	if !report.OK {
		t.Fatalf("%+v", report)
	}
	for s.r.Status().TakenBack == 0 {
		time.Sleep(time.Millisecond)
	}
	status := s.r.Status()
	if status.Generation != report.To+1 || status.RolledBack != report.From || status.Unconfirmed != nil || status.Hash == report.Hash {
		t.Errorf("%+v", status)
	}
	for range 2 {
		s.r.Close()
		s.start()
		if got := s.r.Status(); got.Hash == report.Hash || got.RolledBack == 0 {
			t.Errorf("after a restart: %+v", got)
		}
	}
	if again := s.r.Reload("force", true); !again.OK || again.Hash != report.Hash {
		t.Errorf("%+v", again)
	}
	s.r.Close()
	s.start()
	if s.r.Status().Hash != report.Hash {
		t.Error("files that were loaded by command are not served after a restart")
	}
}

// TestRestartUnconfirmed: a server that ends before the confirmation starts with the generation before, but not if
// the files are others by then, or broken ones.
func TestRestartUnconfirmed(t *testing.T) {
	for name, users := range map[string]string{"the same files": otherUsers, "others": otherUsers + "eve Cleartext-Password := \"y\"\n", "broken ones": "bob Nonsense := 1\n"} {
		s := newSite(t, nil)
		s.start()
		first := s.r.Status().Hash
		s.write("raddb/users", otherUsers)
		second := s.r.Deploy(t.Context(), Deploy{Trigger: "test", Confirm: time.Hour}).Hash
		s.r.Close()
		s.write("raddb/users", users)
		s.start()
		hash := s.r.Status().Hash
		if back := hash == first; back != (name != "others") || hash == second {
			t.Errorf("%s: %.8s, first %.8s, unconfirmed %.8s", name, hash, first, second)
		}
		s.r.Close()
	}
}

// TestReloadMeanwhile: a further reload waits for the same confirmation; a rollback ends it.
func TestReloadMeanwhile(t *testing.T) {
	s := newSite(t, nil)
	s.start()
	s.write("raddb/users", otherUsers)
	first := s.r.Deploy(t.Context(), Deploy{Trigger: "test", Confirm: time.Hour})
	s.write("raddb/users", otherUsers+"eve Cleartext-Password := \"y\"\n")
	second := s.r.Reload("test", false)
	u := s.r.Status().Unconfirmed
	if u == nil || u.Generation != second.To || u.Back != first.From || !u.Until.Equal(first.Unconfirmed.Until) {
		t.Errorf("%+v", u)
	}
	if _, err := s.r.Rollback(first.From, "me"); err != nil || s.r.Status().Unconfirmed != nil {
		t.Errorf("%v, %+v", err, s.r.Status().Unconfirmed)
	}
}

// A shadowed site has requests that are decided by its first files.
type shadowed struct {
	*site
	before *Candidate
}

func newShadowed(t *testing.T) *shadowed {
	s := &shadowed{site: newSite(t, nil).start()}
	var errs raddb.List
	if s.before, errs = Build(s.options()); errs.Failed() {
		t.Fatal(errs)
	}
	t.Cleanup(s.before.Discard)
	return s
}

// shadow runs a Deploy while requests are decided.
func (s *shadowed) shadow(ctx context.Context, d Deploy, each func(n int)) Report {
	s.Helper()
	g := s.before
	o := server.NewOffline(nil)
	d.Trigger, d.Core = "test", o
	done := make(chan Report, 1)
	go func() { done <- s.r.Deploy(ctx, d) }()
	for n := 0; ; n++ {
		select {
		case r := <-done:
			return r
		case <-time.After(time.Millisecond):
		}
		q := &server.Question{Client: g.Clients.All()[0], Code: radius.CodeAccessRequest}
		for _, text := range []string{"User-Name=bob", "User-Password=x"} {
			p, err := g.Dictionary.ParsePair(text)
			s.must(err)
			q.Attributes.AddShared(p)
		}
		if each != nil {
			each(n)
			continue
		}
		_, err := o.Run(g.Generation, q)
		s.must(err)
	}
}

func TestShadow(t *testing.T) {
	s := newShadowed(t)
	const short = 300 * time.Millisecond
	s.append("raddb/users", "eve Cleartext-Password := \"y\"\n")
	r := s.shadow(t.Context(), Deploy{Shadow: short}, nil)
	if !r.OK || r.Shadow.Requests == 0 || r.Shadow.Changed != 0 || s.generation() != r.To {
		t.Errorf("nothing changes: %+v\n%+v", r, r.Shadow)
	}
	s.write("raddb/users", otherUsers)
	r = s.shadow(t.Context(), Deploy{Shadow: short}, nil)
	if r.OK || r.Shadow.Changed != r.Shadow.Requests || !strings.Contains(r.Errors[0], "would change; -yes") || !strings.Contains(s.r.Status().Degraded, "would change") {
		t.Errorf("a change: %+v", r)
	}
	r = s.shadow(t.Context(), Deploy{Shadow: short, Never: true}, nil)
	if r.OK || r.Shadow.Changed == 0 || !strings.Contains(r.Errors[0], "only a shadow") {
		t.Errorf("never: %+v", r)
	}
	r = s.shadow(t.Context(), Deploy{Shadow: short}, func(int) {})
	if r.OK || !strings.Contains(r.Errors[0], "no request came") {
		t.Errorf("no request: %+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r = s.shadow(ctx, Deploy{Shadow: time.Hour}, func(int) { cancel() })
	if r.OK || !strings.Contains(r.Errors[0], "broken off") {
		t.Errorf("broken off: %+v", r)
	}
	r = s.shadow(t.Context(), Deploy{Shadow: short, Yes: true}, nil)
	if !r.OK || r.Shadow.Changed == 0 || s.r.Status().Degraded != "" || s.generation() != r.To {
		t.Errorf("yes: %+v", r)
	}
	r = s.shadow(t.Context(), Deploy{Shadow: short, Never: true, Force: true}, nil)
	if r.OK || s.r.Status().Degraded != "" {
		t.Errorf("the same files: %+v, degraded: %q", r, s.r.Status().Degraded)
	}
}

// TestShadowOvertaken: another reload comes first, and what was tried is thrown away.
func TestShadowOvertaken(t *testing.T) {
	s := newShadowed(t)
	s.write("raddb/users", otherUsers)
	r := s.shadow(t.Context(), Deploy{Shadow: time.Hour}, func(n int) {
		if n == 0 {
			for !s.r.shadowing.Load() {
				time.Sleep(time.Millisecond)
			}
			if other := s.r.Deploy(t.Context(), Deploy{Shadow: time.Second, Force: true, Core: server.NewOffline(nil)}); other.OK || !strings.Contains(other.Errors[0], "another shadow") {
				t.Errorf("a second shadow: %+v", other)
			}
			s.write("raddb/users", otherUsers+"eve Cleartext-Password := \"y\"\n")
			if other := s.r.Reload("test", false); !other.OK {
				t.Errorf("%+v", other)
			}
		}
	})
	if r.OK || !strings.Contains(r.Errors[0], "was put in place meanwhile") {
		t.Errorf("%+v", r)
	}
}
