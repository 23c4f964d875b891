package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	luaparse "github.com/yuin/gopher-lua/parse"

	"perilune/engine/raddb"
)

// maxNesting bounds blocks and brackets within each other, as Lua's own parser does.
const maxNesting = 200

// parse reads a script; nil if it is not Lua 5.1.
func parse(file string, source []byte, pace *pace, errs *raddb.List) *Source {
	source = blankShebang(source)
	src := &Source{File: file, pace: pace, lines: splitLines(source)}
	if len(source) > maxSource {
		errs.Errorf(raddb.Pos{File: file}, "%d octets; a script may have %d", len(source), maxSource)
		return nil
	}
	src.scan(source)
	if at, deep := src.nesting(); deep {
		errs.Errorf(at, "blocks and brackets are nested more than %d deep", maxNesting)
		return nil
	}
	chunk, err := luaparse.Parse(&pacedReader{source, pace}, file)
	if err != nil {
		src.syntaxError(err, errs)
		return nil
	}
	src.Chunk = chunk
	pace.yield()
	src.locate()
	src.lintEscapes(errs)
	return src
}

// blankShebang turns a first line that starts with # into an empty one.
func blankShebang(source []byte) []byte {
	if len(source) == 0 || source[0] != '#' {
		return source
	}
	if i := bytes.IndexByte(source, '\n'); i >= 0 {
		return source[i:]
	}
	return nil
}

// splitLines cuts as the scanner of gopher-lua does: \n, \r, and both together are one end of line.
func splitLines(source []byte) []string {
	text := strings.NewReplacer("\r\n", "\n", "\n\r", "\n", "\r", "\n").Replace(string(source))
	return strings.Split(text, "\n")
}

// octetsAToken is a little less than scripts have.
const octetsAToken = 5

// scan keeps the tokens up to the first that is none.
func (s *Source) scan(source []byte) {
	scanner := luaparse.NewScanner(bytes.NewReader(source), s.File)
	lexer := &luaparse.Lexer{}
	s.tokens = make([]ast.Token, 0, len(source)/octetsAToken)
	for {
		tok, err := scanner.Scan(lexer)
		if err != nil || tok.Type < 0 {
			return
		}
		lexer.PrevTokenType = tok.Type
		s.tokens = append(s.tokens, tok)
		s.pace.step()
	}
}

// nesting finds the first token that lies too deep.
func (s *Source) nesting() (raddb.Pos, bool) {
	depth := 0
	for _, t := range s.tokens {
		switch t.Type {
		case '(', '{', '[', luaparse.TFunction, luaparse.TDo, luaparse.TIf, luaparse.TRepeat:
			depth++
		case ')', '}', ']', luaparse.TEnd, luaparse.TUntil:
			depth--
		}
		if depth > maxNesting {
			return s.tokenPos(t), true
		}
	}
	return raddb.Pos{}, false
}

func (s *Source) tokenPos(t ast.Token) raddb.Pos {
	return raddb.Pos{File: s.File, Line: t.Pos.Line, Col: t.Pos.Column}
}

// syntaxError tells a parse error, with the way of Lua 5.1 where newer syntax was meant.
func (s *Source) syntaxError(err error, errs *raddb.List) {
	var bad *luaparse.Error
	if !errors.As(err, &bad) {
		errs.Errorf(raddb.Pos{File: s.File}, "%v", err)
		return
	}
	if bad.Pos.Line == luaparse.EOF {
		at := raddb.Pos{File: s.File, Line: len(s.lines), Col: len(s.lines[len(s.lines)-1]) + 1}
		errs.Errorf(at, "the file ends too early; expected %s", s.missing())
		return
	}
	i := s.tokenAt(bad.Pos.Line, bad.Pos.Column)
	at := raddb.Pos{File: s.File, Line: bad.Pos.Line, Col: bad.Pos.Column}
	if i >= 0 && bad.Message == "syntax error" {
		at = s.tokenPos(s.tokens[i])
	}
	if hint, where, ok := s.newer(i, bad.Pos.Line); ok {
		if where.Line > 0 {
			at = where
		}
		errs.Errorf(at, "%s", hint)
		return
	}
	what := strings.TrimPrefix(bad.Message, "syntax error")
	if what != "" {
		errs.Errorf(at, "%s near %q", strings.ToLower(what[:1])+what[1:], bad.Token)
		return
	}
	errs.Errorf(at, "syntax error near %q", bad.Token)
}

// missing names what the innermost open block waits for.
func (s *Source) missing() string {
	var open []ast.Token
	elseIf := 0 // where an else is followed by an if of its own
	for i, t := range s.tokens {
		switch t.Type {
		case '(', '{', '[', luaparse.TFunction, luaparse.TDo, luaparse.TIf, luaparse.TRepeat:
			if t.Type == luaparse.TIf && i > 0 && s.tokens[i-1].Type == luaparse.TElse && s.tokens[i-1].Pos.Line == t.Pos.Line {
				elseIf = t.Pos.Line
			}
			open = append(open, t)
		case ')', '}', ']', luaparse.TEnd, luaparse.TUntil:
			open = open[:max(len(open)-1, 0)]
		}
	}
	if len(open) == 0 {
		return "more"
	}
	t := open[len(open)-1]
	closer := map[int]string{'(': ")", '{': "}", '[': "]", luaparse.TRepeat: "until"}[t.Type]
	if closer == "" {
		closer = "end"
	}
	hint := ""
	if elseIf > 0 && closer == "end" {
		hint = fmt.Sprintf("; the else if of line %d needs an end of its own: write elseif", elseIf)
	}
	return fmt.Sprintf("%q for the %q of line %d%s", closer, tokenText(t), t.Pos.Line, hint)
}

func tokenText(t ast.Token) string {
	if t.Str != "" {
		return t.Str
	}
	return t.Name
}

// tokenAt gives the index of the last token that starts at or before a place, -1 if none does.
func (s *Source) tokenAt(line, col int) int {
	found := -1
	for i, t := range s.tokens {
		if t.Pos.Line > line || t.Pos.Line == line && t.Pos.Column > col {
			break
		}
		found = i
	}
	return found
}

// compileError tells what lua.Compile found.
func (s *Source) compileError(err error, errs *raddb.List) {
	var bad *lua.CompileError
	if errors.As(err, &bad) {
		line := bad.Line
		if _, number, ok := strings.Cut(bad.Message, "<goto> at line "); ok {
			line, _ = strconv.Atoi(number) // the other is the end of the function
		}
		errs.Errorf(raddb.Pos{File: s.File, Line: line}, "%s", bad.Message)
		return
	}
	errs.Errorf(raddb.Pos{File: s.File}, "%v", err)
}
