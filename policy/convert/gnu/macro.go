package gnu

import (
	"fmt"
	"strings"

	"perilune/engine/raddb"
	"perilune/engine/users"
	"perilune/policy/convert/output"
)

// A luaMacro is a text with macros in Lua, as used in hints: there is no reply yet.
type luaMacro struct {
	before   []string // statements that stand before its use
	value    string   // the expression
	problems []string // for the report
}

// macro translates a text with macros.
func (s *source) macro(text string) (out luaMacro) {
	m, wrong := users.ParseMacro(text, s.dict)
	for _, w := range wrong {
		out.problems = append(out.problems, w.Error())
	}
	var parts []string
	for _, part := range m.Parts() {
		if lua := out.part(&part); lua != "" {
			parts = append(parts, lua)
		}
	}
	out.value = strings.Join(parts, " .. ")
	if len(parts) == 0 {
		out.value = `""`
	}
	return out
}

// mendMacros gives a text with macros without those that the server refuses. The old one logged them when it
// met them, and put nothing in their place; without a closing brace they stood as they were.
func (s *source) mendMacros(text string, at raddb.Pos, what string) string {
	for range maxAttempts {
		_, problems := users.ParseMacro(text, s.dict)
		if len(problems) == 0 {
			break
		}
		p := problems[0]
		bad, instead := text[p.Offset:p.End], ""
		if strings.HasSuffix(bad, "C") || strings.HasSuffix(bad, "R") {
			instead = "%" + bad
			s.report.Lookf(at, "%s: %v", what, p)
		} else {
			s.report.Lookf(at, "%s: %s left out: %v", what, bad, p)
		}
		text = text[:p.Offset] + instead + text[p.End:]
	}
	return text
}

// part gives the Lua of one part, "" for one that gives nothing.
func (m *luaMacro) part(p *users.MacroPart) string {
	switch p.Kind {
	case users.MacroText:
		return output.LuaString(p.Text)
	case users.MacroTime:
		return macroTime(p)
	case users.MacroRequest:
		return m.request(p)
	case users.MacroReply:
		return absentMacro(p)
	}
	return ""
}

func macroTime(p *users.MacroPart) string {
	format := "%Y-%m-%d %H:%M:%S"
	if p.GMT {
		format = "!" + format
	}
	return fmt.Sprintf(`os.date("%s", req.now - (req:int("Acct-Delay-Time") or 0))`, format)
}

// absentMacro gives what stands for an attribute that is not there, "" for nothing.
func absentMacro(p *users.MacroPart) string {
	switch {
	case p.Mode != 0 && p.Text != "":
		return output.LuaString(p.Text)
	case p.Mode == 0 && !isText(p.Ref.Attr):
		return `"0"`
	}
	return ""
}

// request gives the Lua for an attribute of the request.
func (m *luaMacro) request(p *users.MacroPart) string {
	a := p.Ref.Attr
	name, absent := output.LuaString(a.FullName()), absentMacro(p)
	switch p.Mode {
	case '+':
		if absent == "" {
			return ""
		}
		return fmt.Sprintf(`(req:has(%s) and "" or %s)`, name, absent)
	case '=':
		m.before = append(m.before, fmt.Sprintf("if not req:has(%s) then", name), fmt.Sprintf("  req:add(%s, %s)", name, output.LuaString(p.Text)), "end")
	}
	value := field(a)
	switch {
	case p.Mode != 0 && value == "req.user":
		value = `req["User-Name"]`
	case numeric(a) && !p.Quoted:
		value = fmt.Sprintf("req:int(%s)", name)
		if absent == `"0"` {
			absent = "0"
		}
	}
	if value != "req.user" {
		if absent == "" {
			absent = `""`
		}
		value = fmt.Sprintf("(%s or %s)", value, absent)
	}
	if p.Quoted && isText(a) {
		// The parentheses leave out how many there were.
		value = fmt.Sprintf("(%s:gsub(%s, %s))", value, output.LuaString(`[\'"]`), output.LuaString(`\%0`))
	}
	return value
}
