package gnu

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A pair is one `attribute operator value` of a rule.
type pair struct {
	name  token
	op    token
	value token
	comma token // after it; of kind endOfFile if there is none

	attr    *dictionary.Attribute // of the old dictionary; nil if it has none of the name
	now     *dictionary.Attribute // of the new one
	dropped string                // why the old server left the pair out; "" if it did not

	num     uint32      // the value of a number, an address, a name of a value
	ranges  []portRange // of NAS-Port-Id; nil if it is one number
	expr    string      // the Rewrite expression that computes the value; "" for none
	date    time.Time   // the day that a date names
	host    bool        // the value of an address is no address
	looked  bool        // the value was a host name, and is its address now
	badDate bool
	lua     string // expr translated for users
	asks    bool   // users: a script checks the password

	newName, newOp, newValue string // users: as written now; "" if as before
}

// text gives the pair as people write it. Passwords are not shown.
func (p *pair) text() string {
	value := p.value.text
	switch {
	case p.attr != nil && p.attr.Secret || strings.HasSuffix(p.name.text, "assword"):
		value = `"..."`
	case p.value.kind == isString:
		value = `"` + value + `"`
	}
	return p.name.text + " " + p.op.text + " " + value
}

// A rule is one entry of a rule file: a label and two lists.
type rule struct {
	label    token
	lhs, rhs []pair
	nulls    [2]token // the words NULL of the lists, of kind endOfFile if they are not there

	file       *ruleFile
	start, end int    // of the whole, in the file
	after      int    // where the rule before it ends
	dropped    string // why the old server left the rule out; "" if it did not
	forbidden  bool   // dropped by a flag that the old server only logged
}

func (r *rule) at() raddb.Pos { return r.label.at }

// name gives the label as a report shows it.
func (r *rule) name() string { return printable(r.label.text) }

// source gives the rule as it stands in its file.
func (r *rule) source() string { return r.file.text[r.start:r.end] }

// isDefault reports whether the rule is for all names: DEFAULT, or DEFAULT and digits.
func (r *rule) isDefault() bool { return numbered(r.label.text, "DEFAULT") }

// isNamed reports whether the label is the name of one user.
func (r *rule) isNamed() bool { return !r.isDefault() && !numbered(r.label.text, "BEGIN") }

// numbered reports whether a label is the word alone or followed by digits.
func numbered(label, base string) bool {
	rest, ok := strings.CutPrefix(label, base)
	return ok && strings.Trim(rest, "0123456789") == ""
}

// values gives the pairs of an attribute in a list, those left out excepted.
func values(list []pair, name string) (found []*pair) {
	for i := range list {
		if p := &list[i]; p.dropped == "" && p.attr != nil && p.attr.Name == name {
			found = append(found, p)
		}
	}
	return found
}

// kept gives the pairs of a list that the old server did not leave out.
func kept(list []pair) (rest []*pair) {
	for i := range list {
		if list[i].dropped == "" {
			rest = append(rest, &list[i])
		}
	}
	return rest
}

// flag gives the value of a yes-or-no attribute of a rule: that of the right side, else that of the left one.
func (r *rule) flag(name string, otherwise bool) bool {
	for _, list := range [...][]pair{r.rhs, r.lhs} {
		if found := values(list, name); len(found) > 0 {
			return found[0].num != 0
		}
	}
	return otherwise
}

// An inclusion is a $INCLUDE: the span of its line and the name that it gives.
type inclusion struct {
	name       string
	at         raddb.Pos
	start, end int
	before     int       // how many rules of its file stand before it
	file       *ruleFile // nil if it could not be read
}

// A ruleFile is one rule file as read.
type ruleFile struct {
	name     string // relative to the old directory
	text     string
	rules    []*rule
	includes []*inclusion
	others   []int // where further directives stand
}

// all gives the rules of a file and of those that it includes, in their order.
func (f *ruleFile) all() (rules []*rule) {
	done := 0
	for _, in := range f.includes {
		rules = append(rules, f.rules[done:in.before]...)
		done = in.before
		if in.file != nil {
			rules = append(rules, in.file.all()...)
		}
	}
	return append(rules, f.rules[done:]...)
}

// rulesOf gives the rules of a file that the old server did not leave out; none of a file that is not there.
func rulesOf(f *ruleFile) []*rule {
	if f == nil {
		return nil
	}
	return slices.DeleteFunc(f.all(), func(r *rule) bool { return r.dropped != "" })
}

// files gives a file and all that it includes.
func (f *ruleFile) files() []*ruleFile {
	files := []*ruleFile{f}
	for _, in := range f.includes {
		if in.file != nil {
			files = append(files, in.file.files()...)
		}
	}
	return files
}

// readRules reads a rule file and what it includes; nil if there is no such file.
func (s *source) readRules(name string) *ruleFile {
	text, ok := s.optional(name)
	if !ok {
		return nil
	}
	return s.parseRules(name, string(text), nil)
}

// parseRules parses a file. open are the files that include it.
func (s *source) parseRules(name, text string, open []string) *ruleFile {
	open = append(open, filepath.Clean(name))
	f := &ruleFile{name: name, text: text}
	p := ruleParser{file: f}
	p.lx = ruleLexer{file: name, text: text, line: 1, directive: p.directive}
	p.parse()
	for _, in := range f.includes {
		in.file = s.include(in, open)
	}
	return f
}

// include reads an included file. Names are relative to the old directory.
func (s *source) include(in *inclusion, open []string) *ruleFile {
	name := filepath.Clean(in.name)
	switch {
	case slices.Contains(open, name):
		s.report.Lookf(in.at, "left out: %s includes itself", in.name)
		return nil
	case len(open) >= raddb.MaxIncludes:
		s.report.Lookf(in.at, "left out: files are included more than %d deep", raddb.MaxIncludes)
		return nil
	}
	if s.included++; s.included > raddb.MaxFiles {
		if s.included == raddb.MaxFiles+1 {
			s.report.Lookf(in.at, "left out, like all that follow: more than %d files are included", raddb.MaxFiles)
		}
		return nil
	}
	text, err := s.read(name)
	if err != nil {
		s.report.Lookf(in.at, "left out: cannot read %s: %s", in.name, reason(err))
		return nil
	}
	return s.parseRules(name, string(text), open)
}
