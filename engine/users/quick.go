package users

import (
	"bytes"

	"perilune/engine/dictionary"
)

// Most entries of a large file are alike: a bare name, an order for a password, and reply lines that stand in
// thousands of entries or differ in an address alone. These are read line by line, without tokens, into the same
// records. What is in any way else, or wrong, is left to the parser and the compiler from its beginning.

// quick compiles the entry that begins here, in the FreeRADIUS dialect, if it is a plain one. False: nothing was read.
func (r *fileReader) quick() bool {
	c := &r.loader.compiler
	if r.lang.dialect != FreeRADIUS || r.lang.mixed || c.o.slow {
		return false
	}
	c.checks, c.reply = c.checks[:0], c.reply[:0]
	at, line := r.i, r.line
	rest, ok := r.quickLine(at)
	if !ok {
		return false
	}
	label := quickLabel(rest)
	if label == nil || !c.quickPair(blanksOff(rest[len(label):]), checkSide) {
		return false
	}
	next := at + len(rest) + 1
	line++
	if next, line, ok = r.quickReply(next, line); !ok || len(c.checks) > maxList || len(c.reply) > maxList {
		return false
	}
	if !c.quickAdd(label, header{r.line, r.id, flagFreeRADIUS}) {
		return false
	}
	r.i, r.lineStart, r.line = next, next, line
	return true
}

// quickLine gives the line from an offset on, without its newline; false if the window does not hold all of it.
func (r *fileReader) quickLine(at int) ([]byte, bool) {
	n := bytes.IndexByte(r.b[at:], '\n')
	if n < 0 {
		return nil, false
	}
	return r.b[at : at+n], true
}

// quickLabel gives the bare name that a line begins with, nil for what needs a closer look.
func quickLabel(line []byte) []byte {
	n := 0
	for n < len(line) && line[n] > ' ' {
		if line[n] == '\\' {
			return nil
		}
		n++
	}
	if n == 0 || n > maxName {
		return nil
	}
	switch line[0] {
	case '"', '\'', ',', '$', '#':
		return nil
	case 'B', 'D':
		if bytes.HasPrefix(line, []byte("BEGIN")) || bytes.HasPrefix(line, []byte("DEFAULT")) {
			return nil
		}
	}
	return line[:n]
}

