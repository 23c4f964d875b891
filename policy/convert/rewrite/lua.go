package rewrite

import (
	"fmt"
	"strings"

	"perilune/policy/convert/output"
)

// A binding is how tight the outermost operator of a Lua expression is.
type binding uint8

const (
	bindOr binding = iota + 1
	bindAnd
	bindCompare
	bindConcat
	bindSum
	bindProduct
	bindUnary
	bindPower
	bindAtom   // constants
	bindPrefix // names, calls, fields: what : and [ may follow
)

// A lua is a Lua expression.
type lua struct {
	text string
	bind binding
}

func atom1(format string, args ...any) lua { return lua{fmt.Sprintf(format, args...), bindAtom} }

// prefix is an expression that a method can be called on.
func prefix(format string, args ...any) lua { return lua{fmt.Sprintf(format, args...), bindPrefix} }

// at gives the text for a place that asks for an operator at least so tight.
func (x lua) at(bind binding) string {
	if x.bind < bind {
		return "(" + x.text + ")"
	}
	return x.text
}

// infix joins two operands by a left-associative operator.
func infix(x lua, op string, y lua, bind binding) lua {
	return lua{x.at(bind) + " " + op + " " + y.at(bind+1), bind}
}

// isNot negates a condition.
func isNot(x lua) lua { return lua{"not " + x.at(bindUnary), bindUnary} }

// A writer holds lines of Lua.
type writer struct {
	b     strings.Builder
	level int
	lines int
}

func (w *writer) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if text != "" {
		w.b.WriteString(strings.Repeat("  ", w.level))
	}
	w.b.WriteString(text + "\n")
	w.lines++
}

// comments writes comments as Lua has them.
func (w *writer) comments(lines []string) {
	for _, text := range lines {
		text = strings.Map(func(c rune) rune {
			if c < ' ' && c != '\t' {
				return ' '
			}
			return c
		}, output.UTF8(text))
		text = strings.TrimRight(text, " \t")
		switch {
		case strings.HasPrefix(text, "[") && strings.Trim(text[1:], "=") != text[1:] || strings.HasPrefix(text, "[["):
			text = " " + text
		case text != "" && text[0] != ' ' && text[0] != '\t' && text[0] != '-':
			text = " " + text
		}
		w.line("--%s", text)
	}
}

// beside puts a comment behind the line that was written last.
func (w *writer) beside(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	all := strings.TrimSuffix(w.b.String(), "\n")
	w.b.Reset()
	w.b.WriteString(all + "  -- " + strings.TrimSpace(output.Comment(text)) + "\n")
}
