package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"perilune/engine/server"
)

// feed sends a request again and again until stop is called.
func (s *loopServer) feed(args ...string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	args = append([]string{"send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret}, args...)
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
				s.command(args...)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// TestTraceCommand: what fits is shown, a vendor's snippet once, secrets never; what is beyond the rate is told.
func TestTraceCommand(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": "$DIALECT freeradius\nann Cleartext-Password := \"sesame\"\n"}))
	defer s.feed("User-Name=ann", "User-Password=sesame", "Attr-26.64999.3=0x48656c6c6f", "Calling-Station-Id=00-11-22-aa-bb-cc")()
	for _, c := range []struct {
		args  string
		shown int
		want  []string
	}{
		{"-count 3 -rate 1000", 3, []string{"users:2 ann: matched", `vendor{name="Vendor-64999", id=64999}`}},
		{"-user A* -count 1", 1, []string{"Access-Accept"}},
		{"-user 0011.22aa.bbcc -verdict accept -count 1", 1, nil},
		{"-attr Calling-Station-Id=00:11:22:* -for 300ms", 0, nil},
		{"-client nob* -for 300ms", 0, nil},
		{"-client LOOP -count 1", 1, nil},
		{"-attr attr-26.64999.3 -count 1", 1, nil},
		{"-attr Attr-31=00-11-* -verdict acc* -count 1", 1, nil},
		{"-rate 1 -count 3", 3, []string{" not shown"}}, // the first two may stand on both sides of a second
		{"-sample 3 -rate 1000 -count 2", 2, nil},
	} {
		code, out := s.command(append([]string{"trace", "-d", s.raddb()}, strings.Fields(c.args)...)...)
		if code != exitOK || strings.Count(out, "Access-Request user=ann") != c.shown || strings.Contains(out, "sesame") {
			t.Errorf("%s: exit code %d\n%s", c.args, code, out)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", c.args, want, out)
			}
		}
		if n := strings.Count(out, "vendor{"); n > 1 {
			t.Errorf("%s: the snippet is shown %d times", c.args, n)
		}
	}
	_, out := s.command("trace", "-d", s.raddb(), "-json", "-count", "2")
	for _, line := range bytes.Split(bytes.TrimSpace([]byte(out)), []byte("\n")) {
		var traced server.Traced
		if err := json.Unmarshal(line, &traced); err != nil || strings.Contains(out, "sesame") {
			t.Errorf("%v: %s", err, line)
		}
	}
	for _, args := range []string{"-sample 0", "-rate 0", "-rate 1001", "-count -1", "-for -1s", "x", "-user"} {
		if code, out := s.command(append([]string{"trace", "-d", s.raddb()}, strings.Fields(args)...)...); code != exitUsage {
			t.Errorf("%s: exit code %d\n%s", args, code, out)
		}
	}
}

// TestTraceRefusesWhatNeverFits: a word that is misspelt is told, and nobody waits for nothing.
func TestTraceRefusesWhatNeverFits(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, nil))
	for args, want := range map[string]string{
		"-attr NAS-Prot=1":            `-attr: unknown attribute "NAS-Prot"; did you mean "NAS-Port"?`,
		"-verdict rejct":              `-verdict: no verdict is "rejct"; did you mean "reject"?`,
		"-client lop":                 `-client: no client is named "lop"; did you mean "loop"?`,
		"-client 127.0.0.1":           `-client: no client is named "127.0.0.1"; expected a name of the clients file, or a pattern such as "nas*"`,
		"-verdict ok -attr User-Name": `-verdict: no verdict is "ok"`,
	} {
		code, out := s.command(append([]string{"trace", "-d", s.raddb(), "-for", "5s"}, strings.Fields(args)...)...)
		if code != exitFailed || !strings.Contains(out, want) {
			t.Errorf("%s: exit code %d\n%s", args, code, out)
		}
	}
}

// TestTraceFilterIsChecked: what comes over the socket is judged again.
func TestTraceFilterIsChecked(t *testing.T) {
	for params, want := range map[[2]string]string{
		{"sample", "x"}: "sample", {"rate", "-1"}: "rate", {"rate", "5"}: "<nil>", {"rate", "99999"}: "<nil>",
	} {
		f, err := traceFilter(map[string]string{params[0]: params[1]})
		if !strings.Contains(fmt.Sprint(err), want) || err == nil && (f.PerSecond < 1 || f.PerSecond > maxTraceRate) {
			t.Errorf("%v: %+v, %v", params, f, err)
		}
	}
}
