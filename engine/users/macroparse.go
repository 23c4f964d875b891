package users

import (
	"errors"
	"fmt"
	"strings"

	"perilune/engine/dictionary"
)

// A MacroProblem is what is wrong with a macro text. The text can be used all the same: what it concerns
// gives nothing, or is taken as it stands.
type MacroProblem struct {
	Offset, End int // what it concerns, in octets from the beginning of the text
	Err         error
}

// Error gives what is wrong.
func (p MacroProblem) Error() string { return p.Err.Error() }

// ParseMacro compiles a text with the macros of GNU Radius. Names are those of the GNU dialect: NAS-Port-Id is
// number 5.
func ParseMacro(text string, d *dictionary.Dictionary) (*Macro, []MacroProblem) {
	p := macroParser{d: d, s: text}
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '\\' && p.i+1 < len(p.s):
			p.escape()
		case c != '%' || !p.macro():
			p.literal = append(p.literal, c)
			p.i++
		}
	}
	p.flush()
	return &Macro{p.parts}, p.problems
}

// ParseMessage is ParseMacro for texts that are shown on terminals: a line ends with CR LF.
func ParseMessage(text string, d *dictionary.Dictionary) (*Macro, []MacroProblem) {
	m, problems := ParseMacro(text, d)
	for i := range m.parts {
		s := strings.ReplaceAll(m.parts[i].Text, "\r\n", "\n")
		m.parts[i].Text = strings.ReplaceAll(s, "\n", "\r\n")
	}
	return m, problems
}

// A macroParser compiles one text.
type macroParser struct {
	d        *dictionary.Dictionary
	s        string
	i        int
	literal  []byte
	parts    []MacroPart
	problems []MacroProblem
}

func (p *macroParser) problem(at int, err error) {
	p.problems = append(p.problems, MacroProblem{at, p.i, err})
}

// flush makes a part of the text so far.
func (p *macroParser) flush() {
	if len(p.literal) > 0 {
		p.parts = append(p.parts, MacroPart{Kind: MacroText, Text: string(p.literal)})
		p.literal = p.literal[:0]
	}
}

// escape takes a backslash and what follows. Other letters keep their backslash.
func (p *macroParser) escape() {
	p.literal = appendMacroEscape(p.literal, p.s[p.i+1])
	p.i += 2
	if p.s[p.i-1] == '%' { // a backslash does not hide a macro
		p.literal = p.literal[:len(p.literal)-1]
		p.i--
	}
}

func appendMacroEscape(dst []byte, c byte) []byte {
	if e, ok := escapes[c]; ok && c != 'v' {
		return append(dst, e)
	}
	if c == '\\' {
		return append(dst, c)
	}
	return append(dst, '\\', c)
}

// shortcuts are the one-letter macros.
var shortcuts = map[byte]struct {
	kind MacroKind
	name string
}{
	'u': {MacroRequest, "User-Name"}, 'n': {MacroRequest, "NAS-IP-Address"}, 'p': {MacroRequest, "NAS-Port-Id"},
	'i': {MacroRequest, "Calling-Station-Id"}, 's': {MacroRequest, "Connect-Info"},
	'f': {MacroReply, "Framed-IP-Address"}, 't': {MacroReply, "Framed-MTU"}, 'a': {MacroReply, "Framed-Protocol"},
	'c': {MacroReply, "Callback-Number"},
}

// macro takes what a percent sign begins; false, with nothing taken, if that is no macro.
func (p *macroParser) macro() bool {
	start := p.i
	part := MacroPart{Quoted: p.i > 0 && (p.s[p.i-1] == '"' || p.s[p.i-1] == '\'')}
	i := p.i + 1
	if i < len(p.s) && p.s[i] == '\\' {
		part.Quoted = true
		i++
	}
	if i >= len(p.s) {
		return false
	}
	c := p.s[i]
	p.i = i + 1
	if c == '%' && i == start+1 {
		p.literal = append(p.literal, c)
		return true
	}
	if p.taken(c, &part, start) {
		p.flush()
		p.parts = append(p.parts, part)
		return true
	}
	p.i = start
	return false
}

