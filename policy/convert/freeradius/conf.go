package freeradius

import (
	"strings"

	"perilune/engine/raddb"
)

// An item is a line of a configuration file or a section with its items: `name op value`, `name name2 {`, or a
// bare word.
type item struct {
	name, second string // of a section: `client localhost`
	op, value    string // of an assignment; value without quotes, ${...} replaced
	section      bool
	items        []*item
	up           *item
	at           raddb.Pos
}

// all gives the direct sections of that name.
func (it *item) all(name string) (list []*item) {
	for _, e := range it.items {
		if e.section && e.name == name {
			list = append(list, e)
		}
	}
	return list
}

// find gives the last direct item of that name, nil if there is none: what stands later holds.
func (it *item) find(name string) *item {
	for i := len(it.items) - 1; i >= 0; i-- {
		if e := it.items[i]; e.name == name && !e.section {
			return e
		}
	}
	return nil
}

// text gives a value of the section, "" if it is not there.
func (it *item) text(names ...string) string {
	for _, name := range names {
		if e := it.find(name); e != nil {
			return e.value
		}
	}
	return ""
}

// address gives the address of a client, home server or listener.
func (it *item) address() string { return it.text("ipaddr", "ipv4addr", "ipv6addr") }

// sub gives the first direct section of that name, an empty one if there is none.
func (it *item) sub(name string) *item {
	if list := it.all(name); len(list) > 0 {
		return list[0]
	}
	return &item{section: true, at: it.at}
}

// maxLines bounds what is read of one directory, however its files include one another.
const maxLines = 2_000_000

// A confReader reads radiusd.conf with all that it includes.
type confReader struct {
	tree   *raddb.Tree
	errs   *raddb.List
	open   raddb.Includes
	lines  int
	text   string // what is left of the file
	pos    raddb.Pos
	inside *item
}

// readConf gives the file as a section without a name, and the reader, which knows its variables.
func readConf(tree *raddb.Tree, name string, errs *raddb.List) (*item, *confReader) {
	root, r := newConf(tree, errs)
	r.file(name, raddb.Pos{})
	return root, r
}

// newConf gives an empty configuration and a reader for it.
func newConf(tree *raddb.Tree, errs *raddb.List) (*item, *confReader) {
	root := &item{section: true}
	return root, &confReader{tree: tree, errs: errs, inside: root}
}

func (r *confReader) file(name string, at raddb.Pos) {
	if !r.open.Enter(name, at, r.errs) {
		return
	}
	defer r.open.Leave()
	text, err := r.tree.ReadFileUpTo(name, maxFile)
	if err != nil {
		r.errs.Errorf(at, "%s cannot be read: %v", name, err)
		return
	}
	outer, depth := *r, r.inside
	r.text, r.pos = string(text), raddb.Pos{File: name}
	for r.text != "" && r.lines < maxLines {
		r.line(r.nextLine())
	}
	if r.inside != depth {
		r.errs.Errorf(r.inside.at, "section %s is not closed in %s", r.inside.name, name)
	}
	r.text, r.pos, r.inside = outer.text, outer.pos, depth
}

