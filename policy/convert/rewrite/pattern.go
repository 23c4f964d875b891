package rewrite

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A pattern is a regular expression of POSIX, translated.
type pattern struct {
	re2     string
	groups  int
	always  []bool // whether the group takes part in every match; by its number, [0] is the whole
	escapes bool   // has `\.` or the like, which the old server took for the sign alone
	lua     string // the same as a pattern of Lua, if that means exactly the same; else ""
	plain   string // what it finds, if it is a text without signs; see isPlain
	isPlain bool
	begin   bool // plain text stands at the beginning
	end     bool // ... at the end
}

// translate turns a POSIX regular expression, basic or extended, into RE2's syntax.
func translate(source string, f flags) (*pattern, error) {
	t := &translator{source: source, flags: f, out: &pattern{always: []bool{true}}}
	if err := t.alternatives(); err != nil {
		return nil, err
	}
	p := t.out
	p.re2 = t.b.String()
	if prefix := f.prefix(p.re2); prefix != "" {
		p.re2 = "(?" + prefix + ")" + p.re2
	}
	// The expression is matched octet by octet; here only its form is judged.
	if _, err := regexp.Compile("(?s)" + latin1(p.re2)); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	t.simple()
	return p, nil
}

// prefix gives the flags that an expression needs in RE2's syntax. Without them a point means every octet, and
// ^ and $ the ends of the text.
func (f flags) prefix(re2 string) (prefix string) {
	if f.icase {
		prefix = "i"
	}
	if f.newline && strings.ContainsAny(re2, ".^$") {
		prefix += "m-s"
	}
	return prefix
}

