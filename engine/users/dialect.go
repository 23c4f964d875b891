package users

import "bytes"

// String gives the name that $DIALECT and the configuration use.
func (d Dialect) String() string { return [...]string{"infer", "gnu", "freeradius"}[d] }

// ParseDialect reads the name of a dialect; case does not count.
func ParseDialect(name string) (Dialect, bool) {
	for _, d := range [...]Dialect{GNU, FreeRADIUS} {
		if foldEqual(name, d.String()) {
			return d, true
		}
	}
	return Infer, false
}

// signs tell the languages apart, seen in one entry or in all of a file.
type signs uint8

const (
	signFree     signs = 1 << iota // an operator, a tag or Cleartext-Password
	signGNU                        // NULL, Menu, Match-Profile
	signGNUNames                   // BEGIN, Password: in a declared FreeRADIUS file just names
)

func labelSigns(t token) signs {
	if t.quote == 0 && numbered(t.text, "BEGIN") {
		return signGNUNames
	}
	return 0
}

func pairSigns(p *rawPair) (s signs) {
	if p.op.foreign() {
		s |= signFree
	}
	n := p.name.text
	if i := bytes.IndexByte(n, ':'); i > 0 && i+1 < len(n) && n[i+1] >= '0' && n[i+1] <= '9' {
		s |= signFree
	}
	switch len(n) {
	case len("Cleartext-Password"):
		if foldEqual(n, "Cleartext-Password") {
			s |= signFree
		}
	case len("Match-Profile"):
		if foldEqual(n, "Match-Profile") {
			s |= signGNU
		}
	case len("Password"):
		if foldEqual(n, "Password") {
			s |= signGNUNames
		}
	case len("Menu"):
		if foldEqual(n, "Menu") {
			s |= signGNU
		}
	}
	return s
}

// foldEqual compares without case, for ASCII.
func foldEqual[A, B string | []byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// numbered reports whether a label is the word alone or followed by digits: DEFAULT, DEFAULT7.
func numbered[T string | []byte](label T, word string) bool {
	if len(label) < len(word) || string(label[:len(word)]) != word {
		return false
	}
	for i := len(word); i < len(label); i++ {
		if label[i] < '0' || label[i] > '9' {
			return false
		}
	}
	return true
}

// A language is what is known of a file's dialect while it is read.
type language struct {
	dialect  Dialect // of the file, and of its entries without signs
	declared bool    // by the configuration or a line $DIALECT; else by the signs seen
	mixed    bool    // undeclared, and both kinds of signs were seen
}

// of gives the dialect that an entry with these signs is read in. A file with signs of both has each entry
// read by its own; a declared one too, except that names which are mere names in the declared dialect are
// no signs there.
func (l language) of(s signs) Dialect {
	if l.declared && l.dialect == FreeRADIUS {
		s &^= signGNUNames
	}
	free, gnu := s&signFree != 0, s&^signFree != 0
	switch {
	case !l.declared && !l.mixed, free == gnu:
		if free && l.mixed {
			return FreeRADIUS // GNU has no word for the operators
		}
		return l.dialect
	case free:
		return FreeRADIUS
	}
	return GNU
}

// infer gives the language of undeclared files in which these signs were seen.
func infer(s signs) language {
	free, gnu := s&signFree != 0, s&^signFree != 0
	switch {
	case free && gnu:
		return language{dialect: GNU, mixed: true}
	case free:
		return language{dialect: FreeRADIUS}
	}
	return language{dialect: GNU}
}
