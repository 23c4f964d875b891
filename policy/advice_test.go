package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAdvice holds what only the command check tells.
func TestAdvice(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"let in", "on('authorize', function(req)\n  if req.user == 'x' then return accept{} end\nend)", "a.lua:2:34: warning: accept{} in authorize lets in without any password: call req:check_password, or give a reason= if that is meant"},
		{"let in on purpose", "on('authorize', function(req)\n  return accept{reason='by address'}\nend)", ""},
		{"proved", "on('authorize', function(req)\n  if req:check_password('x') then return accept{} end\nend)", ""},
		{"proved elsewhere", "local function right(pw) return pw == 'x' end\non('authorize', function(req)\n  if right(req.password) then return accept{} end\nend)", ""},
		{"accept in another phase", "auth_type('x', function(req)\n  return accept{}\nend)", ""},
		{"nil compared", "on('hints', function(req)\n  if req['NAS-Port'] < 32 then return drop{} end\nend)", "a.lua:2:10: warning: NAS-Port is nil where it is absent, and nil cannot be compared; write (req:int(\"NAS-Port\") or 0)"},
		{"number compared", "on('hints', function(req)\n  if (req:int('NAS-Port') or 99) < 32 then return drop{} end\nend)", ""},
		{"after one that decides", "on('hints', {name='a'}, function(req) return drop{} end)\non('hints', {name='b'}, function(req) end)", `a.lua:2: warning: hook "b" never runs: hook "a" at a.lua:1 decides each request before it`},
		{"after one that decides by a local", "local no = reject{}\non('hints', {name='a'}, function(req) return no end)\non('hints', {name='b'}, function(req) end)", `a.lua:3: warning: hook "b" never runs: hook "a" at a.lua:2 decides each request before it`},
		{"the same when", "on('hints', {name='a', when={client='x'}}, function(req) return drop{} end)\non('hints', {name='b', when={client='x'}}, function(req) end)", `a.lua:2: warning: hook "b" never runs: hook "a" at a.lua:1 decides each request before it`},
		{"another when", "on('hints', {name='a', when={client='x'}}, function(req) return drop{} end)\non('hints', {name='b', when={client='y'}}, function(req) end)", ""},
		{"may go on", "on('hints', {name='a'}, function(req)\n  if req.user == 'x' then return end\n  return drop{}\nend)\non('hints', {name='b'}, function(req) end)", ""},
		{"another phase", "on('hints', {name='a'}, function(req) return drop{} end)\non('done', {name='b'}, function(req) end)", ""},
		{"a code that the phase has not", "on('authorize', {name='a', when={code='Accounting-Request'}}, function(req) end)", `a.lua:1: warning: hook "a" never runs: code is never Accounting-Request in authorize`},
		{"a code that the phase has", "on('hints', {when={code={'Accounting-Request', 'x'}}}, function(req) end)", `a.lua:1: when: code is never "x"`},
		{"a verdict that reply has not", "on('reply', {name='a', when={verdict='drop'}}, function(req) end)", `a.lua:1: warning: hook "a" never runs: verdict is never drop in reply`},
		{"one set that fits", "on('reply', {when={{verdict='drop'}, {client='x'}}}, function(req) end)", ""},
		{"left out of a reject", "on('hints', function(req)\n  return reject{['Session-Timeout']=5, ['Reply-Message']='x'}\nend)", `a.lua:2:18: warning: Session-Timeout is left out of an Access-Reject`},
		{"left out at load", "local no = reject{Class='x'}", `a.lua:1:19: warning: Class is left out of an Access-Reject`},
		{"left out of a challenge", "answer('n', function(req) return drop{} end)\non('authorize', function(req)\n  return challenge{next='n', Class='x', ['Session-Timeout']=60}\nend)", `a.lua:3:30: warning: Class is left out of an Access-Challenge`},
		{"opened in a handler", "on('reply', function(req)\n  local t = kv.open('x')\nend)", `a.lua:2:13: warning: kv.open works while scripts load, and raises in a handler; call it at the top of the file`},
		{"opened in a function of a handler", "every('1h', function()\n  pcall(function() sql.open('x') end)\nend)", `a.lua:2:20: warning: sql.open works while scripts load, and raises in a handler; call it at the top of the file`},
		{"registered in a handler", "on('reply', function(req)\n  on('reply', function() end)\nend)", `a.lua:2:3: warning: on works while scripts load, and raises in a handler; call it at the top of the file`},
		{"a local of that name", "local function open() end\nlocal mine = {open=open}\non('reply', function(req) mine.open('x') end)", ""},
		{"a dot for a colon", "on('reply', function(req)\n  req.reply.add('Class', 'x')\nend)", `a.lua:2:13: warning: add is called with a dot, and raises; write a colon, :add(…)`},
		{"a dot for a colon of req", "on('done', function(req)\n  if req.has('Class') then log.info('x') end\nend)", `a.lua:2:10: warning: has is called with a dot, and raises; write a colon, :has(…)`},
		{"true is no verdict", "on('hints', function(req)\n  return true\nend)", `a.lua:2: warning: true is no verdict, and raises; expected nothing, or one of: reject, discard, drop`},
		{"text is no verdict", "on('hints', function(req)\n  if req.user == 'x' then return 'reject' end\nend)", `a.lua:2: warning: text is no verdict, and raises; expected nothing, or one of: reject, discard, drop`},
		{"a huntgroup answers", "huntgroup('x', function(req) return true end)", ""},
		{"a session's word", "on('session', function(req, s) return true end)", ""},
		{"no verdict at all", "auth_type('x', function(req)\n  log.info('x')\nend)", `a.lua:1: warning: the handler of auth_type returns nothing, and must return a verdict`},
		{"raises on purpose", "auth_type('x', function(req) error('not yet') end)", ""},
		{"an expression that is none", "local r = re.compile('(')", "a.lua:1:11: warning: re.compile gives nil: error parsing regexp: missing closing ): `(`"},
		{"a prefix that is none", "local n = net.cidr('10.0.0.0/99')", `a.lua:1:11: warning: net.cidr gives nil: "10.0.0.0/99" is no address or prefix`},
		{"a library hidden", "local string = {}", `a.lua:1: warning: local string hides the API's string; choose another name`},
		{"a library at hand", "local string = string", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := tryLoad(t, map[string]string{"a.lua": c.script}, func(o *Options) { o.Advice = true })
			if diff := cmp.Diff(c.want, errs.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAdviceOnClients: a name that no client has is told, with the nearest; a glob may be meant for clients to come.
func TestAdviceOnClients(t *testing.T) {
	clients := clientTable(t, "192.0.2.1 \"a secret for the test\" vpn-1\n")
	for script, want := range map[string]string{
		"on('reply', {when={client='vpn-1'}}, function(req) end)":                             "",
		"on('reply', {when={client='sw-*'}}, function(req) end)":                              "",
		"on('reply', {when={client='vpn1'}}, function(req) end)":                              `a.lua:1: warning: no client is named "vpn1", as when wants; did you mean "vpn-1"?`,
		"on('reply', {unless={{client={'vpn-1', 'nobody'}}, {user='x'}}}, function(req) end)": `a.lua:1: warning: no client is named "nobody", as unless wants`,
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": script}, func(o *Options) { o.Advice, o.Clients = true, clients })
		if diff := cmp.Diff(want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", script, diff)
		}
	}
}

// TestAtLoad: what is said to work while scripts load alone is of the API.
func TestAtLoad(t *testing.T) {
	h, errs := tryLoad(t, map[string]string{"a.lua": ""}, nil)
	if errs.Failed() {
		t.Fatal(errs)
	}
	for _, name := range atLoad {
		of, field, isField := strings.Cut(name, ".")
		if of == "readfile" { // every script has it, as it has string
			continue
		}
		if fields, known := h.pr.globals[of]; !known || isField && !slices.Contains(fields, field) {
			t.Errorf("the API has no %s", name)
		}
	}
}
