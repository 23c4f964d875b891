package sandbox

import (
	"strings"

	luaparse "github.com/yuin/gopher-lua/parse"

	"perilune/engine/raddb"
)

// doubled are operators that gopher-lua's scanner reads as two tokens, with the way of Lua 5.1.
var doubled = map[string]string{
	"//": "// is not Lua 5.1; use math.floor(a / b)",
	">>": ">> is not Lua 5.1; use bit32.rshift(a, n)",
	"<<": "<< is not Lua 5.1; use bit32.lshift(a, n)",
	"+=": "+= is not Lua; write x = x + n",
	"-=": "-= is not Lua; write x = x - n",
	"*=": "*= is not Lua; write x = x * n",
	"/=": "/= is not Lua; write x = x / n, or ~= for not equal",
	"%=": "%= is not Lua; write x = x % n",
	"++": "++ is not Lua; write x = x + 1",
	"=>": "=> is not Lua; write function(x) … end, or >= for greater or equal",
	"=<": "=< is not Lua; write <=",
	"::": ":: is not Lua 5.1 here; a label is ::name::",
}

// single are characters that Lua 5.1 does not have.
var single = map[byte]string{
	'&': "& is not Lua 5.1; use bit32.band(a, b), or and between conditions",
	'|': "| is not Lua 5.1; use bit32.bor(a, b), or or between conditions",
	'~': "~ is not Lua 5.1; use bit32.bnot(a) or bit32.bxor(a, b)",
	'!': "! is not Lua; use not, or ~= for not equal",
	'?': "? is not Lua; use a and b or c",
	'@': "@ is not Lua; put text in quotes",
	'`': "` is not Lua; put text in quotes",
}

// foreign are words of newer Lua and of other languages that stand where a statement or a block should.
var foreign = map[string]string{
	"continue": "continue is not Lua 5.1; write goto continue and put ::continue:: before the end of the loop",
	"elif":     "elif is not Lua; write elseif … then",
	"elsif":    "elsif is not Lua; write elseif … then",
	"switch":   "switch is not Lua; write if … elseif … else … end, or a table of functions",
	"var":      "var is not Lua; write local",
	"let":      "let is not Lua; write local",
	"const":    "const is not Lua; write local",
	"global":   "global is not Lua 5.1; write local, and share by require, req.ctx or kv",
	"try":      "try is not Lua; write local ok, err = pcall(function() … end)",
	"throw":    "throw is not Lua; write error(text)",
	"class":    "class is not Lua; write a table with functions",
	"new":      "new is not Lua; call the function alone",
}

// newer recognises syntax of newer Lua, or of other languages, around the token where parsing failed. where is
// zero if the place of the parse error is right.
func (s *Source) newer(i, line int) (hint string, where raddb.Pos, ok bool) {
	for j := i; j >= max(i-2, 0) && i >= 0; j-- {
		if hint := s.pairHint(j); hint != "" {
			return hint, s.tokenPos(s.tokens[j]), true
		}
		t := s.tokens[j]
		if hint := foreign[t.Str]; t.Type == luaparse.TIdent && hint != "" {
			return hint, s.tokenPos(t), true
		}
	}
	if s.assignsInCondition(i) {
		return "= assigns; write == to compare", raddb.Pos{}, true
	}
	return s.characterHint(i, line)
}

// assignsInCondition reports whether token i is a = between an if, elseif, while or until and the block.
func (s *Source) assignsInCondition(i int) bool {
	if i < 0 || s.tokens[i].Type != '=' {
		return false
	}
	for j := i - 1; j >= 0; j-- {
		switch s.tokens[j].Type {
		case luaparse.TIf, luaparse.TElseIf, luaparse.TWhile, luaparse.TUntil:
			return true
		case luaparse.TThen, luaparse.TDo, luaparse.TEnd, luaparse.TLocal, luaparse.TFunction, luaparse.TReturn, luaparse.TFor, luaparse.TElse, luaparse.TRepeat, '=', '{', ';':
			return false
		}
	}
	return false
}

// pairHint looks at a token and the one that follows it at once.
func (s *Source) pairHint(j int) string {
	if j+1 >= len(s.tokens) {
		return ""
	}
	a, b := s.tokens[j], s.tokens[j+1]
	if a.Pos.Line != b.Pos.Line || b.Pos.Column != a.Pos.Column+1 {
		return ""
	}
	if a.Type == '<' && (b.Str == "const" || b.Str == "close") {
		return "<" + b.Str + "> is not Lua 5.1; write local name = value"
	}
	return doubled[a.Str+b.Str]
}

// characterHint looks for a character that no token starts with, after the last good token.
func (s *Source) characterHint(i, line int) (string, raddb.Pos, bool) {
	if line < 1 || line > len(s.lines) || i+1 < len(s.tokens) {
		return "", raddb.Pos{}, false
	}
	col := 0
	if i >= 0 && s.tokens[i].Pos.Line == line {
		col = s.tokens[i].Pos.Column - 1 + max(len(s.tokens[i].Str), 1)
	}
	rest := s.lines[line-1][min(col, len(s.lines[line-1])):]
	trimmed := strings.TrimLeft(rest, " \t")
	if trimmed == "" || single[trimmed[0]] == "" {
		return "", raddb.Pos{}, false
	}
	at := raddb.Pos{File: s.File, Line: line, Col: col + len(rest) - len(trimmed) + 1}
	return single[trimmed[0]], at, true
}

// lintEscapes finds escapes of newer Lua in strings, which Lua 5.1 takes as the letter alone.
func (s *Source) lintEscapes(errs *raddb.List) {
	for _, t := range s.tokens {
		if t.Type != luaparse.TString || t.Pos.Line < 1 || t.Pos.Line > len(s.lines) {
			continue
		}
		line := s.lines[t.Pos.Line-1]
		if start := t.Pos.Column - 1; start >= 0 && start < len(line) && line[start] != '[' {
			s.escapes(line, start, t.Pos.Line, errs)
		}
	}
}

// escapes walks a quoted string up to its end or the end of the line.
func (s *Source) escapes(line string, start, number int, errs *raddb.List) {
	quote := line[start]
	for i := start + 1; i < len(line) && line[i] != quote; i++ {
		if line[i] != '\\' || i+1 == len(line) {
			continue
		}
		at := raddb.Pos{File: s.File, Line: number, Col: i + 1}
		switch i++; line[i] {
		case 'x':
			errs.Errorf(at, `\x is not Lua 5.1; write the octet in decimal, \065 for A`)
		case 'u':
			errs.Errorf(at, `\u is not Lua 5.1; write the character itself, the file is UTF-8`)
		case 'z':
			errs.Errorf(at, `\z is not Lua 5.1; join the parts with ..`)
		}
	}
}
