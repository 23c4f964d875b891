package gnu

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// convertMenus turns the menus into a script on top of challenges, with a test for each.
func (s *source) convertMenus() {
	list := s.readMenus()
	asked := s.asksMenu(list)
	if len(list) == 0 && !asked {
		return
	}
	var b script
	b.body.WriteString(menusHead + "\n")
	b.linef("local menus = {")
	b.indent++
	for _, m := range list {
		if m.rest == nil {
			s.report.Differsf(raddb.Pos{File: m.file}, "menu %s has no DEFAULT: other answers are rejected", m.name)
		}
		s.menu(&b, m)
		s.menuTest(m)
	}
	b.indent--
	b.linef("}")
	b.body.WriteString(menusEnd + "\n")
	s.out.File("scripts/30-menus.lua").WriteString(b.String())
	at := raddb.Pos{File: "menus"}
	if len(list) == 0 {
		return
	}
	s.report.Donef(at, "%d menus are in scripts/30-menus.lua", len(list))
	s.report.Differsf(at, "the State of a menu is sealed, and good for its user alone and for two minutes; the original let in everybody who sent the State MENU=name, without a password")
}

// asksMenu tells of users that are sent to menus that there are not. Without the script they would get in unasked.
func (s *source) asksMenu(list []*menu) (missing bool) {
	if s.users == nil {
		return false
	}
	for _, r := range s.users.all() {
		for _, p := range values(r.rhs, "Menu") {
			if !slices.ContainsFunc(list, func(m *menu) bool { return m.name == p.value.text }) {
				missing = true
				s.report.Lookf(p.value.at, "%s: there is no menu %s; as before the user is told so, and gets no further", r.label.text, p.value.text)
			}
		}
	}
	return missing
}

const menusHead = `-- Menus: questions that are asked when the password was right, before the session begins. A users entry with
-- Menu = "name" in its reply brings one. An answer leads to an accept, to another menu by its name, or to "EXIT",
-- which rejects.

-- keep gives what the next round must know: the menu, and what restricts the account.
local function keep(req, name)
  return {
    menu = name,
    expiration = req.control:int("Expiration"),
    hours = req.control["Login-Time"],
    sessions = req.control:int("Simultaneous-Use"),
  }
end
`

const menusEnd = `
local function ask(req, name)
  local menu = menus[name]
  local text = menu and menu.text or "*** User Menu is Not Available ***"
  return challenge{next = "menu", message = text, state = keep(req, name)}
end

on("reply", {name = "menus", when = {verdict = "accept"}, unless = {method = "answer"}}, function(req)
  local name = req.reply["Menu"]
  if name then return ask(req, name) end
end)

-- Nobody's password is looked at here: the State is the proof that it was right.
answer("menu", function(req, text)
  req.control["Expiration"] = req.state.expiration
  req.control["Login-Time"] = req.state.hours
  req.control["Simultaneous-Use"] = req.state.sessions
  local menu = menus[req.state.menu]
  local choice = menu and (menu.choices[text or ""] or menu.rest) or "EXIT"
  if type(choice) == "function" then choice = choice(req) end
  if choice == "EXIT" then return reject{reason = "menu"} end
  if type(choice) == "string" then return ask(req, choice) end
  return choice
end)`

// menu writes one menu into the table of all.
func (s *source) menu(b *script, m *menu) {
	b.linef("-- %s", m.file)
	b.linef("[%s] = {", output.LuaString(m.name))
	b.indent++
	b.lines("text = " + s.menuText(m) + ",")
	b.linef("choices = {")
	b.indent++
	for i := range m.choices {
		b.lines("[" + output.LuaString(m.choices[i].answer) + "] = " + s.choice(&m.choices[i]) + ",")
	}
	b.indent--
	b.linef("},")
	if m.rest != nil {
		b.lines("rest = " + s.choice(m.rest) + ",")
	}
	b.indent--
	b.linef("},")
}

// menuText gives the text, a line of Lua for each of its own.
func (s *source) menuText(m *menu) string {
	lines := strings.SplitAfter(m.text, "\r\n")
	parts := make([]string, len(lines))
	for i, line := range lines {
		parts[i] = output.LuaString(line)
	}
	return strings.Join(parts, " ..\n  ")
}

