package replay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/backend"
	"perilune/policy/module"
)

// fakes stand for a database, a directory, a shared table and programs. They count what they are asked.
type fakes struct {
	backend.Backends
	asked *atomic.Int32
}

func (f fakes) SQL(string) (module.SQL, error)   { return fakeSQL{f}, nil }
func (f fakes) LDAP(string) (module.LDAP, error) { return fakeLDAP{f}, nil }
func (f fakes) Exec() module.Exec                { return fakeExec{f} }

func (f fakes) KV(name string, o module.KVOptions) (module.KV, error) {
	if name != "shared" {
		return f.Backends.KV(name, o)
	}
	return fakeKV{f}, nil
}

type fakeSQL struct{ fakes }

func (f fakeSQL) Query(context.Context, string, []any, int) ([]module.SQLRow, error) {
	f.asked.Add(1)
	values := []any{nil, int64(0), 1.5, false, "from-the-database", []any{int64(1), nil, "x"}, uint64(1 << 63)}
	return []module.SQLRow{{Columns: []string{"none", "zero", "half", "no", "text", "list", "big"}, Values: values}}, nil
}

func (f fakeSQL) Exec(context.Context, string, []any) (int64, error) {
	f.asked.Add(1)
	return 0, &module.Failure{Kind: "refused", Err: errors.New("the key is taken"), Answered: true}
}

func (f fakeSQL) Begin(context.Context) (module.SQLTx, error) { f.asked.Add(1); return f, nil }

func (f fakeSQL) Commit(context.Context) error {
	f.asked.Add(1)
	return &module.Failure{Kind: "refused", Err: errors.New("not serializable"), Answered: true}
}

func (f fakeSQL) Rollback() {}

type fakeLDAP struct{ fakes }

func (f fakeLDAP) Search(context.Context, *module.LDAPSearch) ([]module.LDAPEntry, error) {
	f.asked.Add(1)
	return []module.LDAPEntry{{DN: "uid=bob", Attributes: map[string][]string{"role": {"from-the-directory"}}}}, nil
}

func (f fakeLDAP) Bind(_ context.Context, _, password string) (bool, error) {
	f.asked.Add(1)
	return password == "fixed-password", nil
}

type fakeExec struct{ fakes }

func (f fakeExec) Run(context.Context, *module.ExecRequest) (*module.ExecResult, error) {
	f.asked.Add(1)
	return &module.ExecResult{Status: 3, Stdout: []byte("from-the-program")}, nil
}

type fakeKV struct{ fakes }

func (fakeKV) Remote() bool { return true }

// Get gives another value each time, as if somebody else wrote.
func (f fakeKV) Get(context.Context, string) (string, error) {
	b, err := module.EncodePlain(lua.LString(fmt.Sprintf("value-%d", f.asked.Add(1))))
	return string(b), err
}

func (f fakeKV) Set(context.Context, string, string, time.Duration) error { f.asked.Add(1); return nil }

func (f fakeKV) Incr(context.Context, string, float64, time.Duration) (float64, error) {
	return float64(f.asked.Add(1)), nil
}

func (f fakeKV) CAS(context.Context, string, string, string, time.Duration) (bool, error) {
	return f.asked.Add(1)%2 == 0, nil
}

func (f fakeKV) Del(context.Context, string) (bool, error) { f.asked.Add(1); return true, nil }

const answersConfig = siteConfig + `[backend]
programs = ["/bin/true"]
[backend.kv.shared]
address = "127.0.0.1:1"
[backend.sql.db]
database = "db.sqlite"
[backend.ldap.dir]
urls = ["ldap://127.0.0.1:1"]
base = "dc=x"
`

// askingScripts have one handler for each user, which puts into the reply what it was told.
const askingScripts = `local db, dir, table = sql.open("db"), ldap.open("dir"), kv.open("shared")
local function asks(user, ask)
  on("authorize", {name = user, when = {["User-Name"] = user}}, function(req)
    return accept{["Reply-Message"] = ask(req)}
  end)
end
asks("row", function(req)
  local r = db:row("SELECT * FROM users WHERE name = $1 AND octets < $2", req.user, 2000000)
  return ("%s %s %s %s %s %s %s"):format(tostring(r.none), r.zero, r.half, tostring(r.no), r.text, r.list[3], type(r.big))
end)
asks("taken", function(req) local n, why = db:try_exec("INSERT INTO users VALUES ($1)", req.user) return tostring(n) .. why end)
asks("commit", function(req)
  local ok, why = db:try_tx(function(tx) tx:row("SELECT 1") return true end)
  return tostring(ok) .. tostring(why)
end)
asks("search", function(req) return dir:search{filter = "(uid=" .. req.user .. ")"}[1].attrs.role[1] end)
asks("bind", function(req) return tostring(dir:bind("uid=" .. req.user, "fixed-password")) end)
asks("exec", function(req) local r = exec.run{"/bin/true", req.user} return r.status .. r.stdout end)
asks("kv", function(req)
  local first = table:get("k")
  table:set("k", "written")
  return ("%s %s %s %s %s"):format(first, table:get("k"), table:incr("n"), tostring(table:cas("k", "written", "x")), tostring(table:del("k")))
end)
`

