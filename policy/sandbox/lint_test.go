package sandbox

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/raddb"
)

// found compiles a script and gives all that was found, a line each.
func found(source string) string {
	p, errs := Compile("t.lua", []byte(source), testOptions)
	if (p == nil) != errs.Failed() {
		return "a program in spite of errors, or none without"
	}
	return errs.Error()
}

func TestCompile(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"fine", "local x = 1\non('hints', function(req) return x end)", ""},
		{"shebang", "#!/usr/bin/lua\nout(1)", ""},
		{"assigned global", "helper = 1", "t.lua:1:1: global helper: write local helper"},
		{"global function", "out(1)\n  function helper() end", "t.lua:2:12: global helper: write local function helper"},
		{"global in a function", "local function f()\n\tcount = count + 1\nend", "t.lua:2:2: global count: write local count"},
		{"unknown", "local helper = 1\nout(helpr)", `t.lua:2:5: unknown name helpr; did you mean "helper"?`},
		{"unknown API", "ipair({})", `t.lua:1:1: unknown name ipair; did you mean "ipairs"?`},
		{"used before local", "out(x)\nlocal x = 1", "t.lua:1:5: unknown name x"},
		{"absent", "io.open('x')\nos.execute('x')\nload('x')\nlocal g = _G", "t.lua:1:1: io is not there; use readfile at load, log for output, exec.run for programs\nt.lua:2:1: os.execute is not there; use exec.run\nt.lua:3:1: load is not there; code comes from files only; use require\nt.lua:4:11: _G is not there; there are no user globals; use local, require, req.ctx or kv"},
		{"field of library", "string.uper('x')\nlocal s = string.upper", `t.lua:1:1: string has no uper; did you mean "upper"?`},
		{"hidden library", "local string = {}\nstring.x = 1\nout(string.y)", ""},
		{"written library", "string.trim = 1\nfunction table.pack() end\nprint = 1", "t.lua:1:1: string belongs to the API, its fields cannot be assigned\nt.lua:2:10: table belongs to the API, its fields cannot be assigned\nt.lua:3:1: print belongs to the API and cannot be assigned; write local print to hide it"},
		{"scopes", "do local a = 1 end out(a)\nfor i = 1, 2 do end out(i)\nrepeat local z = 1 until z == 1\nlocal function f(p, ...) return p, arg, f end\nlocal t = {} function t:m() return self end", "t.lua:1:24: unknown name a\nt.lua:2:25: unknown name i"},
		{"frozen local", "local n = 0\non('hints', function(req) n = n + 1 end)", "t.lua:2:27: n of line 1 is changed in a hook; hooks run in several states: use kv or req.ctx"},
		{"frozen field", "local t = {}\non('hints', function(req) t.x.y = 1 t[1] = 2 end)", "t.lua:2:27: t of line 1 is changed in a hook; hooks run in several states: use kv or req.ctx\nt.lua:2:37: t of line 1 is changed in a hook; hooks run in several states: use kv or req.ctx"},
		{"frozen by name", "local t = {}\nlocal function h(req) t.x = 1 end\non('hints', h)", "t.lua:2:23: t of line 1 is changed in a hook; hooks run in several states: use kv or req.ctx"},
		{"frozen inside", "local t = {}\non('hints', function(req) local f = function() t.x = 1 end f() end)", "t.lua:2:48: t of line 1 is changed in a hook; hooks run in several states: use kv or req.ctx"},
		{"changed elsewhere", "local t = {}\nlocal function f() t.x = 1 end\nt.y = 1", "t.lua:2:20: warning: t of line 1 is changed in a function; hooks run in several states: use kv or req.ctx"},
		{"changed by table.insert", "local t = {}\non('hints', function(req) table.insert(t, 1) local u = {} table.insert(u, 1) end)", "t.lua:2:40: warning: table.insert changes t of line 1; hooks run in several states: use kv or req.ctx"},
		{"own locals", "on('hints', function(req) local t = {} t.x = 1 req.x = 1 end)", ""},
		{"floor division", "local x = 7 // 2", "t.lua:1:13: // is not Lua 5.1; use math.floor(a / b)"},
		{"shift", "local x = 1 >> 2", "t.lua:1:13: >> is not Lua 5.1; use bit32.rshift(a, n)"},
		{"left shift", "local x = 1 << 2", "t.lua:1:13: << is not Lua 5.1; use bit32.lshift(a, n)"},
		{"const", "local x <const> = 2", "t.lua:1:9: <const> is not Lua 5.1; write local name = value"},
		{"close", "local x <close> = 2", "t.lua:1:9: <close> is not Lua 5.1; write local name = value"},
		{"continue", "for i = 1, 2 do\n  if i == 1 then continue end\nend", "t.lua:2:18: continue is not Lua 5.1; write goto continue and put ::continue:: before the end of the loop"},
		{"continue at end", "while true do\n  continue\nend", "t.lua:2:3: continue is not Lua 5.1; write goto continue and put ::continue:: before the end of the loop"},
		{"bit operators", "local x = a & b", "t.lua:1:13: & is not Lua 5.1; use bit32.band(a, b), or and between conditions"},
		{"bit or", "local x = a | b", "t.lua:1:13: | is not Lua 5.1; use bit32.bor(a, b), or or between conditions"},
		{"bit not", "local x = ~b", "t.lua:1:11: ~ is not Lua 5.1; use bit32.bnot(a) or bit32.bxor(a, b)"},
		{"not equal", "if a != b then end", "t.lua:1:6: ! is not Lua; use not, or ~= for not equal"},
		{"add to", "local x = 1\nx += 1", "t.lua:2:3: += is not Lua; write x = x + n"},
		{"escapes", `local s = "\x41"` + "\n" + `local t = '\u{48}\z '` + "\nlocal u = [[\\x]] local v = '\\\\x'", "t.lua:1:12: \\x is not Lua 5.1; write the octet in decimal, \\065 for A\nt.lua:2:12: \\u is not Lua 5.1; write the character itself, the file is UTF-8\nt.lua:2:18: \\z is not Lua 5.1; join the parts with .."},
		{"syntax", "local x = = 1", `t.lua:1:11: syntax error near "="`},
		{"missing then", "if x\n  out(1)\nend", `t.lua:2:3: syntax error near "out"`},
		{"unfinished", "on('hints', function(req)\n  if true then\n  out(1)\nend", `t.lua:4:4: the file ends too early; expected "end" for the "function" of line 1`},
		{"unfinished string", `local s = "abc`, `t.lua:1:15: the file ends too early; expected more`},
		{"break outside", "out(1)\nbreak", "t.lua:2: no loop to break"},
		{"goto nowhere", "goto x", "t.lua:1: no visible label 'x' for <goto> at line 1"},
		{"deep", "local x = " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), "t.lua:1:211: blocks and brackets are nested more than 200 deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, found(c.source)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSourceForChecks(t *testing.T) {
	const source = "local limit = 5\nlocal function h(req, n) return req.user end\non('hints', {name='x'}, h)\non('reply', function(r)\n return r['A'] == limit end)"
	var got []string
	opts := testOptions
	opts.Check = func(src *Source, errs *raddb.List) {
		for _, h := range src.Handlers {
			got = append(got, strings.Join(h.Func.ParList.Names, ",")+" "+src.Pos(h.Call.Args[0]).String())
		}
		Walk(src.Chunk, func(node any) bool {
			if id, ok := node.(*ast.IdentExpr); ok {
				if b := src.Binding(id); b != nil && b.Index >= 0 {
					got = append(got, b.Name+" "+src.Pos(id).String())
				}
			}
			return true
		})
		errs.Errorf(src.Pos(src.Chunk[2]), "checked")
	}
	_, errs := Compile("t.lua", []byte(source), opts)
	want := []string{"req,n t.lua:3:4", "r t.lua:4:4", "req t.lua:2:33", "r t.lua:5:9"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff("t.lua:3: checked", errs.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// FuzzCompile checks that no text crashes the parser, the checks or the compiler, and that what compiles runs
// within its bounds.
func FuzzCompile(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.source)
	}
	for _, seed := range []string{"local x <const> = 1", "return 'a' .. 1 .. ...", "for i = 1, 2 do goto continue ::continue:: end", "\x00", "--[[", "[==[", "a.b:c 'x'", "local function f(...) return arg end"} {
		f.Add(seed)
	}
	limits := Limits{LoadSteps: 20_000, Memory: 16 << 20, LoadTime: 100 * time.Millisecond}
	s := New(limits, Host{})
	f.Fuzz(func(t *testing.T, source string) {
		p, errs := Compile("t.lua", []byte(source), testOptions)
		if (p == nil) != errs.Failed() {
			t.Fatalf("program %v, errors %v", p != nil, errs)
		}
		if p == nil {
			return
		}
		err := s.Load(p)
		if s.Broken() {
			t.Logf("%v", err)
			s = New(limits, Host{})
		}
	})
}