// quickReply compiles the reply lines from an offset on, and gives where the next entry begins. False if there is
// more to say of one of them, or if the window ends before the entry does.
func (r *fileReader) quickReply(at, line int) (next, nextLine int, ok bool) {
	c := &r.loader.compiler
	for more := true; at < len(r.b); line++ {
		switch r.b[at] {
		case '\n':
			at++
			continue
		case ' ', '\t', '\r', '#':
		default:
			return at, line, r.b[at] > ' ' && !(more && len(c.reply) > 0)
		}
		rest, ok := r.quickLine(at)
		if !ok {
			return 0, 0, false
		}
		at += len(rest) + 1
		if rest[0] == '#' || len(rest) == 1 && rest[0] == '\r' {
			continue
		}
		if !more {
			return 0, 0, false
		}
		text := blanksOff(rest)
		if more = len(text) > 0 && text[len(text)-1] == ','; more {
			text = blanksOff(text[:len(text)-1])
		}
		if len(text) == 0 || !c.quickPair(text, replySide) {
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// blanksOff takes the blanks off both ends.
func blanksOff(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

// quickPair appends what a text compiles to: nothing, one pair that is in the memo, or one of a known form.
func (c *compiler) quickPair(text []byte, s side) bool {
	if len(text) == 0 {
		return true
	}
	list := &c.checks
	if s == replySide {
		list = &c.reply
	}
	for i := range c.forms[s] {
		f := &c.forms[s][i]
		if len(text) > len(f.prefix) && string(text[:len(f.prefix)]) == string(f.prefix) {
			if longer, ok := f.append(*list, text[len(f.prefix):], c.o.Stored); ok {
				*list = longer
				return true
			}
			break
		}
	}
	slot := c.memo.slot(text, s, FreeRADIUS)
	if !slot.holds(text, s, FreeRADIUS) {
		return false
	}
	*list = append(*list, slot.use(c.table)...)
	return true
}

// quickAdd adds the record of an entry of a name.
func (c *compiler) quickAdd(label []byte, h header) bool {
	h.flags |= c.checkFlags() | c.replyFlags()
	t := c.table
	p, err := t.add(h, label, c.checks, c.reply)
	if err != nil {
		return false // it is told of once more, with its place
	}
	t.entries++
	t.named++
	t.lastNamed = p
	if c.o.quickly != nil {
		*c.o.quickly++
	}
	return true
}

// A form is how an attribute's values are written and compiled: all that stands before the value, and what the pair
// begins with.
type form struct {
	prefix []byte // attribute, operator and blanks as written
	attr   *dictionary.Attribute
	head   int
	room   int  // octets that a value may have
	stored bool // a password, which Options.Stored is to see
}

// maxForms bounds the forms of each list: they are tried in turn.
const maxForms = 4

// learn notes the form of a pair that was compiled without a word, if further values of it can be compiled alone: texts
// in double quotes and IPv4 addresses of attributes about which nothing else is to be known.
func (c *compiler) learn(n *name, p *rawPair, s side) {
	forms := &c.forms[s]
	if c.dialect != FreeRADIUS || len(*forms) == maxForms || n.attr().Codec != nil || n.attr().IsField() {
		return
	}
	head := pair{attr: n.id, tag: n.ref.Tag}
	switch {
	case s == checkSide && p.op == opSet && n.attr() == c.names.d.Known.CleartextPassword:
		head.kind = setReplace
	case s == replySide && n.class == classPlain && !neverInReply(n.attr()) && n.attr() != c.names.d.Known.ReplaceUserName:
		if !c.replyKind(p, &head) {
			return
		}
	default:
		return
	}
	text := n.attr().Type == dictionary.TypeString && p.value.quote == '"'
	address := n.attr().Type == dictionary.TypeIPv4Addr && p.value.quote == 0
	if prefix := c.window[p.name.start:p.value.start]; (text || address) && !c.knowsForm(prefix, s) {
		*forms = append(*forms, form{prefix: bytes.Clone(prefix), attr: n.attr(), head: c.table.head(&head), room: room(n.attr()), stored: s == checkSide})
	}
}

func (c *compiler) knowsForm(prefix []byte, s side) bool {
	for i := range c.forms[s] {
		if bytes.Equal(c.forms[s][i].prefix, prefix) {
			return true
		}
	}
	return false
}

// append compiles a value of the form.
func (f *form) append(dst, value []byte, stored func(*dictionary.Attribute, []byte) error) ([]byte, bool) {
	var address [4]byte
	if f.attr.Type == dictionary.TypeIPv4Addr {
		if !quickAddress(&address, value) {
			return dst, false
		}
		value = address[:]
		return appendPair(dst, f.head, value), true
	}
	if value = quickText(value); len(value) == 0 || len(value) > f.room {
		return dst, false
	}
	if f.stored && stored != nil && stored(f.attr, value) != nil {
		return dst, false
	}
	return appendPair(dst, f.head, value), true
}

// quickText gives the octets between double quotes, nil if they are not to be taken as they stand.
func quickText(b []byte) []byte {
	last := len(b) - 1
	if last < 2 || b[0] != '"' || b[last] != '"' || b[1] == '=' {
		return nil
	}
	for _, c := range b[1:last] {
		if c == '"' || c == '\\' || c == '%' {
			return nil
		}
	}
	return b[1:last]
}

// quickAddress reads an IPv4 address in its one plain form.
func quickAddress(to *[4]byte, b []byte) bool {
	part, digits, n := 0, 0, 0
	for _, c := range b {
		switch {
		case c == '.' && digits > 0 && part < 3:
			to[part] = byte(n)
			part, digits, n = part+1, 0, 0
		case c >= '0' && c <= '9' && !(digits > 0 && n == 0):
			digits++
			if n = n*10 + int(c-'0'); n > 255 {
				return false
			}
		default:
			return false
		}
	}
	to[3] = byte(n)
	return part == 3 && digits > 0
}