var askers = []string{"row", "taken", "commit", "search", "bind", "exec", "kv"}

// TestAnswers: what a database, a directory, a shared table and programs have said is said again, and nobody is asked.
func TestAnswers(t *testing.T) {
	var asked atomic.Int32
	wrap := func(b backend.Backends) backend.Backends { return backend.Taped(fakes{b, &asked}) }
	files := func(from, to string) map[string]string {
		return map[string]string{"raddb/config.toml": answersConfig, "raddb/db.sqlite": "", "scripts/ask.lua": strings.ReplaceAll(askingScripts, from, to)}
	}
	s := siteOf(t, buildWith(t, files("", ""), wrap))
	s.now = time.Now()
	for _, user := range askers {
		if out := s.ask("User-Name="+user, "User-Password=hello-bob"); out.Answer != radius.CodeAccessAccept {
			t.Fatalf("%s: %v", user, out)
		}
	}
	before := asked.Load()
	record := s.text(testKey, true)
	for _, text := range []string{"hello-bob", "SELECT", "INSERT"} {
		if strings.Contains(record, text) {
			t.Errorf("the record has %q", text)
		}
	}
	if r := replayedBy(t, record, testKey, buildWith(t, files("", ""), wrap)); r.Same != len(askers) {
		t.Errorf("%s", written(r))
	}
	for _, change := range []struct{ from, to, missing string }{
		{"WHERE name", "WHERE id", "sql db"}, {"2000000", "3000000", "sql db"}, {"2000000", `"2000000"`, "sql db"}, {"INSERT", "REPLACE", "sql db"}, {"SELECT 1", "SELECT 2", "sql db"}, {"(uid=", "(cn=", "ldap dir"},
		{`"uid="`, `"cn="`, "ldap dir"}, {`"/bin/true", req`, `"/bin/true", "-n", req`, "exec /bin/true"}, {`incr("n")`, `incr("m")`, "kv shared"},
		{`  table:set("k", "written")` + "\n", "", "kv shared"}, // what was read after it is not what would be there
	} {
		r := replayedBy(t, record, testKey, buildWith(t, files(change.from, change.to), wrap))
		if r.Incomparable != 1 || r.Same != len(askers)-1 || r.Unknown[0].Cause != "needs the answer of "+change.missing {
			t.Errorf("%s: %s", change.from, written(r))
		}
	}
	if n := asked.Load(); n != before {
		t.Errorf("a replay has asked %d times", n-before)
	}
}

// TestNASes: what a NAS has said to a CoA- or Disconnect-Request is said again where the candidate asks the same one.
func TestNASes(t *testing.T) {
	files := func(to string) map[string]string {
		return map[string]string{
			"raddb/clients":   "127.0.0.1 a-secret-of-enough-octets here\n127.0.0.2 a-secret-of-enough-octets there\n",
			"scripts/coa.lua": `on("coa", {name = "coa"}, function(req) return proxy{client = "` + to + `"} end)`,
		}
	}
	s := newSite(t, files("here"))
	answers := map[radius.Code]server.NASAnswer{
		radius.CodeCoARequest:        {Code: radius.CodeCoAACK},
		radius.CodeDisconnectRequest: {Code: radius.CodeDisconnectNAK, ErrorCause: 503},
	}
	s.offline.NAS = func(q *server.NASQuestion) server.NASAnswer { return answers[q.Code] }
	s.send(&server.Question{Code: radius.CodeCoARequest}, "User-Name=bob", "Filter-Id=x")
	out := s.send(&server.Question{Code: radius.CodeDisconnectRequest}, "User-Name=bob")
	if out.Answer != radius.CodeDisconnectNAK {
		t.Fatalf("%v", out)
	}
	for name, r := range map[string]func(map[string]string) string{
		"record": func(f map[string]string) string { return written(replayed(t, s.text(nil, false), nil, f)) },
		"live":   func(f map[string]string) string { return written(s.shadowed(f)) },
	} {
		if got := r(files("here")); !strings.HasPrefix(got, "2 requests: 2 the same, 0 changed\n") {
			t.Errorf("%s: %s", name, got)
		}
		if got := r(files("there")); !strings.Contains(got, "2 not comparable: needs the answer of the NAS there") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
