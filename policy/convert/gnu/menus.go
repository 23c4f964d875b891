package gnu

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A menu is one file below menus/ of the old tree: a text, and what each answer brings.
type menu struct {
	name, file string
	text       string // lines joined by CR LF, the last one without
	choices    []choice
	rest       *choice // DEFAULT; nil if there is none
}

// A choice is one answer of a menu with its reply pairs.
type choice struct {
	answer string // what is typed; "" for the empty answer <CR>
	rule   *rule  // its right side has the pairs
	at     raddb.Pos
}

// readMenus reads all files below menus/.
func (s *source) readMenus() (list []*menu) {
	names, err := s.tree.ReadDir("menus")
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.report.Lookf(raddb.Pos{File: "menus"}, "not converted: %s", reason(err))
		}
		return nil
	}
	for _, name := range names {
		if strings.HasSuffix(name, "/") {
			continue
		}
		file := path.Join("menus", name)
		if text, ok := s.optional(file); ok {
			if m := s.parseMenu(name, file, string(text)); m != nil {
				list = append(list, m)
			}
		}
	}
	return list
}

// parseMenu reads a menu: text between lines `menu` and `end`, then choices in the first column, each with
// indented lines of pairs below it.
func (s *source) parseMenu(name, file, text string) *menu {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	m := &menu{name: name, file: file}
	i := 0
	for i < len(lines) && !strings.HasPrefix(lines[i], "menu") {
		i++
	}
	if i == len(lines) {
		s.report.Lookf(raddb.Pos{File: file}, "no line begins with menu; left out")
		return nil
	}
	var shown []string
	for i++; i < len(lines) && !strings.HasPrefix(lines[i], "end"); i++ {
		if !strings.HasPrefix(lines[i], "#") {
			shown = append(shown, lines[i])
		}
	}
	if i == len(lines) {
		s.report.Lookf(raddb.Pos{File: file}, "the text has no line that begins with end; left out")
		return nil
	}
	m.text = strings.Join(shown, "\r\n")
	for i++; i < len(lines); {
		i = s.parseChoice(m, lines, i)
	}
	return m
}

// parseChoice reads the choice at line i, counted from 0, and gives the line behind it.
func (s *source) parseChoice(m *menu, lines []string, i int) int {
	label := strings.TrimSpace(lines[i])
	if label == "" || strings.HasPrefix(label, "#") {
		return i + 1
	}
	at := raddb.Pos{File: m.file, Line: i + 1, Col: 1}
	if lines[i][0] == ' ' || lines[i][0] == '\t' {
		s.report.Lookf(at, "pairs without a choice above them; left out")
		return i + 1
	}
	end := i + 1
	for end < len(lines) && (lines[end] == "" || lines[end][0] == ' ' || lines[end][0] == '\t' || lines[end][0] == '#') {
		end++
	}
	c := choice{answer: label, rule: s.parsePairs(m.file, strings.Join(lines[i+1:end], "\n"), i+2), at: at}
	switch {
	case c.rule == nil:
	case label == "DEFAULT" && m.rest == nil:
		m.rest = &c
	case label == "DEFAULT" || m.has(label):
		s.report.Lookf(at, "choice %q a second time; the first counts", label)
	case label == "<CR>":
		c.answer = ""
		fallthrough
	default:
		m.choices = append(m.choices, c)
	}
	return end
}

// has reports whether the menu has the choice already.
func (m *menu) has(label string) bool {
	for _, c := range m.choices {
		if c.answer == label || c.answer == "" && label == "<CR>" {
			return true
		}
	}
	return false
}

// parsePairs reads a list of pairs that begins at a line, as the right side of a users entry; nil if it breaks
// the grammar.
func (s *source) parsePairs(file, text string, line int) *rule {
	f := &ruleFile{name: file, text: text}
	p := ruleParser{file: f}
	p.lx = ruleLexer{file: file, text: text, line: line, directive: p.directive}
	p.take()
	r := &rule{file: f, label: p.tok}
	if p.tok.kind == atEnd {
		return r
	}
	if why := p.list(r, 1, &r.rhs); why != "" {
		s.report.Lookf(p.tok.at, "syntax error: %s; the choice is left out", why)
		return nil
	}
	for i := range r.rhs {
		q := &r.rhs[i]
		s.resolve(q)
		if q.dropped == "" {
			q.read(true)
		}
		if q.dropped == "" && q.attr.Usage&dictionary.UsersRHS == 0 {
			q.dropped = q.name.text + " may not stand in a reply by its flags in the dictionary"
		}
		if q.dropped != "" {
			s.report.Lookf(q.name.at, "%s left out: %s", q.name.text, q.dropped)
		}
	}
	return r
}

// goesTo gives the menu that a choice leads to, "" if it ends the questions.
func (c *choice) goesTo() string { return firstValue(c.rule.rhs, "Menu") }

// afterwards gives the menu that is shown when the session has ended.
func (c *choice) afterwards() string { return firstValue(c.rule.rhs, "Termination-Menu") }

func firstValue(list []pair, name string) string {
	if found := values(list, name); len(found) > 0 {
		return found[0].value.text
	}
	return ""
}
