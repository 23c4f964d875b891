package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// python starts a program of Debian's Python and gives the first line that it prints. It ends with the test.
func python(t *testing.T, args ...string) (first string) {
	t.Helper()
	cmd := exec.Command(foreignTool(t, "python3"), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return strings.TrimSpace(line)
}

// exampleTree is a tree with the files of an example, edited.
func exampleTree(t *testing.T, name string, edit func(file, text string) string) string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"raddb/*", "scripts/*"} {
		found, err := filepath.Glob(filepath.Join("../../examples", name, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, _ := filepath.Rel(filepath.Join("../../examples", name), path)
			files[file] = edit(file, string(text))
		}
	}
	return loopTree(t, files)
}

// TestOTPExample serves examples/otp-http before the service that comes with it.
func TestOTPExample(t *testing.T) {
	base := python(t, "../../examples/otp-http/service.py", "0")
	dir := exampleTree(t, "otp-http", func(file, text string) string {
		text = strings.Replace(text, "http://127.0.0.1:9080", base, 1)
		return strings.Replace(text, "../../../raddb/dictionary", "dictionary", 1)
	})
	s := serveOnLoopback(t, dir)
	for code, want := range map[string]string{"123456": "Access-Accept", "654321": "Access-Reject"} {
		_, text := s.command("send", "auth", "-server", s.addrs["auth"], "-secret", "testing123", "-answer", code, "User-Name=ann", "User-Password=hello")
		if !strings.Contains(text, "Access-Challenge") || !strings.Contains(text, want) {
			t.Errorf("%s: %s\n%s", code, text, s.log)
		}
	}
}

// A moody is an HTTP server that answers as it is told.
type moody struct {
	*httptest.Server
	mood  atomic.Value // a function
	asked atomic.Int64
}

func newMoody(t *testing.T) *moody {
	m := &moody{}
	m.is(fine)
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.asked.Add(1)
		m.mood.Load().(http.HandlerFunc)(w, r)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *moody) is(mood http.HandlerFunc) { m.mood.Store(mood) }

func fine(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.URL.Query().Get("user")) }

func unavailable(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
}

func silent(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func flood(w http.ResponseWriter, r *http.Request) {
	for {
		if _, err := w.Write(make([]byte, 8192)); err != nil {
			return
		}
	}
}

const moodyScript = `
local asked = metrics.counter("asked_total", "Requests that were asked for.")
local api = http.open("api")

on("authorize", {timeout = "400ms", when = {user = "tries"}}, function(req)
  asked:inc()
  local r, why = api:try_get("/hello", {query = {user = req.user}})
  if not r then
    return reject{message = why}
  end
  return accept{message = r.body}
end)

on("authorize", {timeout = "400ms", when = {user = "trusts"}}, function(req)
  return accept{message = api:get("/hello", {query = {user = req.user}}).body}
end)
`

// TestHTTPBackend: a server whose script asks another one, which does well, fails, is silent, floods, and is left alone
// by the breaker, over a reload, until it may try again.
func TestHTTPBackend(t *testing.T) {
	m := newMoody(t)
	dir := loopTree(t, map[string]string{
		"scripts/a.lua": moodyScript,
		"raddb/config.toml": strings.Replace(quietConfig, "[http]\nlisten = []", "[http]\nlisten = [\"127.0.0.1:0\"]", 1) +
			fmt.Sprintf("[backend.http.api]\nbase = %q\nbreaker-fails = 4\nbreaker-cooldown = \"3s\"\n", m.URL),
	})
	s := serveOnLoopback(t, dir)
	ask := func(user string) string {
		_, text := s.command("send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "-timeout", "700ms", "-tries", "1", "User-Name="+user, "User-Password=x")
		return text
	}
	expect := func(user, want string, calls int64) {
		t.Helper()
		before := m.asked.Load()
		if text := ask(user); !strings.Contains(text, want) || m.asked.Load()-before != calls {
			t.Errorf("%d calls, %s\nwant %q with %d", m.asked.Load()-before, text, want, calls)
		}
	}
	expect("tries", `Reply-Message = "hello tries"`, 1)
	m.is(unavailable)
	expect("tries", `Reply-Message = "status: 503"`, 1)
	expect("trusts", "no valid reply", 1)
	s.expectLog(t, "http: status: 503")
	m.is(fine)
	expect("trusts", `Reply-Message = "hello trusts"`, 1)
	m.is(silent)
	expect("trusts", "no valid reply", 1)
	s.expectLog(t, "http: timeout: no answer in the time that the handler has")
	m.is(flood)
	for range 3 {
		expect("tries", `Reply-Message = "refused: the answer is longer than 256KiB"`, 1)
	}
	expect("tries", `Reply-Message = "breaker: `, 0)
	writeFiles(t, dir, map[string]string{"scripts/a.lua": moodyScript + "-- changed"})
	s.must(t, exitOK, "reload", "-d", s.raddb())
	expect("tries", `Reply-Message = "breaker: `, 0)
	contains(t, s.get(t, "/metrics"), `perilune_backend_calls_total{kind="http",name="api",result="breaker"} 2`,
		`perilune_backend_calls_total{kind="http",name="api",result="ok"} 2`, `perilune_backend_breaker_open{kind="http",name="api"} 1`, "asked_total 7\n")
	if _, text := s.command("status", "-d", s.raddb()); !strings.Contains(text, "http api: calls: 2 breaker, 2 ok, 3 refused, 2 status, 1 timeout; left alone for a while, as it has failed too often\n") {
		t.Errorf("status:\n%s", text)
	}
	m.is(fine)
	for text := ""; !strings.Contains(text, "hello"); time.Sleep(100 * time.Millisecond) { // until the breaker lets one through
		if text = ask("tries"); !strings.Contains(text, "hello") && !strings.Contains(text, "breaker") {
			t.Fatal(text)
		}
	}
	m.Close()
	expect("tries", `connection refused"`, 0)
}