// choice gives what an answer brings, in Lua: the name of another menu, an accept, or a function that makes
// one.
func (s *source) choice(c *choice) string {
	if next := c.goesTo(); next != "" {
		return output.LuaString(next)
	}
	items, computed := s.items(c.rule.rhs)
	after := c.afterwards()
	if after != "" {
		items = append([]string{`next = "menu"`, fmt.Sprintf("state = keep(req, %s)", output.LuaString(after))}, items...)
		items = append(items, `{"Termination-Action", "RADIUS-Request"}`)
	}
	text := "accept{" + strings.Join(items, ", ") + "}"
	if computed || after != "" {
		return "function(req)\n  return " + text + "\nend"
	}
	return text
}

// items gives reply pairs as entries of a verdict, in their order; computed if one needs the request.
func (s *source) items(list []pair) (items []string, computed bool) {
	for _, p := range kept(list) {
		if p.attr.Name == "Menu" || p.attr.Name == "Termination-Menu" {
			continue
		}
		value := p.luaValue()
		switch {
		case p.now.Internal:
			s.report.Lookf(p.name.at, "%s left out: it has no effect in a menu", p.name.text)
			continue
		case p.expr != "":
			lua, err := s.inline(p)
			if err != nil {
				s.report.Lookf(p.name.at, "%s left out: the value could not be translated: %v", p.name.text, err)
				continue
			}
			value, computed = lua, true
		case p.attr.Name == "Framed-IP-Address" && strings.HasSuffix(p.value.text, "+"):
			value, computed = p.withPort(), true
		}
		items = append(items, fmt.Sprintf("{%s, %s}", output.LuaString(p.now.FullName()), value))
	}
	return items, computed
}

// menuTest writes a test of one menu: its text, and each of its answers.
func (s *source) menuTest(m *menu) {
	f := s.out.File("scripts/30-menus-" + fileName(m.name) + "_test.lua")
	entries := fmt.Sprintf("$DIALECT gnu\nDEFAULT Auth-Type = Accept\n     Menu = %s\n", output.Quote(m.name))
	f.Printf("-- Tests of the menu %s in 30-menus.lua.\n\ntest.users %s\n\n", output.Comment(m.name), output.LuaLong(entries))
	f.WriteString("local function asked() return send{user = \"ann\", password = \"x\"} end\n\n")
	f.Printf("test.case(\"the text is shown\", function()\n  expect(asked()):challenge(\"menu\")\nend)\n")
	for i := range m.choices {
		s.choiceTest(f.Printf, m, &m.choices[i], m.choices[i].answer)
	}
	if m.rest == nil {
		f.Printf("\ntest.case(\"any other answer is rejected\", function()\n  expect(asked():answer(%s)):reject(\"menu\")\nend)\n", output.LuaString(m.other()))
		return
	}
	s.choiceTest(f.Printf, m, m.rest, m.other())
}

func (s *source) choiceTest(printf func(string, ...any), m *menu, c *choice, answer string) {
	title := fmt.Sprintf("the answer %q", answer)
	if c == m.rest {
		title = "any other answer"
	}
	printf("\ntest.case(%s, function()\n  expect(asked():answer(%s))", output.LuaString(title), output.LuaString(answer))
	switch next := c.goesTo(); {
	case next == "EXIT":
		printf(":reject(\"menu\")")
	case next != "":
		printf(":challenge(\"menu\")")
	default:
		printf(":accept()")
		seen := map[string]bool{}
		for _, p := range kept(c.rule.rhs) {
			if p.now.Internal || p.expr != "" || seen[p.now.FullName()] {
				continue
			}
			seen[p.now.FullName()] = true
			if strings.HasSuffix(p.value.text, "+") && address(p.now) {
				printf(":has(%s)", output.LuaString(p.now.FullName()))
				continue
			}
			printf(":has(%s, %s)", output.LuaString(p.now.FullName()), p.luaValue())
		}
		if c.afterwards() != "" {
			printf(":has(\"State\")")
		}
	}
	printf("\nend)\n")
}

// other gives an answer that no choice has.
func (m *menu) other() string {
	text := "something else"
	for m.has(text) {
		text += "!"
	}
	return text
}

// fileName gives a part of a file name for any name.
func fileName(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String()
}