// taken fills the part for the letter of a macro; what follows the letter is next.
func (p *macroParser) taken(c byte, part *MacroPart, start int) bool {
	switch c {
	case 'C':
		return p.reference(MacroRequest, part, start)
	case 'R':
		return p.reference(MacroReply, part, start)
	case 'D', 'G':
		part.Kind, part.GMT = MacroTime, c == 'G'
		part.Ref = p.d.Known.AcctDelayTime.AnyTag()
		return true
	}
	s, ok := shortcuts[c]
	if ok {
		part.Kind = s.kind
		p.resolve(part, s.name, start)
	}
	return ok
}

// reference takes the number or the braces behind %C and %R. The backslash of `%C\{name}` quotes, too.
func (p *macroParser) reference(kind MacroKind, part *MacroPart, start int) bool {
	part.Kind = kind
	rest := p.s[p.i:]
	if strings.HasPrefix(rest, `\{`) {
		part.Quoted = true
		p.i, rest = p.i+1, rest[1:]
	}
	if strings.HasPrefix(rest, "{") {
		return p.braces(part, rest[1:], start)
	}
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	if n == 0 {
		return false
	}
	p.i += n
	p.resolve(part, rest[:n], start)
	return true
}

func (p *macroParser) braces(part *MacroPart, rest string, start int) bool {
	end := strings.IndexByte(rest, '}')
	if end < 0 {
		p.problem(start, fmt.Errorf(`%q has no "}"; it is taken as it stands`, p.s[start:p.i+1]))
		return false
	}
	p.i += 1 + end + 1
	name := rest[:end]
	if i := strings.IndexByte(name, ':'); i >= 0 && i+1 < len(name) && strings.IndexByte("-=+?", name[i+1]) >= 0 {
		part.Mode, part.Text = name[i+1], p.plain(name[i+2:], start)
		name = name[:i]
	}
	p.resolve(part, name, start)
	if part.Mode == '=' && part.Kind != MacroNothing {
		p.assigned(part, start)
	}
	return true
}

// plain gives the text behind :- and its like, in which there are escapes but no macros.
func (p *macroParser) plain(text string, start int) string {
	if strings.Contains(text, "%C") || strings.Contains(text, "%R") {
		p.problem(start, errors.New("macros are not expanded within the braces of another one"))
	}
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			out = appendMacroEscape(out, text[i])
			continue
		}
		out = append(out, text[i])
	}
	return string(out)
}

// assigned makes the value that {name:=text} adds.
func (p *macroParser) assigned(part *MacroPart, start int) {
	v, err := encode(nil, part.Ref.Attr, []byte(part.Text))
	if err != nil {
		p.problem(start, err)
		part.Mode = '-'
		return
	}
	part.value = v
}

// resolve finds the attribute by its name or number. One that does not exist gives nothing.
func (p *macroParser) resolve(part *MacroPart, name string, start int) {
	if name != "" && strings.Trim(name, "0123456789") == "" {
		part.Ref = p.numbered(name).AnyTag()
		if part.Ref.Attr != nil {
			return
		}
	}
	ref, err := p.d.ResolveGNU(name)
	if err != nil {
		p.problem(start, err)
		*part = MacroPart{Kind: MacroNothing}
		return
	}
	part.Ref = ref
}

// numbered finds the attribute of a number: of the wire, or of those that never leave the server.
func (p *macroParser) numbered(digits string) *dictionary.Attribute {
	n := 0
	for _, c := range []byte(digits) {
		n = min(n*10+int(c-'0'), 1<<30)
	}
	for _, a := range p.d.Attributes() {
		if a.Internal && int(a.Number) == n && a.Number != 0 {
			return a
		}
	}
	if n == 0 || n > 255 {
		return nil
	}
	return p.d.ByNumber(byte(n))
}
