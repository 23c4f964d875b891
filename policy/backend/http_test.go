package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/config"
	"perilune/policy/module"
)

// httpWorld runs scripts before one server, [backend.http.api], whose settings edit may change.
func httpWorld(t testing.TB, base string, edit func(*config.BackendHTTP)) *world {
	c := config.DefaultHTTP()
	c.Base = base
	if edit != nil {
		edit(&c)
	}
	return newWorld(t, Settings{Backend: config.Backend{HTTP: map[string]*config.BackendHTTP{"api": &c}}})
}

// serve gives the address of a server.
func serve(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// echo answers with the request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Method", r.Method)
	w.Header().Add("X-Twice", "a")
	w.Header().Add("X-Twice", "b")
	fmt.Fprintf(w, "%s %s|%s|%s|%s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get("X-Api-Key"), body)
}

// asking runs a handler that has the server as api, and gives what it wrote.
func (w *world) asking(body string) string {
	w.t.Helper()
	return w.run(`local api = http.open("api") handler(function() ` + body + ` end)`)
}

func TestHTTPRequests(t *testing.T) {
	w := httpWorld(t, serve(t, echo)+"/v1/", func(c *config.BackendHTTP) {
		c.Headers = []config.Secret{"X-Api-Key: k3y", "X-Other:1"}
	})
	for _, f := range []fact{
		{`local r = api:get("/a") out(r.status, r.body, r.headers["x-method"], r.headers["x-twice"])`, "200 GET /v1/a||k3y| GET a, b"},
		{`out(api:get("/a b/é%/&=+").body)`, "GET /v1/a%20b/%C3%A9%25/&=+||k3y|"},
		{`out(api:get("/", {query={a="1 2&", b={1, true}, c=bytes.u64("18446744073709551615")}}).body)`, "GET /v1/?a=1+2%26&b=1&b=true&c=18446744073709551615||k3y|"},
		{`out(api:post("/a").body)`, "POST /v1/a||k3y|"},
		{`out(api:post("/a", {json={user="é", list={1, 2}}}).body)`, `POST /v1/a|application/json|k3y|{"list":[1,2],"user":"é"}`},
		{`out(api:put("/a", {form={a="1 2", b={1, 2}}}).body)`, "PUT /v1/a|application/x-www-form-urlencoded|k3y|a=1+2&b=1&b=2"},
		{`out(api:post("/a", {body="text\0\255", headers={["content-type"]="application/x"}}).body)`, "POST /v1/a|application/x|k3y|text\x00\xff"},
		{`out(api:delete("/a", {headers={["X-Api-Key"]="other"}}).body)`, "DELETE /v1/a||other|"},
		{`out(api:delete("/a", {body="b"}).body)`, "DELETE /v1/a|text/plain; charset=utf-8|k3y|b"},
		{`local r = api:post("/a", {json="x"}) r.status = 1 out(r.status, r.nothing)`, "1 nil"},
		{`out(api:get("/a"):json())`, "nil json: invalid character 'G' looking for beginning of value (at octet 0)"},
		{`local r = api:get("/") r.body = '{"a":[1,null]}' local v = r:json() out(v.a[1], v.a[2])`, "1 null"},
	} {
		if d := cmp.Diff(f.want, w.asking(f.source)); d != "" {
			t.Errorf("%s (-want +got)\n%s", f.source, d)
		}
	}
}

func TestHTTPMisuse(t *testing.T) {
	w := httpWorld(t, serve(t, echo), nil)
	for call, want := range map[string]string{
		`api:get("a")`:                                       `client:get: path "a"; expected one that begins with /`,
		`api:get("/a?b")`:                                    `client:get: path "/a?b" holds ? or #; give what follows as query={…}`,
		`api:get("/a#b")`:                                    `client:get: path "/a#b" holds ? or #; give what follows as query={…}`,
		`api:get("/a/../b")`:                                 `client:get: path "/a/../b" leads upwards`,
		`api:get("/a\r\nX: y")`:                              `client:get: path holds control characters`,
		`api:get("/" .. ("a"):rep(9000))`:                    `client:get: a path of more than 8192 octets`,
		`api:get()`:                                          `argument 2 is nothing, expected string`,
		`api.get("/a")`:                                      `the value before the colon is string, expected client; write value:method()`,
		`api:get("/a", 1)`:                                   `argument 3 is number, expected table`,
		`api:get("/a", {body="x"})`:                          `client:get: body: get sends no body; use query={…}, or post`,
		`api:post("/a", {body="x", json={}})`:                `client:post: both body and json; expected one of json, form and body`,
		`api:post("/a", {body={}})`:                          `client:post: body: got a table, expected text; json=… sends a table`,
		`api:post("/a", {form="x"})`:                         `client:post: form: got "x", expected {name=value}`,
		`api:post("/a", {form={a={{}}}})`:                    `client:post: form: a is a table, expected text, a number or a boolean`,
		`api:post("/a", {json={f=print}})`:                   `client:post: json: found a function, expected plain data`,
		`api:post("/a", {json="\255"})`:                      `client:post: json: a string is not UTF-8; use bytes.base64 or bytes.hex`,
		`local t = {} t.t = t api:post("/a", {json=t})`:      `client:post: json: tables are nested more than 64 deep, or hold themselves`,
		`api:post("/a", {body=("x"):rep(1024*1024) .. "y"})`: `string of 1048577 octets; 1048576 are allowed`,
		`api:post("/a", {headers={["a b"]="x"}})`:            `client:post: headers: "a b" is no name of a header`,
		`api:post("/a", {headers={a="x\r\ny: z"}})`:          `client:post: headers: the value of a has characters that no header may have`,
		`api:post("/a", {headers={Host="x"}})`:               `client:post: headers: Host is written by the server alone`,
		`api:post("/a", {headers={["Content-Length"]=1}})`:   `client:post: headers: Content-Length is written by the server alone`,
		`api:post("/a", {headers={a=("x"):rep(20000)}})`:     `client:post: headers: more than 16384 octets`,
		`api:post("/a", {timeout=1})`:                        `client:post: no option "timeout"; expected query, headers, json, form, body`,
		`api:post("/a", {"x"})`:                              `client:post: the key 1 is no option`,
		`http.open("api")`:                                   `http.open: handles are opened while scripts load, not in a handler`,
		`local r = api:get("/") r.body = nil r:json()`:       `response:json: the body is gone`,
	} {
		if d := cmp.Diff("error: t.lua:1: "+want, w.asking(call)); d != "" {
			t.Errorf("%s (-want +got)\n%s", call, d)
		}
		if got := w.asking("out(pcall(function() " + strings.Replace(call, "api:", "api:try_", 1) + " end))"); !strings.HasPrefix(got, "false") {
			t.Errorf("%s with try_: %s", call, got)
		}
	}
}

func TestHTTPOpenMisuse(t *testing.T) {
	w := httpWorld(t, "http://127.0.0.1:1", nil)
	for open, want := range map[string]string{
		`http.open("apy")`:                                        `config.toml has no [backend.http.apy]; did you mean "api"?`,
		`http.open("")`:                                           `config.toml has no [backend.http.]`,
		`http.open{}`:                                             `base is missing; expected one like "https://otp.example.net/v1"`,
		`http.open{base="otp.example.net"}`:                       `base is no address of HTTP; expected one like "https://otp.example.net/v1"`,
		`http.open{base="ftp://x"}`:                               `base is no address of HTTP; expected one like "https://otp.example.net/v1"`,
		`http.open{base="https://"}`:                              `base is no address of HTTP; expected one like "https://otp.example.net/v1"`,
		`http.open{base="https://u:geheim@x"}`:                    `base holds a user; send it in headers or as bearer`,
		`http.open{base="https://x?a=b"}`:                         `base holds a query; give it to each request as query={…}`,
		`http.open{base=1}`:                                       `base: got 1, expected text`,
		`http.open{base="https://x", timeout=0}`:                  `timeout: got 0, expected a duration above zero, such as "800ms", "90s", "5m"`,
		`http.open{base="https://x", retry=6}`:                    `retry: got 6, expected a whole number from 0 to 5`,
		`http.open{base="https://x", retries=6}`:                  `no option "retries"; expected base, timeout, ca, cert, key, bearer, headers, retry, breaker`,
		`http.open{base="https://x", breaker=3}`:                  `breaker: got 3, expected {fails=5, cooldown="10s"}, or false`,
		`http.open{base="https://x", breaker={fail=3}}`:           `no option "fail"; expected fails, cooldown`,
		`http.open{base="https://x", breaker={3}}`:                `got the key 1, expected names`,
		`http.open{base="https://x", ca="/etc/ca"}`:               `ca: got "/etc/ca", expected the name of a file below the directory of config.toml`,
		`http.open{base="https://x", ca="../ca"}`:                 `ca: got "../ca", expected the name of a file below the directory of config.toml`,
		`http.open{base="https://x", ca="a/../../ca"}`:            `ca: got "a/../../ca", expected the name of a file below the directory of config.toml`,
		`http.open{base="https://x", ca="ca.pem"}`:                `ca: there are no files here`,
		`http.open{base="https://x", cert="c.pem"}`:               `cert and key belong together; expected both or none`,
		`http.open{base="http://x", ca="ca.pem"}`:                 `ca is set, but base begins with http://; expected https://`,
		`http.open{base="https://x", headers={["a b"]="geheim"}}`: `headers: "a b" is no name of a header`,
		`http.open{base="https://x", bearer=true}`:                `bearer: got true, expected text`,
		`http.open()`: `argument 1 is nothing, expected table`,
	} {
		want = "error: t.lua:1: " + strings.TrimPrefix("http.open: "+want, "http.open: argument 1")
		want = strings.Replace(want, "t.lua:1:  is", "t.lua:1: argument 1 is", 1)
		if d := cmp.Diff(want, w.run(open)); d != "" {
			t.Errorf("%s (-want +got)\n%s", open, d)
		}
	}
	if got := w.run(`local api = http.open("api") api:get("/")`); got != "error: t.lua:1: http: nothing waits while scripts load" {
		t.Errorf("while scripts load: %s", got)
	}
}

// hostile gives the address of a server that does to each connection what it likes.
func hostile(t testing.TB, do func(c net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		l.Close()
		cancel()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				stop := context.AfterFunc(ctx, func() { c.Close() })
				defer stop()
				do(c)
			})
		}
	})
	return "http://" + l.Addr().String()
}