// latin1 gives each octet as a character.
func latin1(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

// A translator goes once through a regular expression.
type translator struct {
	source string
	i      int
	flags  flags
	out    *pattern
	b      strings.Builder
	depth  int
	loose  int    // inside so many alternatives or repetitions that may be skipped
	atoms  []atom // at the top level, for simple
}

// An atom is a part of a pattern without groups, kept to see whether Lua's patterns can say it.
type atom struct {
	kind  byte   // c one character, . any, [ a set, ( ) group signs, ^ $ anchors, ? what Lua cannot say
	text  string // the character, or the set as Lua has it
	times string // "", *, +, ?
}

func (t *translator) peek(text string) bool { return strings.HasPrefix(t.source[t.i:], text) }

// sign gives a sign of the syntax as this dialect writes it: basic ones have a backslash.
func (t *translator) sign(s string) string {
	if t.flags.extended {
		return s
	}
	return `\` + s
}

// alternatives reads up to the end of a group or of the expression.
func (t *translator) alternatives() error {
	if t.depth++; t.depth > 50 {
		return errors.New("groups are nested deeper than 50")
	}
	defer func() { t.depth-- }()
	first := len(t.out.always)
	for {
		if err := t.branch(); err != nil {
			return err
		}
		if !t.peek(t.sign("|")) {
			return nil
		}
		t.i += len(t.sign("|"))
		t.b.WriteByte('|')
		t.atoms = append(t.atoms, atom{kind: '?'})
		for i := first; i < len(t.out.always); i++ {
			t.out.always[i] = false
		}
		t.loose++
		defer func() { t.loose-- }()
	}
}

// branch reads a sequence of repeated atoms.
func (t *translator) branch() error {
	for begin := true; t.i < len(t.source) && !t.peek(t.sign("|")) && !(t.peek(t.sign(")")) && t.depth > 1); begin = false {
		if t.flags.extended && t.peek(")") {
			t.literal(')') // one that closes nothing stands for itself
			t.i++
			continue
		}
		first, start := len(t.out.always), t.b.Len()
		anchor, err := t.atom(begin)
		if err != nil {
			return err
		}
		if anchor {
			if !t.flags.extended && t.peek("*") {
				t.literal('*')
				t.i++
			}
			continue
		}
		if err := t.repeats(first, start); err != nil {
			return err
		}
	}
	return nil
}

// atom reads one atom; anchor is true if it is ^ or $.
func (t *translator) atom(begin bool) (anchor bool, err error) {
	c := t.source[t.i]
	switch {
	case t.peek(t.sign("(")):
		return false, t.group()
	case c == '\\':
		return t.escape()
	case c == '[':
		return false, t.set()
	case c == '.':
		t.b.WriteByte('.')
		t.atoms = append(t.atoms, atom{kind: '.'})
	case c == '^' && (begin || t.flags.extended):
		t.anchor('^')
		t.i++
		return true, nil
	case c == '$' && (t.flags.extended || t.ends()):
		t.anchor('$')
		t.i++
		return true, nil
	default: // also a repetition that follows nothing
		t.literal(c)
	}
	t.i++
	return false, nil
}

func (t *translator) anchor(c byte) {
	t.b.WriteByte(c)
	t.atoms = append(t.atoms, atom{kind: c})
}

// ends reports whether a $ of a basic expression is an anchor.
func (t *translator) ends() bool {
	rest := t.source[t.i+1:]
	return rest == "" || strings.HasPrefix(rest, `\)`) || strings.HasPrefix(rest, `\|`)
}

func (t *translator) literal(c byte) {
	t.b.WriteString(quoteOctet(c))
	t.atoms = append(t.atoms, atom{kind: 'c', text: string([]byte{c})})
}

// quoteOctet writes one octet of an expression.
func quoteOctet(c byte) string {
	if c < ' ' || c >= 0x7f {
		return fmt.Sprintf(`\x%02x`, c)
	}
	return regexp.QuoteMeta(string(c))
}

func (t *translator) group() error {
	at := t.i
	t.i += len(t.sign("("))
	t.b.WriteByte('(')
	t.atoms = append(t.atoms, atom{kind: '('})
	t.out.groups++
	t.out.always = append(t.out.always, t.loose == 0)
	if err := t.alternatives(); err != nil {
		return err
	}
	if !t.peek(t.sign(")")) {
		return fmt.Errorf("the group %q is not closed", t.source[at:])
	}
	t.i += len(t.sign(")"))
	t.b.WriteByte(')')
	t.atoms = append(t.atoms, atom{kind: ')'})
	return nil
}

// escape reads a backslash and what follows it.
func (t *translator) escape() (anchor bool, err error) {
	if t.i+1 == len(t.source) {
		return false, errors.New("a backslash at the end")
	}
	c := t.source[t.i+1]
	t.i += 2
	switch {
	case c >= '1' && c <= '9':
		return false, fmt.Errorf(`the back-reference \%c: what a group has matched cannot be asked for again`, c)
	case c == ')' && !t.flags.extended:
		return false, errors.New(`\) closes no group`)
	case c == '{' && !t.flags.extended:
		return false, errors.New(`\{ follows nothing`)
	case strings.IndexByte("wW", c) >= 0:
		t.b.WriteString(map[byte]string{'w': "[0-9A-Za-z_]", 'W': "[^0-9A-Za-z_]"}[c])
		t.atoms = append(t.atoms, atom{kind: '?'})
	case strings.IndexByte("bB<>", c) >= 0:
		t.b.WriteString(map[byte]string{'b': `\b`, 'B': `\B`, '<': `\b`, '>': `\b`}[c])
		t.atoms = append(t.atoms, atom{kind: '?'})
		return true, nil
	default:
		t.out.escapes = t.out.escapes || strings.IndexByte(".*[]^$+?/-", c) >= 0
		t.literal(c)
	}
	return false, nil
}

// repeats reads what repeats the atom that began at start.
func (t *translator) repeats(first, start int) error {
	for n := 0; t.i < len(t.source); n++ {
		times, length, err := t.repetition()
		if err != nil || length == 0 {
			return err
		}
		t.i += length
		if n > 0 { // RE2 refuses two in a row
			body := t.b.String()[start:]
			head := t.b.String()[:start]
			t.b.Reset()
			t.b.WriteString(head + "(?:" + body + ")")
			t.atoms = append(t.atoms, atom{kind: '?'})
		}
		t.b.WriteString(times)
		last := &t.atoms[len(t.atoms)-1]
		last.times = times
		if len(times) > 1 || last.kind == ')' {
			last.kind = '?'
		}
		if times[0] != '+' && !strings.HasPrefix(times, "{1") {
			for i := first; i < len(t.out.always); i++ {
				t.out.always[i] = false
			}
		}
	}
	return nil
}

// repetition looks at one repetition: how RE2 writes it, and its length here, 0 if there is none.
func (t *translator) repetition() (times string, length int, err error) {
	for _, s := range []string{"*", t.sign("+"), t.sign("?")} {
		if t.peek(s) {
			return s[len(s)-1:], len(s), nil
		}
	}
	open, shut := t.sign("{"), t.sign("}")
	if !t.peek(open) {
		return "", 0, nil
	}
	rest := t.source[t.i+len(open):]
	bounds, _, ok := strings.Cut(rest, shut)
	low, high, both := strings.Cut(bounds, ",")
	m, err1 := strconv.Atoi(low)
	n, err2 := strconv.Atoi(high)
	switch {
	case low == "" && both && ok:
		m, err1 = 0, nil
	case high == "":
		n, err2 = m, nil
	}
	switch {
	case !ok, err1 != nil, err2 != nil, m > n:
		if t.flags.extended && !ok {
			return "", 0, nil
		}
		return "", 0, fmt.Errorf("the repetition %s is none", open+bounds)
	case n > 255:
		return "", 0, fmt.Errorf("the repetition %s is above 255", open+bounds+shut)
	}
	length = len(open) + len(bounds) + len(shut)
	switch {
	case !both:
		return fmt.Sprintf("{%d}", m), length, nil
	case high == "":
		return fmt.Sprintf("{%d,}", m), length, nil
	}
	return fmt.Sprintf("{%d,%d}", m, n), length, nil
}