// nextLine gives the next line without comment and spaces, continued lines put together.
func (r *confReader) nextLine() string {
	var b strings.Builder
	for {
		line, rest, _ := strings.Cut(r.text, "\n")
		r.text = rest
		r.pos.Line++
		r.lines++
		line = strings.TrimSpace(withoutComment(line))
		more := strings.HasSuffix(line, `\`) && rest != ""
		b.WriteString(strings.TrimSuffix(line, `\`))
		if !more {
			return b.String()
		}
	}
}

// withoutComment cuts the line at a # that begins a word outside quotes.
func withoutComment(line string) string {
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t' || line[i-1] == '{'):
			return line[:i]
		}
	}
	return line
}

// line takes one line: the end of a section, the beginning of one, an include, an assignment or a word.
func (r *confReader) line(line string) {
	for strings.HasPrefix(line, "}") {
		r.close()
		line = strings.TrimSpace(line[1:])
	}
	switch open := opening(line); {
	case line == "":
	case strings.HasPrefix(line, "$INCLUDE") || strings.HasPrefix(line, "$-INCLUDE"):
		r.include(line)
	case open >= 0:
		r.section(strings.TrimSpace(line[:open]))
		r.line(strings.TrimSpace(line[open+1:]))
	case strings.HasSuffix(line, "}") && r.inside.up != nil && !strings.HasSuffix(line, "%}") && strings.Count(line, "{") < strings.Count(line, "}"):
		r.line(strings.TrimSpace(line[:len(line)-1]))
		r.line("}")
	default:
		r.assignment(line)
	}
}

// opening gives the place of the brace that opens a section, -1 if there is none: not those of ${name},
// %{name} and of texts.
func opening(line string) int {
	if strings.HasPrefix(line, "if") || strings.HasPrefix(line, "elsif") { // patterns in conditions have braces too
		return lastBrace(line)
	}
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{' && i > 0 && (line[i-1] == '$' || line[i-1] == '%'):
			if i = skipBraces(line, i); i < 0 {
				return -1
			}
		case c == '{':
			return i
		}
	}
	return -1
}

// lastBrace gives the place of a brace at the end of the line, -1 if there is none.
func lastBrace(line string) int {
	if strings.HasSuffix(line, "{") {
		return len(line) - 1
	}
	return -1
}

// skipBraces gives the place of the brace that closes the one at i, -1 if none does.
func skipBraces(line string, i int) int {
	depth := 0
	for ; i < len(line); i++ {
		switch line[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// maxSections bounds how deep sections stand in one another.
const maxSections = 64

func (r *confReader) section(head string) {
	name, second, _ := strings.Cut(head, " ")
	s := &item{name: name, second: unquote(strings.TrimSpace(second)), section: true, up: r.inside, at: r.pos}
	depth := 0
	for up := r.inside; up != nil; up = up.up {
		depth++
	}
	if depth > maxSections {
		r.errs.Errorf(r.pos, "sections stand more than %d deep in one another", maxSections)
		r.text = ""
		return
	}
	r.inside.items = append(r.inside.items, s)
	r.inside = s
}

func (r *confReader) close() {
	if r.inside.up == nil {
		r.errs.Errorf(r.pos, "found }, but no section is open")
		return
	}
	r.inside = r.inside.up
}

// include reads a file, or those of a directory whose names are plain: copies of editors are not.
func (r *confReader) include(line string) {
	word, name, _ := strings.Cut(line, " ")
	name = r.replace(unquote(strings.TrimSpace(name)))
	at := r.pos
	if strings.HasSuffix(name, "/") {
		names, err := r.tree.ReadDir(r.relative(name))
		if err != nil {
			r.errs.Errorf(at, "directory %s cannot be read: %v", name, err)
		}
		for _, n := range names {
			if plainName(n) {
				r.file(r.relative(name+n), at)
			}
		}
		return
	}
	if word == "$-INCLUDE" && r.tree.Absent(r.relative(name)) {
		return
	}
	r.file(r.relative(name), at)
}

func plainName(name string) bool {
	for _, c := range []byte(name) {
		if c != '.' && c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return name != "" && name[0] != '.'
}

func (r *confReader) assignment(line string) {
	end := strings.IndexAny(line, " \t=:+-!<>~")
	if end < 0 {
		end = len(line)
	}
	it := &item{name: line[:end], up: r.inside, at: r.pos}
	rest := strings.TrimSpace(line[end:])
	n := 0
	for n < len(rest) && strings.IndexByte("=:+-!<>~*", rest[n]) >= 0 {
		n++
	}
	switch {
	case n == 0 || !strings.Contains(rest[:n], "=") || end == 0:
		it.name = line // a module's name, or a statement of the policy language
	default:
		it.op, it.value = rest[:n], r.replace(unquote(strings.TrimSpace(rest[n:])))
	}
	r.inside.items = append(r.inside.items, it)
}

// unquote takes quotes off a text as a whole. Escapes: \n, \t, and \ before any other octet.
func unquote(text string) string {
	if len(text) < 2 || text[0] != '"' && text[0] != '\'' || text[len(text)-1] != text[0] {
		return text
	}
	text = text[1 : len(text)-1]
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			switch text[i] {
			case 'n':
				b.WriteByte('\n')
				continue
			case 't':
				b.WriteByte('\t')
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