// says answers each connection with a text after the head of a request, and closes it.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		c.Read(make([]byte, 4096))
		io.WriteString(c, text)
	}
}

// forever writes a text again and again.
func forever(head, text string, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		c.Read(make([]byte, 4096))
		_, err := io.WriteString(c, head)
		for err == nil {
			_, err = io.WriteString(c, text)
			time.Sleep(pause)
		}
	}
}

const okHead = "HTTP/1.1 200 OK\r\n"

// TestHTTPHostileServers: whatever a server does, it is a failure in time, told in a few words.
func TestHTTPHostileServers(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct{ base, want string }{
		"nobody listens":      {"http://" + closed.Addr().String(), "refused: dial tcp " + closed.Addr().String() + ": connect: connection refused"},
		"it is not TLS":       {"https://" + strings.TrimPrefix(serve(t, echo), "http://"), "refused: http: server gave HTTP response to HTTPS client"},
		"says nothing":        {hostile(t, func(c net.Conn) { io.Copy(io.Discard, c) }), "timeout: no answer in the time that the handler has"},
		"closes at once":      {hostile(t, func(c net.Conn) {}), "refused: "},
		"garbage":             {hostile(t, says("SSH-2.0-OpenSSH_9.2\r\n")), "refused: malformed HTTP"},
		"long garbage":        {hostile(t, says(strings.Repeat("x", 100_000))), `refused: `},
		"endless body":        {hostile(t, forever(okHead+"\r\n", strings.Repeat("x", 8192), 0)), "refused: the answer is longer than 256KiB"},
		"endless chunks":      {hostile(t, forever(okHead+"Transfer-Encoding: chunked\r\n\r\n", "2000\r\n"+strings.Repeat("x", 8192)+"\r\n", 0)), "refused: the answer is longer than 256KiB"},
		"long body, declared": {hostile(t, forever(okHead+"Content-Length: 99999999\r\n\r\n", strings.Repeat("x", 8192), 0)), "refused: the answer is longer than 256KiB"},
		"body comes slowly":   {hostile(t, forever(okHead+"\r\n", "x", time.Millisecond)), "timeout: no answer in the time that the handler has"},
		"headers come slowly": {hostile(t, forever(okHead, "A: b\r\n", time.Millisecond)), "timeout: no answer in the time that the handler has"},
		"endless headers":     {hostile(t, forever(okHead, "A: "+strings.Repeat("b", 8192)+"\r\n", 0)), "refused: server response headers exceeded 65536 bytes; aborted"},
		"endless 100":         {hostile(t, forever("", "HTTP/1.1 100 Continue\r\n\r\n", 0)), "refused: server response headers exceeded 65536 bytes; aborted"},
		"body is cut off":     {hostile(t, says(okHead+"Content-Length: 100\r\n\r\nshort")), "refused: unexpected EOF"},
		"two lengths":         {hostile(t, says(okHead+"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx")), "refused: "},
		"wrong chunks":        {hostile(t, says(okHead+"Transfer-Encoding: chunked\r\n\r\nzz\r\n")), "refused: invalid byte in chunk length"},
		"status of its own":   {hostile(t, says("HTTP/1.1 1000 x\r\n\r\n")), "refused: "},
		"redirects for ever":  {serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) }), "refused: more than 5 redirects"},
		"redirects to itself": {serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusTemporaryRedirect) }), "refused: more than 5 redirects"},
		"redirects elsewhere": {serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2:1/", http.StatusFound)
		}), "refused: it redirects to another server, which is not asked"},
		"redirects to a file": {serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}), "refused: it redirects to another server, which is not asked"},
		"status 500":          {serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }), "status: 500"},
		"status 503, endless": {hostile(t, forever("HTTP/1.1 503 No\r\n\r\n", "x", 0)), "status: 503"},
	} {
		t.Run(name, func(t *testing.T) {
			w := httpWorld(t, c.base, func(s *config.BackendHTTP) { s.Timeout = 300 * time.Millisecond })
			began := time.Now()
			got := w.asking(`out(api:try_get("/"))`)
			if !strings.HasPrefix(got, "nil "+c.want) || len(got) > 300 || time.Since(began) > 5*time.Second {
				t.Errorf("%s after %v, want %s", got, time.Since(began), c.want)
			}
			if got := w.asking(`api:get("/")`); !strings.HasPrefix(got, "error: t.lua:1: http: "+c.want) {
				t.Errorf("raised %s, want %s", got, c.want)
			}
		})
	}
}

