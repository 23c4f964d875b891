package policytest

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/server"
	"perilune/policy"
)

// A Function is one name that test files see beside the modules and the verdicts: this table registers it and makes
// its documentation.
type Function struct {
	Of        string // the value it belongs to: "reply", "expectation" or "mock"; "" for a global
	Name      string // "test.case", "send"; of a value "verdict", "accept"
	Signature string // "test.case(name, fn)", "r.verdict", "expect(r):accept()"
	Doc       string // one line for people
	Field     bool   // read with a dot, not called

	call   func(f *file, l *lua.LState) int                          // of globals, and of answer and calls
	get    func(f *file, l *lua.LState, x *exchange) lua.LValue      // of fields
	demand func(f *file, l *lua.LState, x *exchange) (failed *wrong) // of expectations
}

// Functions gives all names of tests, in the order of the documentation.
func Functions() []Function {
	var all []Function
	for _, part := range [][]Function{testFunctions(), replyFunctions(), expectFunctions(), mockFunctions()} {
		all = append(all, part...)
	}
	return all
}

func testFunctions() []Function {
	global := func(name, arguments, doc string, call func(f *file, l *lua.LState) int) Function {
		return Function{Name: name, Signature: name + arguments, Doc: doc, call: call}
	}
	return []Function{
		global("test.case", "(name, fn)", "A case: fn() runs with tables, windows, clock and mocks of its own.", (*file).testCase),
		global("test.each", "(name, rows, fn)", "One case for each row of a list: fn(row).", (*file).testEach),
		global("test.setup", "(fn)", "fn() runs before each case of the file.", (*file).testSetup),
		global("test.users", "[[…]]", "Lines used instead of the users file, for this test file.", (*file).testUsers),
		global("test.clients", "[[…]]", "Lines used instead of the clients file, for this test file.", (*file).testClients),
		global("test.equal", "(got, want)", "Compares two values, tables by their contents.", (*file).testEqual),
		global("test.raises", "(fn [, text])", "fn() must raise an error with text in it.", (*file).testRaises),
		global("test.fire", "(\"every\", name)", "Runs a timer now; test.fire(\"load\") and test.fire(\"unload\") run those handlers.", (*file).testFire),
		global("clock.set", "(time)", "Puts the clock to epoch seconds or \"2024-01-01 12:00\"; timers that are overdue then run once.", (*file).clockSet),
		global("clock.advance", "(duration)", "Moves req.now, time, os.time, expiries and timers: each every() runs as often as it becomes due.", (*file).clockAdvance),
		global("send", "{client=, user=, password=, method=, status=, code=, attributes}",
			"Sends a request its whole way and gives the reply. status implies accounting; method is pap, chap, mschap, mschapv2 or none; the default client is test, 127.0.0.1.", (*file).send),
		global("expect", "(r)", "Begins a chain of demands on a reply; the first that fails ends the case.", (*file).expect),
	}
}

func replyFunctions() []Function {
	field := func(name, doc string, get func(f *file, l *lua.LState, x *exchange) lua.LValue) Function {
		return Function{Of: "reply", Name: name, Signature: "r." + name, Doc: doc, Field: true, get: get}
	}
	text := func(get func(x *exchange) string) func(*file, *lua.LState, *exchange) lua.LValue {
		return func(_ *file, _ *lua.LState, x *exchange) lua.LValue { return lua.LString(get(x)) }
	}
	return []Function{
		field("verdict", "accept, reject, challenge, discard, drop or response.", text((*exchange).verdict)),
		field("reason", "Why, as in the log; \"\" if there is no reason.", text(func(x *exchange) string { return x.out.Reason })),
		field("code", "The reply's code, as \"Access-Accept\"; \"\" if none was sent.", text((*exchange).code)),
		field("rule", "The users rule that decided, as \"users:42\".", text(func(x *exchange) string { return x.out.Rule })),
		field("hooks", "The handlers that changed or decided something, as \"file.lua:line\", in order.", hooksOf),
		field("proxied", "false, or what req.proxy shows: realm, pool, server, attempts, took, result, reply.", proxiedOf),
		field("trace", "The way of the request, as text.", text(func(x *exchange) string { return x.out.Trace.String() })),
		{Of: "reply", Name: "answer", Signature: "r:answer(text)", Doc: "The next round, with the State of this one; gives its reply. The calls of every attribute list work, too.", call: (*file).answer},
	}
}

