package replay_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/replay"
)

// TestReport is the report of a small change of the users file, whole.
func TestReport(t *testing.T) {
	s := newSite(t, nil)
	s.ask("User-Name=bob", "User-Password=hello-bob", "NAS-Port=7")
	s.ask("User-Name=bob", "User-Password=wrong-one")
	s.ask("User-Name=bob", "CHAP-Password=hello-bob")
	s.ask("User-Name=eve", "User-Password=anything")
	s.send(&server.Question{Code: radius.CodeAccountingRequest}, "User-Name=bob", "Acct-Status-Type=Start", "Acct-Session-Id=1")
	got := written(replayed(t, s.text(nil, false), nil, map[string]string{
		"raddb/users": "$DIALECT freeradius\n\nbob Cleartext-Password := \"hello-bob\", Login-Time := \"Wk1000-1700\"\n  Session-Timeout = 600\n",
	}))
	const want = `5 requests: 3 the same, 2 changed, 1 of the same decided by another rule or for another reason

2 changed: accept → reject (rule users:2 → users:3; reason none → login-time)
  2026-01-05 09:00:01 record.json:1 Access-Request client=here password="right"
    User-Name = "bob", User-Password = (hidden), NAS-Port = 7
    accept rule=users:2  →  reject reason=login-time rule=users:3
      - Session-Timeout = 600
  2026-01-05 09:00:03 record.json:3 Access-Request client=here password="right"
    User-Name = "bob", CHAP-Password = (hidden)
    accept rule=users:2  →  reject reason=login-time rule=users:3
      - Session-Timeout = 600
`
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestSame: the files that decided first change nothing, whatever the requests.
func TestSame(t *testing.T) {
	files := map[string]string{
		"raddb/users": "$DIALECT freeradius\nbob Cleartext-Password := \"hello-bob\"\n  Tunnel-Password:1 = \"tunnel-secret\", Class = \"x\", Reply-Message = \"hi\"\n" +
			"ann NT-Password := 0x8846f7eaee8fb117ad06bdd830b7586c\n",
		"scripts/mark.lua": `on("hints", {name = "mark"}, function(req) req["Filter-Id"] = "x" end)
on("authorize", {name = "own", when = {["User-Name"] = "own"}}, function(req)
  if req:check_password("stored-one") then return accept{} end
  return reject{}
end)`,
	}
	s := newSite(t, files)
	for _, pairs := range [][]string{
		{"User-Name=bob", "User-Password=hello-bob", "Class=0x3132", "Proxy-State=0x01"}, {"User-Name=bob", "User-Password=nope-nope"},
		{"User-Name=bob", "CHAP-Password=hello-bob"}, {"User-Name=own", "User-Password=stored-one"}, {"User-Name=own", "User-Password=wrong-one"},
		{"User-Name=own", "CHAP-Password=stored-one"}, {"User-Name=nobody", "User-Password="}, {"User-Name=bob", "EAP-Message=0x0201000801626f62"},
		{"User-Name=ann", "User-Password=password"}, {"User-Name=\"a \\\"?\\\" ?\"", "User-Password=password"},
	} {
		s.ask(pairs...)
	}
	s.send(&server.Question{Code: radius.CodeAccountingRequest}, "User-Name=bob", "Acct-Status-Type=Stop", "Acct-Session-Id=1")
	for _, r := range []*replay.Report{replayed(t, s.text(nil, false), nil, files), s.shadowed(files)} {
		if r.Same != r.Requests || r.Requests != 11 {
			t.Errorf("%s", written(r))
		}
	}
}

// TestPasswords: of a record its word on the password counts where the files know one; live the password itself.
func TestPasswords(t *testing.T) {
	s := newSite(t, nil)
	s.ask("User-Name=bob", "User-Password=hello-bob")
	s.ask("User-Name=bob", "User-Password=another-1")
	s.ask("User-Name=eve", "User-Password=another-1")
	other := map[string]string{"raddb/users": "$DIALECT freeradius\nbob Cleartext-Password := \"another-1\"\n  Session-Timeout = 600\neve Cleartext-Password := \"another-1\"\n"}
	r := replayed(t, s.text(nil, false), nil, other)
	if r.Changed != 0 || r.Incomparable != 1 || r.Same != 2 {
		t.Errorf("record: %s", written(r))
	}
	r = s.shadowed(other)
	if r.Changed != 3 {
		t.Errorf("live: %s", written(r))
	}
}

// TestUncheckedPassword: what was never compared cannot be known where it would decide.
func TestUncheckedPassword(t *testing.T) {
	s := newSite(t, map[string]string{"scripts/all.lua": `on("authorize", {name = "all"}, function(req) return accept{} end)`})
	s.ask("User-Name=bob", "User-Password=hello-bob")
	r := replayed(t, s.text(nil, false), nil, nil)
	if r.Incomparable != 1 || len(r.Unknown) != 1 || r.Unknown[0].Cause != "needs whether the password is right" {
		t.Errorf("%s", written(r))
	}
}

// TestReadPassword: what a handler makes of a password that it reads is not compared, also if it comes to the same.
func TestReadPassword(t *testing.T) {
	files := map[string]string{"scripts/all.lua": `on("authorize", {name = "all"}, function(req) if req.password == "open sesame" then return accept{} end end)`}
	s := newSite(t, files)
	s.ask("User-Name=eve", "User-Password=open sesame")
	s.ask("User-Name=eve", "User-Password=something")
	r := replayed(t, s.text(nil, false), nil, files)
	if r.Incomparable != 2 || r.Unknown[0].Cause != "needs the value of User-Password" {
		t.Errorf("%s", written(r))
	}
	if r := s.shadowed(files); r.Same != 2 {
		t.Errorf("live: %s", written(r))
	}
}

// TestAfterwards: what handlers of done want to know, and the record does not have, cannot change the answer.
func TestAfterwards(t *testing.T) {
	files := map[string]string{"scripts/all.lua": `local api = http.open{base = "http://127.0.0.1:9"}
on("done", {name = "audit"}, function(req)
  req.ctx.password = req.password
  api:try_post("/audit", {json = {user = req.user}})
end)`}
	s := newSite(t, files)
	s.ask("User-Name=bob", "User-Password=hello-bob")
	if r := replayed(t, s.text(nil, false), nil, files); r.Same != 1 {
		t.Errorf("%s", written(r))
	}
}

// TestClass: a request had a Class also where its value is not recorded.
func TestClass(t *testing.T) {
	s := newSite(t, nil)
	s.ask("User-Name=bob", "User-Password=hello-bob", "Class=class-secret")
	files := map[string]string{"scripts/all.lua": `on("reply", {name = "all", when = {Class = false}}, function(req) return reject{} end)`}
	if r := replayed(t, s.text(nil, false), nil, files); r.Same != 1 {
		t.Errorf("%s", written(r))
	}
}

const twoFactors = `auth_type("otp", function(req) return challenge{next = "code", message = "Code:", state = {n = 1}} end)
answer("code", function(req, text) if req:check_password("123456") then return accept{} end return reject{} end)`

// TestRounds: rounds of a challenge are linked, and those of one that is not made any more are told apart.
func TestRounds(t *testing.T) {
	files := map[string]string{"raddb/users": "$DIALECT freeradius\nbob Auth-Type := otp\n", "scripts/otp.lua": twoFactors}
	s := newSite(t, files)
	s.answer(s.ask("User-Name=bob", "User-Password=hello-bob"), "User-Name=bob", "User-Password=123456")
	s.answer(s.ask("User-Name=bob", "User-Password=hello-bob"), "User-Name=bob", "User-Password=999999")
	record := s.text(nil, false)
	for _, r := range []*replay.Report{replayed(t, record, nil, files), s.shadowed(files)} {
		if r.Same != 4 {
			t.Errorf("%s", written(r))
		}
	}
	files["raddb/users"] = "$DIALECT freeradius\nbob Cleartext-Password := \"hello-bob\"\n"
	r := replayed(t, record, nil, files)
	if r.Following != 2 || r.Incomparable != 2 {
		t.Errorf("without a challenge: %s", written(r))
	}
	_, second, _ := strings.Cut(record, "\n")
	files["raddb/users"] = "$DIALECT freeradius\nbob Auth-Type := otp\n"
	r = replayed(t, second, nil, files)
	if r.Incomparable != 1 || r.Unknown[0].Cause != "the challenge that it answers is not in the record" {
		t.Errorf("without its beginning: %s", written(r))
	}
}

// TestClients: a client that is gone, or has another secret, gets no answer.
func TestClients(t *testing.T) {
	s := newSite(t, nil)
	s.ask("User-Name=bob", "User-Password=hello-bob")
	r := replayed(t, s.text(nil, false), nil, map[string]string{"raddb/clients": "10.0.0.1 a-secret-of-enough-octets there\n"})
	if r.Changed != 1 || !strings.Contains(r.Changes[0].Cause, "accept → discard") || !strings.Contains(r.Changes[0].Cause, "unknown-client") {
		t.Errorf("%s", written(r))
	}
	r = s.shadowed(map[string]string{"raddb/clients": "127.0.0.1 another-secret-of-octets here\n"})
	if r.Changed != 1 || !strings.Contains(r.Changes[0].Cause, "bad-authenticator") {
		t.Errorf("%s", written(r))
	}
}

// TestState: tables that scripts keep are filled in the order of the record.
func TestState(t *testing.T) {
	files := map[string]string{"scripts/count.lua": `local seen = kv.open("seen", {ttl = "1h"})
on("authorize", {name = "count"}, function(req)
  if seen:incr(req.user, 1) > 2 then return reject{reason = "often"} end
end)`}
	s := newSite(t, files)
	for range 4 {
		s.ask("User-Name=bob", "User-Password=hello-bob")
	}
	if r := replayed(t, s.text(nil, false), nil, files); r.Same != 4 {
		t.Errorf("%s", written(r))
	}
	files["scripts/count.lua"] = strings.Replace(files["scripts/count.lua"], "> 2", "> 3", 1)
	if r := s.shadowed(files); r.Same != 3 || r.Changed != 1 {
		t.Errorf("%s", written(r))
	}
	r := replayed(t, s.text(nil, false), nil, files) // nobody has looked at the third password
	if r.Same != 3 || r.Incomparable != 1 {
		t.Errorf("%s", written(r))
	}
}

// TestMany: workers in parallel find what one finds, and give the same examples.
func TestMany(t *testing.T) {
	s := newSite(t, nil)
	for i := range 300 {
		s.ask("User-Name="+[]string{"bob", "eve", "ann"}[i%3], "User-Password=hello-bob")
	}
	record := s.text(nil, false)
	changed := map[string]string{"raddb/users": "$DIALECT freeradius\nbob Cleartext-Password := \"hello-bob\"\n  Session-Timeout = 601\n"}
	c := build(t, changed)
	var reports []string
	for _, n := range []int{1, 4} {
		e := replay.New(replay.Subject{Generation: c.Generation, Program: c.Program, Backend: c.Config.Backend}, replay.Options{Workers: n})
		if err := e.Run(replay.Read(strings.NewReader(record), "r", nil)); err != nil {
			t.Fatal(err)
		}
		r := e.Close()
		if r.Changed != 100 || r.Same != 200 {
			t.Errorf("%d workers: %s", n, written(r))
		}
		reports = append(reports, written(r))
	}
	if d := cmp.Diff(reports[0], reports[1]); d != "" {
		t.Error(d)
	}
}
