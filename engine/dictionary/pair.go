package dictionary

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendText appends `Name = value` in the form that users files and `perilune send` read: text quoted,
// tag after the name, fields of TLVs each by its own name, separated by ", ". Secret values are blanked
// if redact.
func (p *Pair) AppendText(dst []byte, redact bool) []byte {
	if len(p.Attr.children) > 0 && p.Attr.Fits(p.Value) {
		return appendFields(dst, p.Attr, p.Value, redact)
	}
	dst = append(dst, p.Attr.FullName()...)
	if p.Tag != 0 {
		dst = strconv.AppendUint(append(dst, ':'), uint64(p.Tag), 10)
	}
	return p.Attr.appendAssigned(dst, p.Value, redact)
}

// appendAssigned appends ` = value`.
func (a *Attribute) appendAssigned(dst, value []byte, redact bool) []byte {
	dst = append(dst, " = "...)
	switch {
	case redact && a.Secret:
		return append(dst, `"[secret]"`...)
	case a.Codec != nil:
		if text, ok := a.Codec.AppendText(nil, value); ok {
			return appendQuoted(dst, text)
		}
		return appendHex(dst, value)
	case a.Type == TypeString:
		return appendQuoted(dst, value)
	case a.Type == TypeABinary && isFilter(value): // words of which some look like operators
		return appendQuoted(dst, appendFilter(nil, value))
	}
	return a.AppendText(dst, value)
}

// appendQuoted appends text in quotes that a users file reads back: what is not printable UTF-8 is escaped.
// Quote gives a text in quotes as a Pair's text has it.
func Quote(text string) string { return string(appendQuoted(nil, []byte(text))) }

func appendQuoted(dst, value []byte) []byte {
	dst = append(dst, '"')
	for len(value) > 0 {
		r, n := utf8.DecodeRune(value)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == utf8.RuneError && n == 1, !strconv.IsPrint(r):
			for _, c := range value[:n] {
				dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
			}
		default:
			dst = append(dst, value[:n]...)
		}
		value = value[n:]
	}
	return append(dst, '"')
}

// appendFields appends what lies in a TLV or struct. A field that the dictionary lacks is named by number.
func appendFields(dst []byte, parent *Attribute, value []byte, redact bool) []byte {
	first := true
	for c, v := range parent.fields(value) {
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		if len(c.children) > 0 && c.Fits(v) {
			dst = appendFields(dst, c, v, redact)
			continue
		}
		dst = c.appendAssigned(append(dst, c.FullName()...), v, redact)
	}
	return dst
}

// ParsePair reads `Name = value` as a command line or a users file has it: Name or Name:tag or the name of
// a field, one of = := += ==, and a value in quotes or without. The error says what is wrong with which.
func (d *Dictionary) ParsePair(text string) (Pair, error) {
	name, value, err := splitPair(text)
	if err != nil {
		return Pair{}, err
	}
	r, err := d.Resolve(name)
	if err != nil {
		return Pair{}, err
	}
	wire, raw := rawText(name, value, r.Attr)
	switch {
	case raw && r.Raw != nil:
		return d.rawPair(r, wire), nil
	case raw:
	default:
		if wire, err = r.Attr.ParseText(nil, value); err != nil {
			return Pair{}, err
		}
	}
	if !r.Attr.IsField() {
		return Pair{r.Attr, wire, r.writeTag()}, nil
	}
	root, ok := r.Attr.insert(nil, wire)
	if !ok {
		return Pair{}, r.Attr.expected(value, "a value that has room in "+r.Attr.Root.FullName())
	}
	return Pair{Attr: r.Attr.Root, Value: root}, nil
}

// rawPair gives the pair of octets as they stand on the wire, tags too; only what is hidden there is given in
// clear text. Octets that do not fit the attribute are one of octets.
func (d *Dictionary) rawPair(r Ref, wire []byte) Pair {
	switch {
	case r.Attr.Tagged && r.Attr.Encrypt == EncryptNone:
		var l List
		dec := decoder{d: d, l: &l}
		dec.value(r.Attr, wire)
		return l.Pairs[0]
	case r.Attr.Fits(wire):
		return Pair{Attr: r.Attr, Value: wire}
	}
	return Pair{Attr: r.Raw, Value: wire}
}

// rawText gives the octets of 0x… for an attribute that was named by number: who writes numbers means
// octets, whether or not a dictionary has a name and a type for them.
func rawText(name, value string, a *Attribute) ([]byte, bool) {
	digits, hexadecimal := strings.CutPrefix(value, "0x")
	if !hexadecimal || !isNumberName(name) || fold(name) == fold(a.Name) {
		return nil, false
	}
	wire, err := hex.DecodeString(digits)
	return wire, err == nil
}

// SplitPair parts a pair as ParsePair reads it: the name, and the value without its quotes.
func SplitPair(text string) (name, value string, err error) { return splitPair(text) }

// splitPair parts the name from the value, without operator and quotes.
func splitPair(text string) (name, value string, err error) {
	i := strings.IndexAny(text, "=+ \t")
	if j := strings.Index(text, ":="); j >= 0 && (i < 0 || j < i) {
		i = j
	}
	if i <= 0 {
		return "", "", fmt.Errorf("%q is no attribute; expected Name=value", text)
	}
	name, rest := text[:i], strings.TrimLeft(text[i:], " \t")
	for _, op := range []string{":=", "+=", "==", "="} {
		if after, ok := strings.CutPrefix(rest, op); ok {
			value, err = unquote(strings.Trim(after, " \t"))
			return name, value, err
		}
	}
	// What follows may be a password: it is not repeated.
	return "", "", fmt.Errorf("%s is not followed by =; expected Name=value", name)
}

// unquote takes the quotes off a value; without any it is taken as it stands.
func unquote(text string) (string, error) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		return text, nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == text[0] && i == len(text)-1:
			return b.String(), nil
		case c == text[0]:
			return "", fmt.Errorf("text follows the closing quote") // it may be a part of a password
		case c == '\\' && text[0] == '"' && i+1 < len(text):
			n := unescape(&b, text[i+1:])
			i += n
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("a quoted value is not closed; expected another %c", text[0])
}

// unescape writes what an escape means and gives its length without the backslash.
func unescape(b *strings.Builder, text string) int {
	if len(text) >= 3 && text[0] >= '0' && text[0] <= '3' {
		if n, err := strconv.ParseUint(text[:3], 8, 8); err == nil {
			b.WriteByte(byte(n))
			return 3
		}
	}
	switch text[0] {
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	default:
		b.WriteByte(text[0])
	}
	return 1
}
