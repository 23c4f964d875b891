package users

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// An expansion is compiled into a small program that lies in the record: a sequence of steps, each an octet
// and its operands. What a step inserts is never looked at again.
const (
	stepLiteral   = iota + 1 // length (2), octets
	stepAttribute            // list (1), attribute (2), tag (1), index (1)
	stepCapture              // number (1)
	stepTime                 // letter (1)
	stepElse                 // lengths (2, 2), program, program if the first gives nothing
)

// The lists that an expansion reads.
const (
	listRequest = iota
	listReply
	listControl
)

// Indexes of stepAttribute beyond the values themselves.
const (
	indexAll   = 0xff // all, separated by commas
	indexCount = 0xfe
)

const (
	maxExpansion = 4096 // octets that an expansion may give
	maxNesting   = 16
)

// An expander compiles one text.
type expander struct {
	names *names
	table *Table
	s     []byte
	i     int
	depth int
}

// expansion compiles a text of the FreeRADIUS dialect that holds % signs.
func (c *compiler) expansion(text []byte, at raddb.Pos) ([]byte, bool) {
	x := expander{names: &c.names, table: c.table, s: text}
	program, err := x.sequence(nil, "")
	if err == nil && len(program) > maxValue {
		err = fmt.Errorf("the text with its expansions has %d octets; expected less than %d", len(text), maxValue/2)
	}
	if err != nil {
		c.errs.Errorf(at, "%v", err)
		return nil, false
	}
	return program, true
}

// sequence compiles up to the text that ends it, which is consumed; "" for the end of all.
func (x *expander) sequence(program []byte, end string) ([]byte, error) {
	if x.depth++; x.depth > maxNesting {
		return nil, fmt.Errorf("expansions are nested more than %d deep", maxNesting)
	}
	defer func() { x.depth-- }()
	for x.i < len(x.s) {
		if end != "" && bytes.HasPrefix(x.s[x.i:], []byte(end)) {
			x.i += len(end)
			return program, nil
		}
		if x.s[x.i] != '%' {
			program = x.literal(program, end)
			continue
		}
		var err error
		if program, err = x.percent(program); err != nil {
			return nil, err
		}
	}
	if end != "" {
		return nil, fmt.Errorf("an expansion begins with %%{ and has no %q", end)
	}
	return program, nil
}

func (x *expander) literal(program []byte, end string) []byte {
	n := 1
	for rest := x.s[x.i:]; n < len(rest) && rest[n] != '%'; n++ {
		if end != "" && bytes.HasPrefix(rest[n:], []byte(end)) {
			break
		}
	}
	program = appendLiteral(program, x.s[x.i:x.i+n])
	x.i += n
	return program
}

func appendLiteral(program, text []byte) []byte {
	program = append(program, stepLiteral, byte(len(text)), byte(len(text)>>8))
	return append(program, text...)
}

// letters are the one-letter expansions that stand for an attribute.
var letters = map[byte]struct {
	list byte
	name string
}{
	'u': {listRequest, "User-Name"}, 'n': {listRequest, "NAS-IP-Address"}, 'p': {listRequest, "NAS-Port"},
	'i': {listRequest, "Calling-Station-Id"}, 's': {listRequest, "Connect-Info"},
	'f': {listReply, "Framed-IP-Address"}, 'a': {listReply, "Framed-Protocol"}, 'c': {listReply, "Callback-Number"},
}

// timeLetters are those that stand for the time of the request.
const timeLetters = "dlmtDGHSTY"

func (x *expander) percent(program []byte) ([]byte, error) {
	x.i++
	if x.i == len(x.s) {
		return nil, fmt.Errorf("found %% at the end of the text; write %%%% for a percent sign")
	}
	c := x.s[x.i]
	x.i++
	switch {
	case c == '%':
		return appendLiteral(program, []byte{'%'}), nil
	case c == '{':
		return x.brace(program)
	case strings.IndexByte(timeLetters, c) >= 0:
		return append(program, stepTime, c), nil
	}
	l, ok := letters[c]
	if !ok {
		return nil, fmt.Errorf(`found %%%c; expected %%{Attribute-Name}, or %%%% for a percent sign`, c)
	}
	return x.attribute(program, l.list, l.name)
}

// brace compiles what stands in %{...}; the opening brace is consumed.
func (x *expander) brace(program []byte) ([]byte, error) {
	if x.i < len(x.s) && x.s[x.i] == '%' {
		first, err := x.sequence(nil, ":-")
		if err != nil {
			return nil, err
		}
		return x.otherwise(program, first)
	}
	n := bytes.IndexByte(x.s[x.i:], '}')
	if n < 0 {
		return nil, errors.New(`an expansion begins with %{ and has no "}"`)
	}
	text := string(x.s[x.i : x.i+n])
	if i := strings.Index(text, ":-"); i >= 0 {
		x.i += i + 2
		first, err := x.reference(nil, text[:i])
		if err != nil {
			return nil, err
		}
		return x.otherwise(program, first)
	}
	x.i += n + 1
	return x.reference(program, text)
}

