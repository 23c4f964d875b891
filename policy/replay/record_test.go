package replay_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/replay"
)

// TestNoSecrets: a record of everything that has secrets has none of them, in clear or in hexadecimal.
func TestNoSecrets(t *testing.T) {
	s := newSite(t, map[string]string{
		"raddb/users":       "$DIALECT freeradius\nbob Cleartext-Password := \"hello-bob\"\n  Tunnel-Password:1 = \"tunnel-secret\", Filter-Id = \"f\"\n",
		"raddb/config.toml": siteConfig,
		"scripts/leak.lua": `on("reply", {name = "leak"}, function(req)
  req.reply["Reply-Message"] = "you typed " .. (req.password or "")
  req.reply["Filter-Id"] = req.control["Cleartext-Password"]
end)
on("authorize", {name = "spell", when = {["User-Name"] = "spell"}}, function(req) return reject{reason = "not " .. req.password} end)`,
	})
	secrets := []string{"hello-bob", "typed-wrong", "tunnel-secret", "eap-payload", "class-secret", "a-secret-of-enough-octets"}
	s.ask("User-Name=bob", "User-Password=hello-bob", "Class=class-secret")
	s.ask("User-Name=bob", "User-Password=typed-wrong")
	s.ask("User-Name=bob", "CHAP-Password=hello-bob")
	s.ask("User-Name=spell", "User-Password=typed-wrong")
	s.ask("User-Name=bob", "User-Password=hello-bob", `Reply-Message="hello-bob is it"`)
	s.ask("User-Name=bob", "EAP-Message=0x02010010046561702d7061796c6f6164")
	text := s.text(testKey, true)
	if n := strings.Count(text, "\n"); n != 6 {
		t.Fatalf("%d lines:\n%s", n, text)
	}
	for _, secret := range secrets {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret)} {
			if strings.Contains(strings.ToLower(text), form) {
				t.Errorf("the record has %q:\n%s", form, text)
			}
		}
	}
	for _, want := range []string{`"User-Password ?"`, `"CHAP-Password ? 17"`, `"EAP-Message ? 16 0x0201001004"`, `not [secret]`, `"password":"right"`, `"password":"wrong"`, `"Filter-Id = (hidden)"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the record lacks %s:\n%s", want, text)
		}
	}
}

// TestRevealedSecrets: a secret that a script has revealed is blanked, also if the request has given its Lua state away
// since, to wait for a home server or a NAS.
func TestRevealedSecrets(t *testing.T) {
	files := map[string]string{
		"raddb/secrets/api": "revealed-4711\n",
		"raddb/realms":      "away 127.0.0.1:1999 secret=some-long-home-secret\n",
		"raddb/clients":     "127.0.0.1 a-secret-of-enough-octets here\n",
		"scripts/reveal.lua": `local key = secret("api")
on("route", {name = "route"}, function(req)
  req.reply["Filter-Id"] = "<" .. key:reveal() .. ">"
  if req.user == "far" then return proxy{realm = "away"} end
end)
on("coa", {name = "coa"}, function(req)
  req.reply["Reply-Message"] = key:reveal()
  return proxy{client = "here"}
end)`,
	}
	for name, do := range map[string]func(*site){
		"home": func(s *site) { s.ask("User-Name=far", "User-Password=hello-far") },
		"here": func(s *site) { s.ask("User-Name=bob", "User-Password=hello-bob") },
		"nas": func(s *site) {
			s.send(&server.Question{Code: radius.CodeCoARequest}, "User-Name=bob", "Filter-Id=x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, files)
			s.offline.Home = func(q *server.HomeQuestion) server.HomeAnswer {
				return server.HomeAnswer{Code: radius.CodeAccessAccept, Attributes: s.pairs("Reply-Message=by revealed-4711 it is")}
			}
			s.offline.NAS = func(*server.NASQuestion) server.NASAnswer {
				return server.NASAnswer{Code: radius.CodeCoAACK, Attributes: s.pairs("Reply-Message=by revealed-4711 it is")}
			}
			do(s)
			text := s.text(testKey, true)
			if strings.Contains(text, "revealed-4711") || !strings.Contains(text, "(hidden)") && !strings.Contains(text, `"Reply-Message ? 22"`) {
				t.Errorf("the record has it, or has nothing to hide:\n%s", text)
			}
		})
	}
}

// TestBrokenLines: each line that cannot be read is told with its number, and those around it count.
func TestBrokenLines(t *testing.T) {
	s := newSite(t, nil)
	s.ask("User-Name=bob", "User-Password=hello-bob")
	good := strings.TrimSuffix(s.text(nil, false), "\n")
	change := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	record := strings.Join([]string{
		good, "", "no JSON", change(`"v":1`, `"v":2`), change(`Access-Request`, `Access-Accept`), change(`127.0.0.1:0`, "nowhere"),
		change(`"verdict":"accept"`, `"verdict":""`), change(`User-Name = \"bob\"`, `User-Nam = \"bob\"`), strings.Repeat("x", 2<<20), good, good[:100],
	}, "\n")
	r := replayed(t, record, nil, nil)
	if r.Requests != 3 || r.Same != 2 || r.Incomparable != 1 || r.BrokenLines != 8 {
		t.Errorf("%s\n%s", written(r), strings.Join(r.Broken, "\n"))
	}
	for i, want := range []string{
		"record.json:2: no line of a record", "record.json:3: no line of a record", "record.json:4: the line has version 2, expected 1", "record.json:5: code: got \"Access-Accept\"",
		"record.json:6: source: ", "record.json:7: the line has no verdict", "record.json:9: the line has more than", "record.json:11: the line is cut off",
	} {
		if i >= len(r.Broken) || !strings.HasPrefix(r.Broken[i], want) {
			t.Errorf("got %q, want %q", r.Broken, want)
			break
		}
	}
	if !strings.Contains(r.Unknown[0].Cause, `unknown attribute "User-Nam"`) {
		t.Errorf("got %s", r.Unknown[0].Cause)
	}
}

