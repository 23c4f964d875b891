package dictionary

import (
	"path"
	"slices"
	"strings"

	"perilune/engine/raddb"
)

// maxInclude bounds how deep $INCLUDE nests.
const maxInclude = 16

// maxFile bounds a dictionary file, in octets, and maxErrors what is said of one: they are what a file of
// another kind would give.
const (
	maxFile   = 64 << 20
	maxErrors = 1000
)

// yieldEvery is the number of lines between two calls of yield.
const yieldEvery = 32

// A parser reads dictionary files into a Dictionary. It goes on after every error.
type parser struct {
	d          *Dictionary
	tree       *raddb.Tree
	errs       *raddb.List
	carried    bool // the text is the program's own
	statements map[string]statement
	yield      func()         // lets others run
	read       int            // lines so far
	open       []string       // files being read, outermost first
	included   int            // files read, up to one more than raddb.MaxFiles
	values     []pendingValue // VALUE lines that stand before their ATTRIBUTE
}

// A pendingValue is a VALUE line whose attribute is not declared yet.
type pendingValue struct {
	at              raddb.Pos
	attribute, name string
	number          uint64
}

// A file is one file being read, with the blocks that are open in it: a block must close in the file that
// opened it.
type file struct {
	*parser
	dir      string
	lines    *raddb.Fields
	vendor   *Vendor       // of BEGIN-VENDOR, nil outside
	evs      *Attribute    // of BEGIN-VENDOR with format=Extended-Vendor-Specific-N
	tlvs     []*Attribute  // of BEGIN-TLV, outermost first
	opened   []raddb.Field // the line that opened each block
	internal bool          // FLAGS internal stands above
	lost     bool          // the block's vendor is unknown
	last     *Attribute    // of the last ATTRIBUTE line, for FLAGS and MEMBER
	flaws    int           // errors and warnings of its own lines
}

// A statement is what a line does.
type statement struct {
	run    func(*file, []raddb.Field)
	fields int    // that are needed, the statement's name included
	form   string // what it looks like, for error texts
}

// statements gives what a line may begin with.
func statements() map[string]statement {
	return map[string]statement{
		"$include":       {(*file).include, 2, "$INCLUDE file"},
		"$include-":      {(*file).includeIfThere, 2, "$INCLUDE- file"},
		"vendor":         {(*file).declareVendor, 3, "VENDOR name number"},
		"attribute":      {(*file).attribute, 4, "ATTRIBUTE name number type"},
		"value":          {(*file).value, 4, "VALUE attribute name number"},
		"alias":          {(*file).alias, 3, "ALIAS existing-name new-name"},
		"property":       {(*file).property, 3, "PROPERTY attribute flags"},
		"begin":          {(*file).begin, 3, "BEGIN VENDOR name"},
		"end":            {(*file).endVendor, 1, "END"},
		"begin-vendor":   {(*file).beginVendor, 2, "BEGIN-VENDOR name"},
		"end-vendor":     {(*file).endVendor, 1, "END-VENDOR name"},
		"begin-tlv":      {(*file).beginTLV, 2, "BEGIN-TLV attribute"},
		"end-tlv":        {(*file).endTLV, 1, "END-TLV attribute"},
		"member":         {(*file).member, 3, "MEMBER name type"},
		"flags":          {(*file).flags, 2, "FLAGS word"},
		"protocol":       {(*file).nothing, 1, ""},
		"begin-protocol": {(*file).nothing, 1, ""},
		"end-protocol":   {(*file).nothing, 1, ""},
	}
}

func (p *parser) statementNames(yield func(string) bool) {
	for name := range p.statements {
		if !yield(strings.ToUpper(name)) {
			return
		}
	}
}

// include reads a file at the root of the tree, or as an $INCLUDE line names it.
func (p *parser) include(name string, at raddb.Pos) {
	if slices.Contains(p.open, name) {
		p.errs.Errorf(at, "%s includes itself", name)
		return
	}
	if len(p.open) >= maxInclude {
		p.errs.Errorf(at, "files are included more than %d deep", maxInclude)
		return
	}
	if p.included > raddb.MaxFiles {
		return
	}
	if p.included++; p.included > raddb.MaxFiles {
		p.errs.Errorf(at, "more than %d files are included; what follows is not read", raddb.MaxFiles)
		return
	}
	text, err := p.tree.ReadFileUpTo(name, maxFile)
	if err != nil {
		p.errs.Errorf(at, "the dictionary cannot be read: %v", err)
		return
	}
	p.text(name, string(text))
}

// text reads the text of a file.
func (p *parser) text(name, text string) {
	p.open = append(p.open, name)
	f := file{parser: p, dir: path.Dir(name), lines: raddb.NewFields(text, name, p.errs)}
	f.lines.HashAnywhere, f.lines.MaxErrors = true, maxErrors
	for line := f.lines.Next(); line != nil && f.bearable(line[0]); line = f.lines.Next() {
		if p.read++; p.read%yieldEvery == 0 {
			p.yield()
		}
		before := len(*p.errs)
		f.statement(line)
		if !strings.HasPrefix(line[0].Text, "$") { // what other files are like does not count here
			f.flaws += len(*p.errs) - before
		}
	}
	for _, block := range f.opened {
		f.errorf(block, "%s is not closed in this file", block.Text)
	}
	p.open = p.open[:len(p.open)-1]
}

// bearable ends a file of which too much has been said.
func (f *file) bearable(at raddb.Field) bool {
	if f.flaws >= maxErrors {
		f.errorf(at, "more than %d errors and warnings; the rest of the file was not read", maxErrors)
	}
	return f.flaws < maxErrors
}

func (f *file) statement(line []raddb.Field) {
	s, ok := find(f.statements, line[0].Text)
	switch {
	case !ok:
		f.errorf(line[0], "unknown statement %q%s", line[0].Text, raddb.DidYouMean(line[0].Text, f.statementNames))
	case len(line) < s.fields:
		f.errorf(line[len(line)-1], "the line ends early; expected %s", s.form)
	default:
		s.run(f, line)
	}
}

func (f *file) errorf(at raddb.Field, format string, a ...any) {
	f.errs.Errorf(f.lines.Pos(at), format, a...)
}

func (f *file) nothing([]raddb.Field) {}

func (f *file) include(line []raddb.Field) {
	f.parser.include(f.resolve(line[1].Text), f.lines.Pos(line[1]))
}

// includeIfThere passes over a file that does not exist.
func (f *file) includeIfThere(line []raddb.Field) {
	name := f.resolve(line[1].Text)
	if !f.tree.Absent(name) {
		f.parser.include(name, f.lines.Pos(line[1]))
	}
}

// resolve gives a file's name as the tree knows it: beside the including file, as FreeRADIUS has it, else
// from the root, as GNU Radius has it.
func (f *file) resolve(name string) string {
	if path.IsAbs(name) || f.dir == "." {
		return name
	}
	beside := path.Join(f.dir, name)
	if f.tree.Absent(beside) && !f.tree.Absent(name) {
		return name
	}
	return beside
}