// otherwise compiles the text after `:-` and joins both.
func (x *expander) otherwise(program, first []byte) ([]byte, error) {
	second, err := x.sequence(nil, "}")
	if err != nil {
		return nil, err
	}
	program = append(program, stepElse, byte(len(first)), byte(len(first)>>8), byte(len(second)), byte(len(second)>>8))
	return append(append(program, first...), second...), nil
}

// reference compiles the name in the braces: a capture, or an attribute of one of the lists.
func (x *expander) reference(program []byte, text string) ([]byte, error) {
	if len(text) == 1 && text[0] >= '0' && text[0] <= '8' {
		x.table.captures = true
		return append(program, stepCapture, text[0]-'0'), nil
	}
	list, rest, ok := strings.Cut(strings.TrimPrefix(text, "&"), ":")
	if !ok {
		return x.attribute(program, listRequest, list)
	}
	switch list {
	case "request":
		return x.attribute(program, listRequest, rest)
	case "reply":
		return x.attribute(program, listReply, rest)
	case "control", "config", "check":
		return x.attribute(program, listControl, rest)
	}
	if rest != "" && strings.Trim(rest, "0123456789") == "" {
		return x.attribute(program, listRequest, list+":"+rest)
	}
	return nil, fmt.Errorf(`%%{%s:...} cannot be had; write a computed value "=expression", or a reply hook`, list)
}

func (x *expander) attribute(program []byte, list byte, text string) ([]byte, error) {
	index := byte(0)
	if i := strings.IndexByte(text, '['); i > 0 && strings.HasSuffix(text, "]") {
		switch number := text[i+1 : len(text)-1]; {
		case number == "*":
			index = indexAll
		case number == "#":
			index = indexCount
		case len(number) == 1 && number[0] >= '0' && number[0] <= '9':
			index = number[0] - '0'
		default:
			return nil, fmt.Errorf("the index of %s is %q; expected 0 to 9, * or #", text[:i], number)
		}
		text = text[:i]
	}
	n := x.names.get([]byte(text), FreeRADIUS)
	if n.err != nil {
		return nil, n.err
	}
	return append(program, stepAttribute, list, byte(n.id), byte(n.id>>8), byte(n.ref.Tag), index), nil
}

// expand appends what a program gives for the request. It stops soon after maxExpansion octets.
func (t *Table) expand(dst, program []byte, q *Query) []byte {
	for len(program) > 0 && len(dst) <= maxExpansion {
		switch program[0] {
		case stepLiteral:
			n := 3 + int(order.Uint16(program[1:]))
			dst, program = append(dst, program[3:n]...), program[n:]
		case stepAttribute:
			dst, program = t.insert(dst, program[1:6], q), program[6:]
		case stepCapture:
			if n := int(program[1]); n < q.captured.n {
				dst = append(dst, q.captured.text[n]...)
			}
			program = program[2:]
		case stepTime:
			dst, program = t.appendTime(dst, program[1], q), program[2:]
		case stepElse:
			first, second := int(order.Uint16(program[1:])), int(order.Uint16(program[3:]))
			was := len(dst)
			if dst = t.expand(dst, program[5:5+first], q); len(dst) == was {
				dst = t.expand(dst, program[5+first:5+first+second], q)
			}
			program = program[5+first+second:]
		}
	}
	return dst
}

// insert appends the value of an attribute as text, nothing if there is none.
func (t *Table) insert(dst, operands []byte, q *Query) []byte {
	list := [...]*dictionary.List{q.Request, q.Reply, q.Control}[operands[0]]
	r := dictionary.Ref{Attr: t.attrs[order.Uint16(operands[1:])], Tag: int8(operands[3])}
	switch index := operands[4]; index {
	case indexCount:
		return fmt.Append(dst, list.Count(r))
	case indexAll:
		for i := 0; ; i++ {
			v, ok := list.Get(r, i)
			if !ok {
				return dst
			}
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = t.appendText(dst, r.Attr, v)
		}
	default:
		v, ok := list.Get(r, int(index))
		switch {
		case r.Attr == t.stripped && len(q.Stripped) < len(q.Name): // what Prefix and Suffix have left
			dst = append(dst, q.Stripped...)
		case ok:
			dst = t.appendText(dst, r.Attr, v)
		}
		return dst
	}
}

// appendText appends a value as the dialect prints it: as elsewhere, but dates as "Nov 14 2023 22:13:20 UTC".
func (t *Table) appendText(dst []byte, a *dictionary.Attribute, v []byte) []byte {
	seconds, ok := a.Uint(v)
	if a.Type != dictionary.TypeDate || !ok {
		return a.AppendText(dst, v)
	}
	return time.Unix(int64(seconds), 0).In(t.location).AppendFormat(dst, "Jan _2 2006 15:04:05 MST")
}

var timeLayouts = map[byte]string{
	'd': "02", 'm': "01", 'Y': "2006", 'D': "20060102", 'H': "15", 'G': "04", 't': "Mon Jan _2 15:04:05 2006",
	'S': "2006-01-02 15:04:05", 'T': "2006-01-02-15.04.05.000000",
}

func (t *Table) appendTime(dst []byte, letter byte, q *Query) []byte {
	if letter == 'l' {
		return fmt.Append(dst, q.Now.Unix())
	}
	return q.Now.In(t.location).AppendFormat(dst, timeLayouts[letter])
}
