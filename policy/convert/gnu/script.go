package gnu

import (
	"fmt"
	"strings"

	"perilune/policy/convert/output"
)

// A script is one Lua file while it is written.
type script struct {
	head   strings.Builder // comments
	body   strings.Builder
	indent int
	shared bool // it calls functions of lib/rewrite.lua
	left   int  // how many rules were left out
}

// maxShown bounds how many rules that were left out are shown: one of a file of another kind is all that.
const maxShown = 50

// shows reports whether a rule shall be shown.
func (b *script) shows(r *rule) bool {
	if r.dropped != "" {
		b.left++
	}
	return r.dropped == "" || b.left <= maxShown
}

// printable puts a blank for each control character: a line break in a name must not end a comment.
func printable(text string) string { return output.Comment(text) }

// linef writes one line of code. An empty one has no blanks. Strings in it have their escapes already.
func (b *script) linef(format string, args ...any) {
	if text := printable(fmt.Sprintf(format, args...)); text != "" {
		b.body.WriteString(strings.Repeat("  ", b.indent) + text)
	}
	b.body.WriteByte('\n')
}

// lines writes code of one or several lines each.
func (b *script) lines(texts ...string) {
	for _, text := range texts {
		for line := range strings.SplitSeq(text, "\n") {
			b.linef("%s", line)
		}
	}
}

// comment writes lines of comment.
func (b *script) comment(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight("-- "+line, " \t\r")
		b.linef("%s", line)
	}
}

// String gives the whole file.
func (b *script) String() string {
	out := b.head.String()
	if b.shared {
		out += "\nlocal functions = require(\"lib.rewrite\")\n"
	}
	return out + b.body.String()
}

// write puts the script into a file. Lines that were not understood may hold anything, so that they are not for
// everybody to read.
func (b *script) write(f *output.File) {
	f.Secret = b.left > 0
	f.WriteString(b.String())
}

// shown gives the text of a rule for a comment: its lines without the indentation of all but the first, and
// tabs as blanks.
func (r *rule) shown() string {
	return showLines(r.source(), r.label.at.Col)
}

// showLines gives lines for a comment; col is the column of the first one.
func showLines(text string, col int) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if i > 0 {
			b.WriteByte('\n')
			col = 1
		}
		b.WriteString(strings.TrimRight(spread(line, col), " "))
	}
	return b.String()
}

// spread puts blanks for the tabs of a line that begins in a column.
func spread(line string, col int) string {
	const width = 8
	var b strings.Builder
	at := col - 1
	for _, c := range []byte(line) {
		n := 1
		switch {
		case c == '\t':
			n = width - at%width
			b.WriteString(strings.Repeat(" ", n))
		default:
			b.WriteByte(c)
		}
		at += n
	}
	return b.String()
}

// above gives the comments of the old file that stand between a rule and the one before it, without their signs.
func (r *rule) above() string {
	var lines []string
	for line := range strings.SplitSeq(r.file.text[r.after:r.start], "\n") {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			lines = append(lines, strings.TrimPrefix(rest, " "))
		} else if len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, "")
		}
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
