package rewrite

import (
	"errors"
	"fmt"
	"strings"
)

// set reads a bracket expression.
func (t *translator) set() error {
	end := setEnd(t.source[t.i:])
	if end < 0 {
		return errors.New("a [ is not closed")
	}
	body := t.source[t.i+1 : t.i+end]
	t.i += end + 1
	re2, lua, ok, err := bracket(body, t.flags.newline)
	if err != nil {
		return err
	}
	t.b.WriteString(re2)
	a := atom{kind: '[', text: lua}
	if !ok {
		a.kind = '?'
	}
	t.atoms = append(t.atoms, a)
	return nil
}

// setEnd gives the place of the bracket that closes the set at the beginning of text, -1 if there is none.
func setEnd(text string) int {
	i := 1
	if i < len(text) && text[i] == '^' {
		i++
	}
	if i < len(text) && text[i] == ']' {
		i++
	}
	for i < len(text) && text[i] != ']' {
		if text[i] == '[' && i+1 < len(text) && strings.IndexByte(":.=", text[i+1]) >= 0 {
			n := strings.Index(text[i+2:], text[i+1:i+2]+"]")
			if n < 0 {
				return -1
			}
			i += n + 3
		}
		i++
	}
	if i >= len(text) {
		return -1
	}
	return i
}

// bracket writes the inside of a bracket expression for RE2 and, if ok, for Lua. A backslash is an ordinary
// character in it.
func bracket(body string, newline bool) (re2, lua string, ok bool, err error) {
	var r, l strings.Builder
	r.WriteByte('[')
	l.WriteByte('[')
	ok = true
	body, negated := strings.CutPrefix(body, "^")
	if negated {
		r.WriteByte('^')
		l.WriteByte('^')
		if newline {
			r.WriteString(`\n`)
			ok = false
		}
	}
	for i := 0; i < len(body); {
		item, n, class, err := setItem(body[i:])
		if err != nil {
			return "", "", false, err
		}
		i += n
		if class != "" {
			r.WriteString("[:" + class + ":]")
			l.WriteString(luaClasses[class])
			ok = ok && luaClasses[class] != ""
			continue
		}
		if i+1 >= len(body) || body[i] != '-' {
			r.WriteString(quoteInSet(item))
			l.WriteString(luaInSet(item))
			continue
		}
		last, n, class, err := setItem(body[i+1:])
		if err != nil || class != "" || last < item {
			return "", "", false, fmt.Errorf("the range %q is none", body[i-1:])
		}
		i += n + 1
		r.WriteString(quoteInSet(item) + "-" + quoteInSet(last))
		l.WriteString(string([]byte{item, '-', last}))
		ok = ok && isWord(item) && isWord(last)
	}
	if text := l.String(); len(text) == 3 && text[1] == '%' {
		return r.String() + "]", text[1:], ok, nil // a class alone, or a sign
	}
	return r.String() + "]", l.String() + "]", ok, nil
}

// luaClasses are the classes that Lua has for the same octets.
var luaClasses = map[string]string{
	"alpha": "%a", "digit": "%d", "alnum": "%w", "space": "%s", "upper": "%u", "lower": "%l", "xdigit": "%x", "punct": "%p",
	"cntrl": "%c",
}

// otherClasses are those that only RE2 has.
var otherClasses = map[string]bool{"blank": true, "graph": true, "print": true}

// setItem reads one character, [.c.], [=c=] or [:class:], and gives its length.
func setItem(body string) (c byte, n int, class string, err error) {
	if len(body) < 4 || body[0] != '[' || strings.IndexByte(":.=", body[1]) < 0 {
		return body[0], 1, "", nil
	}
	name, _, ok := strings.Cut(body[2:], body[1:2]+"]")
	n = len(name) + 4
	switch {
	case !ok:
		return body[0], 1, "", nil
	case body[1] != ':' && len(name) == 1:
		return name[0], n, "", nil
	case body[1] == ':' && (luaClasses[name] != "" || otherClasses[name]):
		return 0, n, name, nil
	}
	return 0, 0, "", fmt.Errorf("%q is no class of characters", body[:n])
}

func quoteInSet(c byte) string {
	switch {
	case c < ' ' || c >= 0x7f:
		return fmt.Sprintf(`\x%02x`, c)
	case strings.IndexByte(`\]^-[`, c) >= 0:
		return `\` + string(c)
	}
	return string(c)
}

func luaInSet(c byte) string {
	if strings.IndexByte("^]%-[", c) >= 0 {
		return "%" + string([]byte{c})
	}
	return string([]byte{c})
}

// luaLiteral writes one octet in a pattern of Lua.
func luaLiteral(c byte) string {
	if strings.IndexByte("^$()%.[]*+-?", c) >= 0 {
		return "%" + string([]byte{c})
	}
	return string([]byte{c})
}

// simple finds out whether the pattern is a mere text, or whether Lua's own patterns say exactly the same.
// Those take the first way that fits with each part as long as it can be; that is POSIX's longest match if the
// end is fixed, or if only the last part has a choice.
func (t *translator) simple() {
	p := t.out
	if t.flags.icase || t.flags.newline {
		return
	}
	atoms := t.atoms
	p.begin = len(atoms) > 0 && atoms[0].kind == '^'
	if p.begin {
		atoms = atoms[1:]
	}
	p.end = len(atoms) > 0 && atoms[len(atoms)-1].kind == '$'
	if p.end {
		atoms = atoms[:len(atoms)-1]
	}
	p.isPlain = true
	choices, last := 0, false
	var lua strings.Builder
	for _, a := range atoms {
		text, ok := a.lua()
		if !ok {
			p.isPlain, p.plain = false, ""
			return
		}
		lua.WriteString(text)
		last = a.times != ""
		if last {
			choices++
		}
		p.isPlain = p.isPlain && a.kind == 'c' && a.times == ""
		p.plain += a.text
	}
	if !p.isPlain {
		p.plain = ""
	}
	if !p.end && choices > 0 && !(choices == 1 && last) || strings.Contains(lua.String(), "()") || lua.Len() == 0 {
		return
	}
	p.lua = lua.String()
	if p.begin {
		p.lua = "^" + p.lua
	}
	if p.end {
		p.lua += "$"
	}
}

// lua gives the part in a pattern of Lua.
func (a atom) lua() (text string, ok bool) {
	switch a.kind {
	case 'c':
		return luaLiteral(a.text[0]) + a.times, a.text != "\x00"
	case '[':
		return a.text + a.times, !strings.Contains(a.text, "\x00")
	case '.':
		return "." + a.times, true
	case '(', ')':
		return string(a.kind), a.times == ""
	}
	return "", false
}
