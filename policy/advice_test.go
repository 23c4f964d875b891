package policy

import (
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
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := tryLoad(t, map[string]string{"a.lua": c.script}, func(o *Options) { o.Advice = true })
			if diff := cmp.Diff(c.want, errs.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
