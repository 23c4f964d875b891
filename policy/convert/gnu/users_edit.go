package gnu

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A textEdit puts other text in the place of a span of a file.
type textEdit struct {
	start, end int
	text       string
}

// An editor collects the changes of one rule file. The rest of the file stays as it is, octet for octet.
type editor struct {
	file  *ruleFile
	edits []textEdit
	gone  map[*rule]bool // commented out
	lines []int          // in the new text, of each rule; nil if they are not known
}

// newLines gives the line of the new text in which each rule begins. Edits must be sorted, as String leaves
// them.
func (e *editor) newLines() []int {
	lines := make([]int, len(e.file.rules))
	line, at, next := 1, 0, 0
	for i, r := range e.file.rules {
		for ; next < len(e.edits) && e.edits[next].end <= r.start; next++ {
			x := e.edits[next]
			line += strings.Count(x.text, "\n") - strings.Count(e.file.text[x.start:x.end], "\n")
		}
		line += strings.Count(e.file.text[at:r.start], "\n")
		at = r.start
		lines[i] = line
	}
	return lines
}

func (e *editor) replace(start, end int, text string) {
	if e.file.text[start:end] != text || start == end {
		e.edits = append(e.edits, textEdit{start, end, text})
	}
}

// String gives the file with its changes.
func (e *editor) String() string {
	slices.SortStableFunc(e.edits, func(a, b textEdit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)) })
	var b strings.Builder
	at := 0
	for _, x := range e.edits {
		if x.end < at || x.start < at && x.text != "" { // inside of what an earlier change covers whole
			continue
		}
		b.WriteString(e.file.text[at:max(x.start, at)])
		b.WriteString(x.text)
		at = x.end
	}
	b.WriteString(e.file.text[at:])
	return b.String()
}

// lineStart gives the begin of the line of an offset, and whether only blanks stand before it.
func (e *editor) lineStart(at int) (start int, first bool) {
	start = strings.LastIndexByte(e.file.text[:at], '\n') + 1
	return start, strings.TrimSpace(e.file.text[start:at]) == ""
}

// lineEnd gives the end of the line of an offset without its newline, and whether only blanks or a comment
// stand there.
func (e *editor) lineEnd(at int) (end int, blank, comment bool) {
	end = len(e.file.text)
	if n := strings.IndexByte(e.file.text[at:], '\n'); n >= 0 {
		end = at + n
	}
	rest := strings.TrimSpace(e.file.text[at:end])
	return end, rest == "", strings.HasPrefix(rest, "#")
}

// leaveOut makes a rule a comment with the reason above it.
func (e *editor) leaveOut(r *rule, why string) {
	if e.gone[r] {
		return
	}
	if e.gone == nil {
		e.gone = map[*rule]bool{}
	}
	e.gone[r] = true
	start, first := e.lineStart(r.start)
	before, after := "", ""
	if !first {
		start, before = r.start, "\n"
	}
	if _, blank, comment := e.lineEnd(r.end); !blank && !comment {
		after = "\n"
	}
	lines := strings.Split(e.file.text[start:r.end], "\n")
	for i := range lines {
		lines[i] = "# " + lines[i]
	}
	e.edits = append(e.edits, textEdit{start, r.end, before + "# Left out: " + oneLine(why) + "\n" + strings.Join(lines, "\n") + after})
}

// note puts a line of comment above a rule.
func (e *editor) note(r *rule, format string, args ...any) {
	start, first := e.lineStart(r.start)
	text := "# " + oneLine(fmt.Sprintf(format, args...)) + "\n"
	if !first {
		start, text = r.start, "\n"+text
	}
	e.edits = append(e.edits, textEdit{start, start, text})
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", " ") }

// remove takes pairs out of a list, with the commas that they leave over. A list that gets empty is NULL.
func (e *editor) remove(list []pair, out func(*pair) bool) {
	last, removed := -1, 0
	for i := range list {
		if out(&list[i]) {
			removed++
		} else {
			last = i
		}
	}
	if removed == 0 {
		return
	}
	for i := range list {
		p := &list[i]
		gone := out(p)
		switch {
		case gone && last < 0 && i == 0:
			e.replace(p.name.start, p.value.end, "NULL")
		case gone:
			e.blank(p.name.start, p.value.end, &p.comma)
			continue
		}
		if p.comma.kind == isComma && (gone || i >= last) {
			e.blank(p.comma.start, p.comma.end, nil)
		}
	}
}

// blank removes a span, the comma after it and the blanks around, and its line if nothing else stands there.
func (e *editor) blank(start, end int, comma *token) {
	text := e.file.text
	if comma != nil && comma.kind == isComma {
		if strings.TrimSpace(text[end:comma.start]) == "" {
			end = comma.end
		} else {
			e.blank(comma.start, comma.end, nil)
		}
	}
	from, first := e.lineStart(start)
	to, rest, _ := e.lineEnd(end)
	switch {
	case first && rest && from > 0:
		start, end = from-1, to
	case rest:
		start, end = len(strings.TrimRight(text[:start], " \t")), to-strings.Count(text[end:to], "\r")
	default:
		end += len(text[end:]) - len(strings.TrimLeft(text[end:], " \t"))
	}
	e.replace(start, end, "")
}
