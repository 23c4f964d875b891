package dictionary

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/raddb"
)

// flagFields reads the flags at the end of an ATTRIBUTE line: in brackets and letters as GNU Radius has
// them, or in words as FreeRADIUS has them.
func (f *file) flagFields(dec *declaration, fields []raddb.Field, bare bool) bool {
	switch {
	case len(fields) == 0:
		return true
	case isFlagWord(fields[0].Text):
		return f.flagWords(&dec.Attribute, fields)
	case !bare && !strings.HasPrefix(fields[0].Text, "["):
		f.errorf(fields[0], "%q is no vendor and no flag; expected a vendor, [xxxxxx] or words as has_tag,encrypt=2%s",
			fields[0].Text, raddb.DidYouMean(fields[0].Text, f.flagOrVendor))
		return false
	}
	dec.flagged = true
	for _, field := range fields {
		if err := dec.addProperties(field.Text); err != nil {
			f.errorf(field, "%v", err)
			return false
		}
	}
	return true
}

// flagWordNames are FreeRADIUS's words without their values.
var flagWordNames = []string{
	"has_tag", "encrypt", "concat", "array", "virtual", "internal", "secret", "length", "key", "ref", "clone", "enum",
}

func isFlagWord(text string) bool {
	first, _, _ := strings.Cut(text, ",")
	first, _, _ = strings.Cut(first, "=")
	return slices.Contains(flagWordNames, fold(first))
}

func (f *file) flagOrVendor(yield func(string) bool) {
	for _, name := range flagWordNames {
		if !yield(name) {
			return
		}
	}
	f.d.VendorNames()(yield)
}

// flagWords reads words joined by commas.
func (f *file) flagWords(a *Attribute, fields []raddb.Field) bool {
	for _, field := range fields {
		for _, word := range strings.Split(field.Text, ",") {
			if !isFlagWord(word) || !a.setFlag(fold(word)) {
				f.errorf(field, "unknown flag %q; expected has_tag, encrypt=1 to 3, concat, array, virtual, internal or secret%s",
					word, raddb.DidYouMean(word, f.flagOrVendor))
				return false
			}
		}
	}
	return true
}

// setFlag sets what one word says; false for a value that it cannot have.
func (a *Attribute) setFlag(word string) bool {
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "has_tag":
		a.Tagged = true
	case "concat":
		a.Concat = true
	case "array":
		a.Array = true
	case "secret":
		a.Secret = true
	case "internal", "virtual":
		a.Internal = a.Vendor == nil && a.Parent == nil
	case "encrypt":
		return a.setEncrypt(value)
	}
	return true // key, ref, length, clone and enum say nothing to RADIUS
}

func (a *Attribute) setEncrypt(method string) bool {
	switch method {
	case "1", "user-password":
		a.Encrypt = EncryptUserPassword
	case "2", "tunnel-password":
		a.Encrypt = EncryptSalted
	case "3", "ascend-secret":
		a.Encrypt = EncryptAscend
	}
	return a.Encrypt != EncryptNone
}

// flags reads a line FLAGS internal: the attributes below it in the file never reach the wire.
func (f *file) flags(line []raddb.Field) {
	for _, word := range line[1:] {
		if fold(word.Text) != "internal" {
			f.errorf(word, "FLAGS %s; expected FLAGS internal", word.Text)
		}
	}
	f.internal = true
}

// property reads PROPERTY attribute flags, or +flags and -flags any number of times.
func (f *file) property(line []raddb.Field) {
	a := f.known(line[1])
	if a == nil {
		return
	}
	for _, field := range line[2:] {
		if field.Text == "" {
			continue
		}
		if err := a.changeProperties(field.Text); err != nil {
			f.errorf(field, "%v", err)
		}
	}
}

// changeProperties takes flags as they stand in a PROPERTY line: +flags adds, -flags clears, and others
// replace all.
func (a *Attribute) changeProperties(text string) error {
	var next Attribute
	rest := strings.TrimLeft(text[:1], "+-") + text[1:]
	if rest == text {
		next.Usage = AllUsage
	}
	if err := next.addProperties(rest); err != nil {
		return err
	}
	switch text[0] {
	case '+':
		a.Usage |= next.Usage
		a.UserFlags |= next.UserFlags
		a.Propagate = a.Propagate || next.Propagate
		if next.Additivity != Append {
			a.Additivity = next.Additivity
		}
		a.takeEncrypt(&next)
	case '-':
		a.clearProperties(&next, rest)
	default:
		a.Usage, a.Additivity, a.UserFlags = next.Usage, next.Additivity, next.UserFlags
		a.Propagate, a.Detail = next.Propagate, next.Detail
		a.takeEncrypt(&next)
	}
	return nil
}

func (a *Attribute) takeEncrypt(next *Attribute) {
	if next.Encrypt != EncryptNone {
		a.Encrypt, a.Secret = next.Encrypt, true
		a.markHidden()
	}
}

func (a *Attribute) clearProperties(next *Attribute, text string) {
	a.Usage &^= next.Usage
	a.UserFlags &^= next.UserFlags
	a.Propagate = a.Propagate && !next.Propagate
	a.Detail = a.Detail && !next.Detail
	if next.Encrypt == a.Encrypt {
		a.Encrypt = EncryptNone
	}
	if strings.ContainsAny(text, "=N") && a.Additivity == next.Additivity {
		a.Additivity = Append
	}
}

// addProperties reads flags of GNU Radius: [xxxxxx] for the usage, then letters and signs.
func (a *Attribute) addProperties(text string) error {
	rest := text
	if strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return fmt.Errorf("%q has no ]; expected [xxxxxx]", text)
		}
		if err := a.parseUsage(rest[1:end]); err != nil {
			return err
		}
		rest = rest[end+1:]
	}
	for i := range len(rest) {
		if !a.addProperty(rest[i]) {
			return fmt.Errorf("unknown flag %q in %q; expected [xxxxxx] and some of L C R = + N P l E T b c 1 to 9", rest[i:i+1], text)
		}
	}
	return nil
}

// parseUsage reads the three pairs users, hints, huntgroups. What a bracket that ends early leaves out is
// allowed.
func (a *Attribute) parseUsage(text string) error {
	if len(text) > 6 || len(text)%2 != 0 {
		return fmt.Errorf("usage [%s]; expected up to three pairs of L or - and R or -", text)
	}
	a.Usage = AllUsage
	for i := range len(text) {
		switch allowed := text[i] != '-'; {
		case !allowed:
			a.Usage &^= 1 << i
		case i%2 == 0 && text[i] != 'L' && text[i] != 'C', i%2 == 1 && text[i] != 'R':
			return fmt.Errorf("usage [%s]; expected up to three pairs of L or - and R or -", text)
		}
	}
	return nil
}

func (a *Attribute) addProperty(c byte) bool {
	switch c {
	case 'L', 'C':
		a.Usage |= UsersLHS | HintsLHS | HuntgroupsLHS
	case 'R':
		a.Usage |= UsersRHS | HintsRHS | HuntgroupsRHS
	case '=':
		a.Additivity = Replace
	case '+':
		a.Additivity = Append
	case 'N':
		a.Additivity = None
	case 'P':
		a.Propagate = true
	case 'l':
		a.Detail = true
	case 'E':
		a.Encrypt = EncryptUserPassword
	case 'T':
		a.Encrypt = EncryptSalted
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		a.UserFlags |= 1 << (c - '0')
	default:
		return c == 'b' || c == 'c' // b: all strings may hold NUL; c: nothing
	}
	return true
}
