package gnu

import (
	"fmt"
	"strings"

	"perilune/engine/users"
)

// macro gives the Lua of a text with macros, as used in hints: there is no reply yet. problems are for the
// report.
func (s *source) macro(text string) (lua string, problems []string) {
	m, wrong := users.ParseMacro(text, s.dict)
	for _, w := range wrong {
		problems = append(problems, w.Error())
	}
	var parts []string
	for _, part := range m.Parts() {
		lua, problem := macroPart(&part)
		if lua != "" {
			parts = append(parts, lua)
		}
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	if len(parts) == 0 {
		return `""`, problems
	}
	return strings.Join(parts, " .. "), problems
}

// macroPart gives the Lua of one part, "" for one that gives nothing.
func macroPart(p *users.MacroPart) (lua, problem string) {
	switch p.Kind {
	case users.MacroText:
		return luaString(p.Text), ""
	case users.MacroTime:
		return macroTime(p), ""
	case users.MacroRequest:
		return macroRequest(p)
	case users.MacroReply:
		if p.Mode == '=' {
			problem = "a macro gives a reply attribute, but hints have no reply yet"
		}
		return absentMacro(p), problem
	}
	return "", ""
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
		return luaString(p.Text)
	case p.Mode == 0 && !isText(p.Ref.Attr):
		return `"0"`
	}
	return ""
}

func macroRequest(p *users.MacroPart) (lua, problem string) {
	a := p.Ref.Attr
	name := luaString(a.FullName())
	value := field(a)
	if numeric(a) && !p.Quoted {
		value = fmt.Sprintf("req:int(%s)", name)
	}
	absent := absentMacro(p)
	switch {
	case p.Mode == '=':
		problem = fmt.Sprintf("%%C{%s:=...} no longer adds the attribute to the request", a.Name)
	case p.Mode == '+':
		if absent == "" {
			return "", ""
		}
		return fmt.Sprintf(`(req:has(%s) and "" or %s)`, name, absent), ""
	}
	if p.Quoted && isText(a) {
		problem = fmt.Sprintf("%%C{%s} is put between quotes and is not escaped here", a.Name)
	}
	switch {
	case value == "req.user" && absent == "":
		return value, problem
	case value == "req.user":
		value = `req["User-Name"]`
	case absent == `"0"` && numeric(a) && !p.Quoted:
		absent = "0"
	}
	if absent == "" {
		absent = `""`
	}
	return fmt.Sprintf("(%s or %s)", value, absent), problem
}