// TestHTTPRedirects: get follows what stays at the server, with its headers; others get the answer itself.
func TestHTTPRedirects(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/end" {
			http.Redirect(w, r, "/end", http.StatusFound)
			return
		}
		fmt.Fprint(w, r.Method, " ", r.Header.Get("Authorization"), " ", r.Header.Get("X-Key"))
	})
	w := httpWorld(t, base, func(c *config.BackendHTTP) { c.Bearer, c.Headers = "t0ken", []config.Secret{"X-Key: k"} })
	if got := w.asking(`local r = api:get("/a") out(r.status, r.body) r = api:post("/a") out(r.status, r.headers.location)`); got != "200 GET Bearer t0ken k\n302 /end" {
		t.Error(got)
	}
}

// TestHTTPIgnoresProxies: what the environment says of proxies does not count.
func TestHTTPIgnoresProxies(t *testing.T) {
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy)
	}
	if got := httpWorld(t, serve(t, echo), nil).asking(`out(api:get("/").status)`); got != "200" {
		t.Error(got)
	}
}

// TestHTTPSecrets: secrets are sent, and no failure shows them.
func TestHTTPSecrets(t *testing.T) {
	var got atomic.Value
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(r.URL.RawQuery + " " + r.Header.Get("Authorization") + " " + r.Header.Get("X-Key") + " " + string(body))
		w.WriteHeader(500)
	})
	w := httpWorld(t, base, func(c *config.BackendHTTP) { c.Bearer, c.Retry = "geheim-1", 0 })
	var told []string
	w.env.Revealed = func(text string) { told = append(told, text) }
	w.secrets = map[string]string{"key": "geheim-2"}
	out := w.asking(`
  local o = {query={k=key}, headers={["X-Key"]=key}, json={a={key}}}
  out(api:try_put("/", o)) out(pcall(api.put, api, "/", o)) out(tostring(o.json.a[1]))`)
	if d := cmp.Diff("nil status: 500\nfalse t.lua:2: http: status: 500\n[secret]", strings.ReplaceAll(out, "t.lua:3", "t.lua:2")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got.Load() != `k=geheim-2 Bearer geheim-1 geheim-2 {"a":["geheim-2"]}` || len(told) == 0 {
		t.Errorf("the server got %q; told %q", got.Load(), told)
	}
	broken := httpWorld(t, "http://127.0.0.1:1", func(c *config.BackendHTTP) { c.Bearer = "geheim-1" })
	broken.secrets = w.secrets
	if out := broken.asking(`out(api:try_get("/", {query={k=key}})) api:get("/", {query={k=key}})`); strings.Contains(out, "geheim") {
		t.Error(out)
	}
}

