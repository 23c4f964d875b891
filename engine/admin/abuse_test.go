package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// echo gives back the parameters.
var echo = Route{"echo", Read, func(c *Call) (any, error) { return c.Params, nil }}

// raw sends octets to the socket and gives the status line and the body of the answer.
func raw(t *testing.T, path, request string) (status, body string) {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(c, request) // the answer may come before all is read
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "closed", ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return strconv.Itoa(resp.StatusCode), strings.TrimSpace(string(text))
}

func post(verb, body string) string {
	return fmt.Sprintf("POST /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", verb, len(body), body)
}

// TestBadCommands: what is no command gets an answer that says so, and the socket goes on serving.
func TestBadCommands(t *testing.T) {
	path := listen(t, echo)
	for _, c := range []struct{ name, request, status, body string }{
		{"good", post("echo", `{"a":"b"}`), "200", `{"a":"b"}`},
		{"no parameters", post("echo", `{}`), "200", `{}`},
		{"no JSON", post("echo", `a=b`), "400", "the command is not JSON: invalid character 'a' looking for beginning of value"},
		{"nothing", post("echo", ``), "400", "the command is not JSON: EOF"},
		{"half", post("echo", `{"a":`), "400", "the command is not JSON: unexpected EOF"},
		{"no text", post("echo", `{"a":1}`), "400", "the command is not JSON: json: cannot unmarshal number into Go value of type string"},
		{"a list", post("echo", `["a"]`), "400", "the command is not JSON: json: cannot unmarshal array into Go value of type map[string]string"},
		{"too much", post("echo", `{"a":"`+strings.Repeat("x", 2<<20)+`"}`), "400", "the command is not JSON: http: request body too large"},
		{"unknown verb", post("ecko", `{}`), "404", "404 page not found"},
		{"wrong method", "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405", "Method Not Allowed"},
		{"large header", "POST /echo HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n{}", "431", "431 Request Header Fields Too Large"},
		{"no HTTP", "reload\r\n\r\n", "400", "400 Bad Request"},
		{"dots", post("../echo", `{}`), "307", ""},
	} {
		status, body := raw(t, path, c.request)
		if d := cmp.Diff(c.status+" "+c.body, status+" "+body); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, d)
		}
	}
	var got map[string]string
	if err := Dial(path).Do(t.Context(), "echo", map[string]string{"still": "here"}, &got); err != nil || got["still"] != "here" {
		t.Errorf("after all that: %v, %v", got, err)
	}
}

// TestRefusals: text for the operator of what a server refuses, and of what is no server of ours.
func TestRefusals(t *testing.T) {
	path := listen(t, echo)
	var refused *RefusedError
	if err := Dial(path).Do(t.Context(), "nonsense", nil, nil); !errors.As(err, &refused) || refused.Error() != "404 page not found" {
		t.Errorf("an unknown verb: %v", err)
	}
	other := filepath.Join(t.TempDir(), "other.sock")
	l, err := net.Listen("unix", other)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	if err := Dial(other).Do(t.Context(), "status", nil, nil); err == nil || errors.As(err, &refused) {
		t.Errorf("a socket that closes: %v", err)
	}
	gone := filepath.Join(t.TempDir(), "gone.sock")
	stale, err := net.Listen("unix", gone)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	stale.Close()
	want := fmt.Sprintf("no server answers at %s; is it running, with this state directory?", gone)
	if err := Dial(gone).Do(t.Context(), "status", nil, nil); err == nil || err.Error() != want {
		t.Errorf("a stale socket: %v", err)
	}
}

// TestRoles: who may change is asked for each command, and whoever is refused is told and logged.
func TestRoles(t *testing.T) {
	var log bytes.Buffer
	ran := 0
	s := &Socket{log: slog.New(slog.NewTextHandler(&log, nil)), changers: []int{0, 500}}
	h := s.mux([]Route{
		{"reload", Change, func(*Call) (any, error) { ran++; return "done", nil }},
		{"status", Read, func(c *Call) (any, error) { return c.Peer.UID, nil }},
	})
	for _, c := range []struct {
		verb string
		peer any
		code int
		body string
	}{
		{"reload", Peer{UID: 0}, 200, `"done"`},
		{"reload", Peer{UID: 500, PID: 9}, 200, `"done"`},
		{"reload", Peer{UID: 501, PID: 7}, 403, "user 501 may not reload this server; name the user in [admin] operators"},
		{"status", Peer{UID: 501}, 200, "501"},
		{"status", nil, 403, "user 0 may not status this server; name the user in [admin] operators"},
		{"reload", nil, 403, "user 0 may not reload this server; name the user in [admin] operators"},
	} {
		req := httptest.NewRequest(http.MethodPost, "/"+c.verb, strings.NewReader("{}"))
		req = req.WithContext(context.WithValue(req.Context(), peerKey{}, c.peer))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if got := fmt.Sprint(rec.Code, " ", strings.TrimSpace(rec.Body.String())); got != fmt.Sprint(c.code, " ", c.body) {
			t.Errorf("%s by %v: %s", c.verb, c.peer, got)
		}
	}
	if ran != 2 {
		t.Errorf("reloaded %d times, want 2", ran)
	}
	for _, line := range []string{`msg="admin command" verb=reload uid=500 pid=9`, `msg="admin command refused" verb=reload uid=501 pid=7`} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %s:\n%s", line, log.String())
		}
	}
}