// recorder makes one that writes to a file.
func recorder(t *testing.T, o replay.RecorderSettings) *replay.Recorder {
	t.Helper()
	r := replay.NewRecorder(traffic{}, slog.New(slog.DiscardHandler), nil)
	r.Configure(o)
	return r
}

// TestRotation: files are bounded in size and number, whole, and nobody else's to read.
func TestRotation(t *testing.T) {
	s := newSite(t, nil)
	s.ask("User-Name=bob", "User-Password=hello-bob")
	path := filepath.Join(t.TempDir(), "state", "record.json")
	r := recorder(t, replay.RecorderSettings{File: path, Size: 8 << 10, Keep: 2})
	for range 300 {
		r.Take(s.captured[0])
		for written, lost, _ := r.Counters(); written == 0 && lost == 0; written, lost, _ = r.Counters() {
			runtime.Gosched()
		}
	}
	r.Close()
	names, _ := filepath.Glob(path + "*")
	if len(names) != 3 {
		t.Errorf("files: %v", names)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() > 64<<10 {
			t.Errorf("%s: %v, %d octets", name, info.Mode(), info.Size())
		}
		text, _ := os.ReadFile(name)
		for line := range strings.Lines(string(text)) {
			if !json.Valid([]byte(line)) || !strings.HasSuffix(line, "\n") {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
}

// TestTakenAway: a file that was renamed is left alone, and a new one begins; a line that a crash has cut is ended.
func TestTakenAway(t *testing.T) {
	s := newSite(t, nil)
	s.ask("User-Name=bob", "User-Password=hello-bob")
	path := filepath.Join(t.TempDir(), "record.json")
	write(t, path, `{"v":1,"cut`)
	o := replay.RecorderSettings{File: path, Size: 1 << 20, Keep: 2}
	r := recorder(t, o)
	take := func(n uint64) {
		r.Take(s.captured[0])
		for written, _, failed := r.Counters(); written+failed < n; written, _, failed = r.Counters() {
			runtime.Gosched()
		}
	}
	take(1)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	take(2)
	r.Configure(replay.RecorderSettings{})
	r.Close()
	for name, lines := range map[string]int{path + ".away": 2, path: 1} {
		text, err := os.ReadFile(name)
		if err != nil || strings.Count(string(text), "\n") != lines {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// TestFullQueue: what has no room is counted, and nobody waits.
func TestFullQueue(t *testing.T) {
	s := newSite(t, nil)
	s.ask("User-Name=bob", "User-Password=hello-bob")
	r := recorder(t, replay.RecorderSettings{File: "/dev/full", Size: 1 << 20})
	began := time.Now()
	const n = 20_000
	for range n {
		r.Take(s.captured[0])
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%d requests took %v", n, took)
	}
	r.Close()
	if written, lost, failed := r.Counters(); written != 0 || lost+failed != n {
		t.Errorf("written %d, lost %d, failed %d", written, lost, failed)
	}
}

// TestSample: one of so many.
func TestSample(t *testing.T) {
	r := recorder(t, replay.RecorderSettings{File: filepath.Join(t.TempDir(), "r"), Size: 1 << 20, Sample: 10})
	defer r.Close()
	n := 0
	for range 1000 {
		if r.Wants(&server.Request{}) {
			n++
		}
	}
	if n != 100 {
		t.Errorf("%d of 1000", n)
	}
	r.Configure(replay.RecorderSettings{})
	if r.Wants(&server.Request{}) || r.File() != "" {
		t.Error("a recorder that is off wants requests")
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(`{"v":1,"time":"2026-01-05T09:00:01Z","client":"here","source":"127.0.0.1:0","listener":"auth","code":"Access-Request","signed":true,"password":"right","request":["User-Name = \"bob\"","User-Password ?","EAP-Message ? 9 0x0201"],"result":{"verdict":"accept","code":"Access-Accept","reply":["Session-Timeout = 600"]},"home":{"name":"x","code":2,"reply":["Class ? 3"]},"calls":[{"of":"http x","ask":"00","sealed":"AAAA"}]}` + "\n")
	f.Add(`{"v":1,"code":"Accounting-Request","source":"[::1]:1","result":{"verdict":"response"},"request":["Tunnel-Password:1 ? 5000","x ?"],"answers":"1","asks":"1"}`)
	f.Add("{\n\n")
	c := build(f, nil)
	d := replay.NewDecider(replay.Subject{Generation: c.Generation, Program: c.Program})
	f.Fuzz(func(t *testing.T, record string) {
		cases, errs := replay.Lines(record, testKey)
		if n := strings.Count(record, "\n"); len(cases) != len(errs) || len(cases) < n || len(cases) > n+1 {
			t.Fatalf("%d cases and %d errors of %d lines", len(cases), len(errs), n)
		}
		for i, c := range cases {
			if (c == nil) != (errs[i] != nil) {
				t.Fatalf("line %d: %v and %v", i+1, c, errs[i])
			}
			if c == nil {
				continue
			}
			if f := d.Decide(c); f.Defect() || (f.Kind == replay.Incomparable || f.Kind == replay.Changed) != (f.Cause != "") {
				t.Fatalf("%+v", f)
			}
		}
	})
}