func expectFunctions() []Function {
	demand := func(name, arguments, doc string, fn func(f *file, l *lua.LState, x *exchange) *wrong) Function {
		return Function{Of: "expectation", Name: name, Signature: "expect(r):" + name + arguments, Doc: doc, demand: fn}
	}
	return []Function{
		demand("accept", "()", "An Access-Accept, or the ACK of a CoA- or Disconnect-Request.", (*file).isAccept),
		demand("reject", "([reason])", "An Access-Reject or a NAK, perhaps for this reason.", (*file).isReject),
		demand("challenge", "([next])", "An Access-Challenge, perhaps for this answer handler.", (*file).isChallenge),
		demand("discard", "()", "No reply, by rule.", is(server.Discard)),
		demand("drop", "()", "No reply, for want of room or of a backend.", is(server.Drop)),
		demand("response", "()", "An Accounting-Response.", (*file).isResponse),
		demand("has", "(name [, value])", "The reply has the attribute, perhaps with this value; a list demands these values and no others.", (*file).hasValue),
		demand("lacks", "(name)", "The reply does not have the attribute.", (*file).lacks),
		demand("message", "(text)", "A Reply-Message, or all of them joined, is text.", (*file).hasMessage),
		demand("rule", "(place)", "A rule of the users file matched, as \"users:42\".", (*file).hasRule),
		demand("hook", "(name)", "A handler changed or decided something; its name, or \"file.lua:line\".", (*file).hasHook),
		demand("proxied", "([{realm=, pool=, server=, attempts=, result=}])", "The request was sent on, perhaps with these fields of r.proxied.", (*file).isProxied),
	}
}

func mockFunctions() []Function {
	backend := func(kind, arguments, doc string) Function {
		return Function{Name: "mock." + kind, Signature: "mock." + kind + arguments, Doc: doc, call: func(f *file, l *lua.LState) int { return f.mockBackend(l, kind) }}
	}
	return []Function{
		backend("http", "(name or base){[\"POST /check\"]=answer}", "Answers requests; a key is the beginning of \"METHOD /path\". An answer is a value, a function of the call, or mock.fail(how)."),
		backend("sql", "(name){[\"select totp\"]=rows}", "Answers queries by how they begin."),
		backend("ldap", "(name){[\"search\"]=entries}", "Answers calls by how they begin."),
		backend("exec", "{[\"/usr/bin/check\"]=result}", "Answers programs by how their command begins."),
		{Name: "mock.pool", Signature: "mock.pool(name, answer)", Doc: "Answers what is sent on to a realm or a line of the realms file: a verdict, a function of the request, or mock.fail(how).", call: (*file).mockPool},
		{Name: "mock.coa", Signature: "mock.coa(answer)", Doc: "Answers CoA- and Disconnect-Requests in place of the NASes.", call: (*file).mockCoA},
		{Name: "mock.fail", Signature: "mock.fail(how)", Doc: "How a backend fails: \"timeout\", \"refused\", \"busy\", \"breaker\", \"dead\" (of home servers and NASes), or \"status: 503\" (of http).", call: mockFail},
		{Of: "mock", Name: "calls", Signature: "m:calls()", Doc: "The calls so far, in order, each as a function of the mock gets it.", call: mockCalls},
	}
}

// globals gives the names that test files see, for the check of names.
func globals() map[string][]string {
	names := map[string][]string{}
	for _, fn := range Functions() {
		table, field, isField := strings.Cut(fn.Name, ".")
		switch {
		case fn.Of != "":
		case isField:
			names[table] = append(names[table], field)
		default:
			names[table] = nil
		}
	}
	return policy.TestGlobals(names)
}

// WriteDocs writes the reference of the names of tests, in Markdown.
func WriteDocs(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "\n## Tests\n\nWhat `*_test.lua` files see beside the modules, `require`, `readfile` and the verdicts.\n\n| Name | Meaning |\n|---|---|\n")
	escape := strings.NewReplacer("|", `\|`)
	for _, fn := range Functions() {
		fmt.Fprintf(b, "| `%s` | %s |\n", escape.Replace(fn.Signature), escape.Replace(fn.Doc))
	}
	return b.Flush()
}
