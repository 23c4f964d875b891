package replay_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/auth"
	"perilune/engine/radius"
	"perilune/engine/server"
)

const askingScript = `local otp = http.open{base = "%s"}
on("authorize", {name = "ask"}, function(req)
  local r = otp:get("/%s/" .. req.user, {headers = {Password = req.password}})
  if r.body == "yes-from-backend" then return accept{} end
  return reject{reason = "otp"}
end)`

// TestBackends: what a backend has said is said again where it was recorded, without asking, and nowhere else.
func TestBackends(t *testing.T) {
	var asked atomic.Int32
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasSuffix(r.URL.Path, "bob") {
			fmt.Fprint(w, "yes-from-backend")
		} else {
			fmt.Fprint(w, "no-from-backend")
		}
	}))
	defer backend.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	script := func(path string) map[string]string {
		return map[string]string{"scripts/ask.lua": strings.Replace(fmt.Sprintf(askingScript, backend.URL, path), ", {headers = {Password = req.password}}", "", 1)}
	}
	s := newSite(t, script("check"))
	s.now = time.Now() // handlers that ask have their time by it
	first := s.ask("User-Name=bob", "User-Password=hello-bob")
	s.ask("User-Name=eve", "User-Password=hello-eve")
	if asked.Load() != 2 {
		t.Fatalf("the backend was asked %d times\n%v", asked.Load(), first)
	}
	record := s.text(testKey, true)
	for _, secret := range []string{"yes-from-backend", "no-from-backend", "/check/"} {
		if strings.Contains(record, secret) {
			t.Errorf("the record has %q:\n%s", secret, record)
		}
	}
	for name, same := range map[string]func() int{
		"record": func() int { return replayed(t, record, testKey, script("check")).Same },
		"live":   func() int { return s.shadowed(script("check")).Same },
	} {
		if n := same(); n != 2 {
			t.Errorf("%s: %d the same", name, n)
		}
	}
	for name, unknown := range map[string]func() string{
		"without the key": func() string { return written(replayed(t, record, nil, script("check"))) },
		"another call":    func() string { return written(replayed(t, record, testKey, script("other"))) },
		"live":            func() string { return written(s.shadowed(script("other"))) },
	} {
		text := unknown()
		if !strings.Contains(text, "2 not comparable: needs the answer of http "+backend.URL) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if asked.Load() != 2 {
		t.Errorf("a replay has asked the backend")
	}
}

// TestMSCHAP: the word of the record stands for a response, whose strings and keys are compared by their being there.
func TestMSCHAP(t *testing.T) {
	s := newSite(t, nil)
	stored, err := auth.Parse("clear", []byte("hello-bob"))
	if err != nil {
		t.Fatal(err)
	}
	nt, _ := stored.NTHash()
	challenge, peer := []byte("0123456789abcdef"), []byte("fedcba9876543210")
	response := auth.MSCHAPv2Response(7, challenge, peer, []byte("bob"), nt)
	out := s.ask("User-Name=bob", fmt.Sprintf("MS-CHAP-Challenge=0x%x", challenge), fmt.Sprintf("MS-CHAP2-Response=0x%x", response))
	if out.Answer != radius.CodeAccessAccept {
		t.Fatalf("%v", out)
	}
	response[40] ^= 1
	s.ask("User-Name=bob", fmt.Sprintf("MS-CHAP-Challenge=0x%x", challenge), fmt.Sprintf("MS-CHAP2-Response=0x%x", response))
	record := s.text(nil, false)
	if strings.Contains(record, fmt.Sprintf("%x", response[26:40])) {
		t.Errorf("the record has the response:\n%s", record)
	}
	if r := replayed(t, record, nil, nil); r.Same != 2 {
		t.Errorf("%s", written(r))
	}
}

// TestHomeServers: a home server's answer is given again where the candidate asks the same realm.
func TestHomeServers(t *testing.T) {
	files := map[string]string{"raddb/realms": "example.net 127.0.0.1:1999 secret=some-long-home-secret\n", "raddb/radius.conf": ""}
	s := newSite(t, files)
	s.offline.Home = func(q *server.HomeQuestion) server.HomeAnswer {
		a := server.HomeAnswer{Code: radius.CodeAccessAccept}
		p, err := s.c.Dictionary.ParsePair("Session-Timeout=77")
		if err != nil {
			t.Fatal(err)
		}
		a.Attributes.AddShared(p)
		return a
	}
	s.ask("User-Name=bob@example.net", "User-Password=hello-bob")
	record := s.text(nil, false)
	if !strings.Contains(record, `"home":{"name":"example.net"`) {
		t.Fatalf("%s", record)
	}
	if r := replayed(t, record, nil, files); r.Same != 1 {
		t.Errorf("%s", written(r))
	}
	r := replayed(t, record, nil, map[string]string{"raddb/realms": "DEFAULT 127.0.0.1:1999 secret=some-long-home-secret\n"})
	if r.Incomparable != 1 || !strings.Contains(r.Unknown[0].Cause, "needs the answer of the home servers of DEFAULT") {
		t.Errorf("%s", written(r))
	}
}