// TestCloseDuringAStream: Close ends a call that streams, at both ends, and the socket is gone.
func TestCloseDuringAStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	ended := make(chan error, 1)
	s, err := Listen(Options{Path: path, Log: quiet()}, []Route{{"trace", Read, func(c *Call) (any, error) {
		if err := c.Send("first"); err != nil {
			ended <- err
			return nil, err
		}
		<-c.Done()
		ended <- c.Err()
		return nil, c.Err()
	}}})
	if err != nil {
		t.Fatal(err)
	}
	first, answered := make(chan struct{}), make(chan error, 1)
	go func() {
		answered <- Dial(path).Stream(t.Context(), "trace", nil, func(json.RawMessage) error { close(first); return nil })
	}()
	<-first
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended by %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the client takes a stream that was cut off for one that ended")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestClientGoesAway: a call ends when its peer does, so that a trace does not run for nobody.
func TestClientGoesAway(t *testing.T) {
	ended := make(chan error, 1)
	path := listen(t, Route{"trace", Read, func(c *Call) (any, error) {
		c.Send(1)
		<-c.Done()
		ended <- c.Err()
		return nil, nil
	}})
	enough := errors.New("enough")
	if err := Dial(path).Stream(t.Context(), "trace", nil, func(json.RawMessage) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("Stream gave %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended by %v", err)
	}
}

// TestFailureInAStream: a stream whose call fails in its middle breaks off; what came before it was handed over.
func TestFailureInAStream(t *testing.T) {
	path := listen(t, Route{"trace", Read, func(c *Call) (any, error) {
		c.Send("one")
		c.Send("two")
		return nil, errors.New("the ring is gone")
	}})
	var got []string
	err := Dial(path).Stream(t.Context(), "trace", nil, func(v json.RawMessage) error { got = append(got, string(v)); return nil })
	if d := cmp.Diff([]string{`"one"`, `"two"`}, got); d != "" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
}

// TestGroupAndOperators: names are looked up when the socket is made, and a wrong one is an error that leaves no
// socket behind.
func TestGroupAndOperators(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		group     string
		operators []string
		want      string
	}{
		{"", []string{me.Username}, ""},
		{me.Gid, nil, ""},
		{"no-such-group-here", nil, "group: unknown group no-such-group-here"},
		{"", []string{me.Username, "no-such-user-here"}, "[admin] operators: user: unknown user no-such-user-here"},
	} {
		path := filepath.Join(t.TempDir(), "admin.sock")
		s, err := Listen(Options{Path: path, Group: c.group, Operators: c.operators, Log: quiet()}, nil)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			s.Close()
		}
		if got != c.want {
			t.Errorf("group %q, operators %q: %s, want %s", c.group, c.operators, got, c.want)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("group %q, operators %q: a socket is left", c.group, c.operators)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestSocketNeedsItsDirectory: the error names the place.
func TestSocketNeedsItsDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "admin.sock")
	if _, err := Listen(Options{Path: path, Log: quiet()}, nil); err == nil || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("got %v", err)
	}
}

// TestHealthAnswers: status and text of /live and /ready for each state of a server.
func TestHealthAnswers(t *testing.T) {
	no := errors.New("the loops do not turn")
	for _, c := range []struct {
		name                string
		live, ready         error
		degraded            string
		wantLive, wantReady string
	}{
		{"fine", nil, nil, "", "200 ok", "200 ok"},
		{"degraded", nil, nil, "started from the last good generation", "200 ok", "200 degraded: started from the last good generation"},
		{"not ready", nil, no, "", "200 ok", "503 the loops do not turn"},
		{"not ready and degraded", nil, no, "started from the last good generation", "200 ok", "503 the loops do not turn"},
		{"stuck", no, nil, "", "503 the loops do not turn", "200 ok"},
	} {
		h := Health{Live: func() error { return c.live }, Ready: func() error { return c.ready }, Degraded: func() string { return c.degraded }}
		s, addr, err := ListenHTTP("127.0.0.1:0", h, func(func(Sample)) {})
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		get := func(path string) string {
			resp, err := client.Get("http://" + addr.String() + path)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			return fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(string(text)))
		}
		if d := cmp.Diff([]string{c.wantLive, c.wantReady}, []string{get("/live"), get("/ready")}); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, d)
		}
		if got := get("/"); !strings.HasPrefix(got, "404") {
			t.Errorf("/ gives %s", got)
		}
		s.Close()
	}
	if _, _, err := ListenHTTP("127.0.0.1:-1", Health{}, nil); err == nil {
		t.Error("a wrong address is listened on")
	}
}
