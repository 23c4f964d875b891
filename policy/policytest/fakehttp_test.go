package policytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/policy/backend"
)

// testBackends are those of a configuration with one server and one program.
func testBackends() *backend.Lease {
	h := config.DefaultHTTP()
	h.Base = "https://otp.example.net"
	return backend.New(time.Now, nil).Lease(backend.Settings{Backend: config.Backend{
		Programs: []string{"/bin/quota"}, HTTP: map[string]*config.BackendHTTP{"otp": &h},
		SQL:  map[string]*config.BackendSQL{"crm": {Database: "/nowhere/crm.db", Connections: 1, Waiting: 1}},
		LDAP: map[string]*config.BackendLDAP{"staff": {URLs: []string{"ldap://127.0.0.1:1"}, Connections: 1, Waiting: 1}},
	}})
}

const askingScript = `
local byname, byaddress = http.open("otp"), http.open{base="https://other.example/v1"}
on("authorize", {when={user="http"}}, function(req)
  local r, why = byname:try_post("/check", {json={code=req.password}, headers={["X-A"]="b"}, query={q=1}})
  if not r then return reject{message=why} end
  local v = r:json()
  return accept{message=r.status .. " " .. (r.headers["x-b"] or r.headers["content-type"] or "-") .. " " .. (v and tostring(v.ok) or r.body)}
end)
on("authorize", {when={user="other"}}, function(req)
  return accept{message=byaddress:get("/a").body}
end)
on("authorize", {when={user="exec"}}, function(req)
  local r, why = exec.try_run{"/bin/quota", "-u", req.user, stdin="in"}
  if not r then return reject{message=why} end
  return accept{message=r.status .. r.stdout .. r.stderr}
end)
`

// runCase runs one case of a script and gives what failed, "" if nothing did.
func runCase(t *testing.T, script, body string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.lua": script, "a_test.lua": `test.case("c", function() ` + body + ` end)`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res := Run(build(t, raddb.Open("../../raddb"), dir))
	var told []string
	for _, f := range res.Failures {
		told = append(told, f.Message)
	}
	return strings.Join(told, "\n")
}

// TestMockHTTP: what mock.http answers, and how a case fails that it does not answer.
func TestMockHTTP(t *testing.T) {
	for body, want := range map[string]string{
		`mock.http("otp"){["POST /check"]={status=201, json={ok=true}}} expect(send{user="http", password="x"}):accept():message("201 application/json true")`: "",
		`mock.http("otp"){["POST /check"]={body="text", headers={["X-B"]="b"}}} expect(send{user="http", password="x"}):accept():message("200 b text")`:        "",
		`mock.http("otp", {["POST"]={status=404}}) expect(send{user="http", password="x"}):accept():message("404 - ")`:                                         "",
		`mock.http("otp"){["POST /check"]={status=503}} expect(send{user="http", password="x"}):reject():message("status: 503")`:                               "",
		`mock.http("otp"){["POST /check"]=mock.fail("status: 502")} expect(send{user="http", password="x"}):reject():message("status: 502")`:                   "",
		`mock.http("otp"){["POST /check"]=mock.fail("timeout")} expect(send{user="http", password="x"}):reject():message("timeout: by mock.fail")`:             "",
		`mock.http("https://other.example/v1"){["GET /a"]={body="by address"}} expect(send{user="other", password="x"}):accept():message("by address")`:        "",
		`local m = mock.http("otp"){["POST /check"]=function(call) return {json={ok=call.json.code}} end}
		 expect(send{user="http", password="123"}):accept():message("200 application/json 123")
		 local call = m:calls()[1] test.equal({call.method, call.path, call.query.q, call.headers["X-A"], call.json.code, call.body}, {"POST", "/check", "1", "b", "123", '{"code":"123"}'})`: "",
		`send{user="http", password="x"}`:                                                              `http otp was asked "POST /check", and mock.http does not answer it in this case`,
		`mock.http("otp"){["GET /check"]={}} send{user="http", password="x"}`:                          `mock.http otp has no answer to "POST /check"; it has those to "GET /check"`,
		`mock.http("otp"){["POST /check"]=5} send{user="http", password="x"}`:                          `mock.http otp: POST /check: got a number, expected {status=200, json={…}} or mock.fail`,
		`mock.http("otp"){["POST /check"]={status="x"}} send{user="http", password="x"}`:               `mock.http otp: POST /check: status is x, expected 100 to 599`,
		`mock.http("otp"){["POST /check"]={status=99}} send{user="http", password="x"}`:                `mock.http otp: POST /check: status is 99, expected 100 to 599`,
		`mock.http("otp"){["POST /check"]={body={}}} send{user="http", password="x"}`:                  `mock.http otp: POST /check: body is a table, expected text; json=… gives a document`,
		`mock.http("otp"){["POST /check"]={headers=1}} send{user="http", password="x"}`:                `mock.http otp: POST /check: headers is a number, expected {name=value}`,
		`mock.http("otp"){["POST /check"]={jsn={}}} send{user="http", password="x"}`:                   `mock.http otp: POST /check: no field "jsn"; expected status, headers, json or body`,
		`mock.http("otp"){["POST /check"]={json=print}} send{user="http", password="x"}`:               `mock.http otp: POST /check: json: found a function, expected plain data`,
		`mock.http("otp"){["POST /check"]=function() error("no") end} send{user="http", password="x"}`: `mock.http otp: a_test.lua:1: no`,
		`mock.http("opt"){} send{user="http", password="x"}`:                                           `mock.http: no script opens http "opt"; did you mean "otp"?`,
		`mock.fail("tiemout")`: `mock.fail: got "tiemout"; did you mean "timeout"?; expected "timeout", "refused", "busy", "breaker", "dead" or "status: 503"`,
	} {
		if got := strings.TrimPrefix(runCase(t, askingScript, body), "send: "); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}

// TestMockExec does the same for programs.
func TestMockExec(t *testing.T) {
	for body, want := range map[string]string{
		`local m = mock.exec{["/bin/quota -u exec"]={status=3, stdout="out", stderr="err"}} expect(send{user="exec", password="x"}):accept():message("3outerr")
		 test.equal(m:calls(), {{path="/bin/quota", args={"-u", "exec"}, stdin="in"}})`: "",
		`mock.exec{["/bin/quota"]=function(call) return {stdout=call.args[2]} end} expect(send{user="exec", password="x"}):message("0exec")`: "",
		`mock.exec{["/bin/quota"]=mock.fail("timeout")} expect(send{user="exec", password="x"}):reject():message("timeout: by mock.fail")`:   "",
		`send{user="exec", password="x"}`:                                        `exec was asked "/bin/quota -u exec", and mock.exec does not answer it in this case`,
		`mock.exec{["/bin/quota"]={status=256}} send{user="exec", password="x"}`: `mock.exec: /bin/quota -u exec: status is 256, expected 0 to 255`,
		`mock.exec{["/bin/quota"]={stdout=1}} send{user="exec", password="x"}`:   `mock.exec: /bin/quota -u exec: stdout is a number, expected text`,
		`mock.exec{["/bin/quota"]={out=""}} send{user="exec", password="x"}`:     `mock.exec: /bin/quota -u exec: no field "out"; expected status, stdout or stderr`,
		`mock.exec{["/bin/quota"]="x"} send{user="exec", password="x"}`:          `mock.exec: /bin/quota -u exec: got a string, expected {status=0, stdout="…"} or mock.fail`,
	} {
		if got := strings.TrimPrefix(runCase(t, askingScript, body), "send: "); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}
