package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
)

// CodecExample gives a value of an attribute's codec as text, "" if it has none.
func CodecExample(a *dictionary.Attribute) string {
	c, ok := a.Codec.(*codec)
	if !ok {
		return ""
	}
	return codecText(c.examples[0].value)
}

// codecText gives a value as text for people and users files: text and numbers as they stand, a table as
// {slot=2,port=3,name='x'}.
func codecText(v lua.LValue) string {
	if v.Type() != lua.LTTable {
		return v.String()
	}
	var b strings.Builder
	writeCodecText(&b, v)
	return b.String()
}

func writeCodecText(b *strings.Builder, v lua.LValue) {
	switch v := v.(type) {
	case lua.LString:
		writeCodecString(b, string(v))
	case *lua.LTable:
		b.WriteByte('{')
		first := true
		for i := 1; i <= v.Len(); i++ {
			writeComma(b, &first)
			writeCodecText(b, v.RawGetInt(i))
		}
		each(v, func(k, item lua.LValue) bool {
			if n, ok := k.(lua.LNumber); ok && n >= 1 && n <= lua.LNumber(v.Len()) {
				return true
			}
			writeComma(b, &first)
			writeCodecKey(b, k)
			writeCodecText(b, item)
			return true
		})
		b.WriteByte('}')
	default:
		b.WriteString(v.String())
	}
}

func writeComma(b *strings.Builder, first *bool) {
	if !*first {
		b.WriteByte(',')
	}
	*first = false
}

func writeCodecKey(b *strings.Builder, k lua.LValue) {
	if name, ok := k.(lua.LString); ok && isCodecName(string(name)) {
		b.WriteString(string(name) + "=")
		return
	}
	b.WriteByte('[')
	writeCodecText(b, k)
	b.WriteString("]=")
}

// writeCodecString writes text in single quotes, since the whole often stands in double ones; octets that are not
// printable ASCII become \ddd.
func writeCodecString(b *strings.Builder, s string) {
	b.WriteByte('\'')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(b, "\\%03d", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
}

func isCodecName(name string) bool {
	return identifier(name) && name != "true" && name != "false" || name == "req"
}

// parseCodecText reads what codecText writes. like is a value of the codec: it says whether text without braces is
// a number, a boolean or text.
func parseCodecText(text string, like lua.LValue) (lua.LValue, error) {
	switch like.Type() {
	case lua.LTTable:
		p := &codecParser{rest: text}
		v, err := p.value(0)
		if err == nil && v.Type() != lua.LTTable {
			err = errors.New("it is no table")
		}
		if err == nil && p.peek() != 0 {
			err = fmt.Errorf("%q stands behind the table", p.rest)
		}
		return v, err
	case lua.LTNumber:
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, errors.New("it is no number")
		}
		return lua.LNumber(n), nil
	case lua.LTBool:
		if text == "true" || text == "false" {
			return lua.LBool(text == "true"), nil
		}
		return nil, errors.New("it is neither true nor false")
	}
	return lua.LString(text), nil
}

// A codecParser reads a table as text.
type codecParser struct{ rest string }

// peek skips blanks and gives the next character, 0 at the end.
func (p *codecParser) peek() byte {
	p.rest = strings.TrimLeft(p.rest, " \t")
	if p.rest == "" {
		return 0
	}
	return p.rest[0]
}

// take skips the character if it is next.
func (p *codecParser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *codecParser) value(depth int) (lua.LValue, error) {
	switch c := p.peek(); {
	case depth > maxPlainDepth:
		return nil, fmt.Errorf("tables are nested more than %d deep", maxPlainDepth)
	case c == '{':
		p.rest = p.rest[1:]
		return p.table(depth)
	case c == '\'' || c == '"':
		return p.quoted()
	}
	word := p.word()
	switch word {
	case "true", "false":
		return lua.LBool(word == "true"), nil
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no value; text stands in quotes", word)
	}
	return lua.LNumber(n), nil
}

// word takes all up to the next mark.
func (p *codecParser) word() string {
	p.peek()
	end := strings.IndexAny(p.rest, " \t,;=[]{}'\"")
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

func (p *codecParser) table(depth int) (lua.LValue, error) {
	t := &lua.LTable{Metatable: lua.LNil}
	for !p.take('}') {
		k, err := p.key(depth)
		if err != nil {
			return nil, err
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if k == nil {
			t.Append(v)
		} else {
			t.RawSet(k, v)
		}
		if !p.take(',') && !p.take(';') && p.peek() != '}' {
			return nil, errors.New("a , or } is missing")
		}
	}
	return t, nil
}

// key takes `name=` or `[value]=`; nil without one.
func (p *codecParser) key(depth int) (lua.LValue, error) {
	if p.take('[') {
		k, err := p.value(depth + 1)
		if err == nil && (!p.take(']') || !p.take('=')) {
			err = errors.New("]= is missing behind a key")
		}
		if err == nil && k.Type() == lua.LTTable {
			err = errors.New("a table is no key")
		}
		return k, err
	}
	before := p.rest
	if name := p.word(); isCodecName(name) && p.take('=') {
		return lua.LString(name), nil
	}
	p.rest = before
	return nil, nil
}

// quoted takes text in quotes: \ddd is an octet, any other escaped character stands for itself.
func (p *codecParser) quoted() (lua.LValue, error) {
	quote, b := p.rest[0], []byte(nil)
	s := p.rest[1:]
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			p.rest = s[i+1:]
			return lua.LString(b), nil
		case c != '\\' || i+1 == len(s):
			b = append(b, c)
		case i+3 < len(s) && digits(s[i+1:i+4]):
			n, err := strconv.ParseUint(s[i+1:i+4], 10, 8)
			if err != nil {
				return nil, fmt.Errorf("\\%s is no octet", s[i+1:i+4])
			}
			b, i = append(b, byte(n)), i+3
		default:
			b, i = append(b, s[i+1]), i+1
		}
	}
	return nil, errors.New("the text has no end")
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