// TestHTTPBreaker: after fails failures in a row nobody is asked until one call may try. All states and generations
// share it; busy and good answers do not count.
func TestHTTPBreaker(t *testing.T) {
	var asked atomic.Int64
	var bad atomic.Bool
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if bad.Load() {
			w.WriteHeader(502)
		}
	})
	w := httpWorld(t, base, func(c *config.BackendHTTP) { c.Fails, c.Cooldown = 3, time.Minute })
	ask := func(want string, calls int64) {
		t.Helper()
		before := asked.Load()
		if got := w.asking(`local r, why = api:try_get("/") out(why or r.status)`); !strings.HasPrefix(got, want) || asked.Load()-before != calls {
			t.Errorf("%s with %d calls, want %s with %d", got, asked.Load()-before, want, calls)
		}
	}
	ask("200", 1)
	bad.Store(true)
	ask("status: 502", 1)
	ask("status: 502", 1)
	bad.Store(false)
	ask("200", 1)
	bad.Store(true)
	for range 3 {
		ask("status: 502", 1)
	}
	ask("breaker: ", 0)
	next := w.pools.Lease(w.env.Backends.(*Lease).settings) // a reload
	if _, err := next.HTTP("api", nil); err != nil {
		t.Fatal(err)
	}
	w.env.Backends.(*Lease).Close()
	w.env.Backends = next
	t.Cleanup(next.Close)
	ask("breaker: ", 0)
	w.now = w.now.Add(time.Minute)
	ask("status: 502", 1) // the trial
	ask("breaker: ", 0)
	w.now = w.now.Add(time.Minute)
	bad.Store(false)
	ask("200", 1)
	bad.Store(true)
	ask("status: 502", 1)
	ask("status: 502", 1)
	c := w.pools.Calls()
	if len(c) != 1 || c[0].Kind != "http" || c[0].Name != "api" || !c[0].Breaker || c[0].Open {
		t.Errorf("%+v", c)
	}
	counted := map[string]uint64{}
	for _, r := range c[0].Results {
		counted[r.Name] = r.Count
	}
	if d := cmp.Diff(map[string]uint64{"ok": 3, "status": 8, "breaker": 3, "busy": 0, "timeout": 0, "refused": 0, "misuse": 0}, counted); d != "" {
		t.Errorf("counters (-want +got)\n%s", d)
	}
}

// TestHTTPRetry: what may be sent twice is, as often as set and while time is left.
func TestHTTPRetry(t *testing.T) {
	var asked atomic.Int64
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%3 != 0 {
			w.WriteHeader(503)
		}
	})
	w := httpWorld(t, base, func(c *config.BackendHTTP) { c.Retry, c.Fails = 2, 0 })
	for _, c := range []struct {
		call, want string
		calls      int64
	}{{"get", "200", 3}, {"put", "200", 3}, {"delete", "200", 3}, {"post", "status: 503", 1}} {
		asked.Store(0)
		if got := w.asking(`local r, why = api:try_` + c.call + `("/") out(why or r.status)`); got != c.want || asked.Load() != c.calls {
			t.Errorf("%s: %s after %d calls", c.call, got, asked.Load())
		}
	}
	h, err := w.env.Backends.HTTP("api", nil)
	if err != nil {
		t.Fatal(err)
	}
	asked.Store(0)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond) // less than the first pause
	defer cancel()
	if _, err := h.Do(ctx, &module.HTTPRequest{Method: "GET", Path: "/"}); err == nil || asked.Load() > 1 {
		t.Errorf("%v after %d calls", err, asked.Load())
	}
}

// TestHTTPEndsWithItsContext: a call is over when the handler's time is, wherever it waits, and its server is not
// blamed for what it had no time for.
func TestHTTPEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	w := httpWorld(t, base, func(c *config.BackendHTTP) { c.Connections, c.Waiting, c.Fails, c.Timeout = 2, 3, 1, time.Minute })
	h, err := w.env.Backends.HTTP("api", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 5)
	for range 5 { // two at work, three that wait
		go func() {
			_, err := h.Do(ctx, &module.HTTPRequest{Method: "GET", Path: "/"})
			ended <- err
		}()
	}
	g := h.(*httpPool).gate
	for g.waiting.Load() < 3 || len(g.turns) < 2 {
		time.Sleep(time.Millisecond)
	}
	if _, err := h.Do(ctx, &module.HTTPRequest{Method: "GET", Path: "/"}); module.AsFailure(err).Kind != "busy" {
		t.Errorf("the sixth: %v", err)
	}
	began := time.Now()
	cancel()
	for range 5 {
		if err := <-ended; !errors.Is(err, context.Canceled) || module.AsFailure(err).Kind != "timeout" {
			t.Errorf("%v", err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("after %v", took)
	}
	close(release)
	if r, err := h.Do(context.Background(), &module.HTTPRequest{Method: "GET", Path: "/"}); err != nil || r.Status != 200 {
		t.Errorf("afterwards: %v, %v", r, err)
	}
}

// TestHTTPConnections: no more requests are out at once than allowed.
func TestHTTPConnections(t *testing.T) {
	var now, most atomic.Int64
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(time.Millisecond)
	})
	w := httpWorld(t, base, func(c *config.BackendHTTP) { c.Connections = 4 })
	h, err := w.env.Backends.HTTP("api", nil)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := h.Do(context.Background(), &module.HTTPRequest{Method: "GET", Path: "/"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() > 4 {
		t.Errorf("%d at once", most.Load())
	}
}
