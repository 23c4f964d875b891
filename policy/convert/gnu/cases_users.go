package gnu

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/users"
	"perilune/policy/convert/output"
)

const (
	usersTests = "scripts/30-users_test.lua"

	testPassword = "hamlet"
	testCrypt    = "$1$perilune$EicJna3uw33P66p2rzsmI0" // of the same word
)

const usersTestsHead = `-- Tests of the users file, made from the old one: for each entry a request that fits it and one that just does not.
--
-- They go by the copy of the entries below, so that editing raddb/users does not break them. In it all passwords are
-- the same, and what depends on the time, on programs, on sessions and on functions is left out.
`

const usersTestsHelper = `
local function accepts(request, want)
  local r = expect(send(request)):accept()
  for name, values in pairs(want) do
    r:has(name, values)
  end
end

local function rejects(request)
  expect(send(request)):reject()
end
`

// untested are the attributes that the copy of the entries leaves out.
var untested = []string{
	"Expiration", "Login-Time", "Simultaneous-Use", "Exec-Program", "Exec-Program-Wait", "Auth-Failure-Trigger", "Log-Mode-Mask",
	"Acct-Type", "Pam-Auth", "Auth-Data",
}

// mayRaise finds values that may fail by what a request holds, as a division does without a port: functions and
// divisions.
var mayRaise = regexp.MustCompile(`\w\(req\b| [/%] `)

// cases writes the tests of users.
func (w *usersWriter) cases() {
	w.tested = w.testable()
	text := w.copyEntries()
	if text == "" || !w.loads(text) {
		return
	}
	c := caseWriter{source: w.source, script: &script{}}
	b := &c.script.head
	b.WriteString(usersTestsHead)
	brackets := "="
	for strings.Contains(text, "]"+brackets+"]") {
		brackets += "="
	}
	fmt.Fprintf(b, "\ntest.users [%s[\n%s]%s]\n", brackets, text, brackets)
	b.WriteString(usersTestsHelper)
	for _, r := range w.tested[:min(len(w.tested), maxCases)] {
		c.user(r)
	}
	if c.written > 0 {
		w.out.File(usersTests).WriteString(c.script.String())
	}
}

// testable gives the entries that tests can have: those of a system's groups depend on the system, and of very
// many names the first will do.
func (w *usersWriter) testable() (rules []*rule) {
	names := 0
	for _, r := range rulesOf(w.users) {
		if r.isNamed() {
			names++
		}
		if !w.editors[r.file].gone[r] && !r.asksGroup() && len(values(r.lhs, "User-UID")) == 0 && names <= maxCases {
			rules = append(rules, r)
		}
	}
	for {
		before := len(rules)
		rules = slices.DeleteFunc(rules, func(r *rule) bool {
			return slices.ContainsFunc(r.profiles(), func(label string) bool {
				return !slices.ContainsFunc(rules, func(p *rule) bool { return p.label.text == label })
			})
		})
		if len(rules) == before {
			return rules
		}
	}
}

// loads reports whether the copy can be read: a test file that cannot would hold up every reload.
func (w *usersWriter) loads(text string) bool {
	var errs raddb.List
	var tree output.Tree
	tree.File("users").WriteString(text)
	users.Load(raddb.OpenFS(tree.FS(".")), "users", users.Options{Dictionary: w.check, Names: anyName{}}, &errs).Close(nil)
	return !errs.Failed()
}

// copyEntries gives the entries for the tests: without comments, which may hold anything, and without secrets.
func (w *usersWriter) copyEntries() string {
	var b strings.Builder
	for _, r := range w.tested {
		left, right := copyList(r, r.lhs), copyList(r, r.rhs)
		if left == "NULL" && right == "NULL" {
			continue
		}
		fmt.Fprintf(&b, "%s %s\n        %s\n", copyLabel(r.label), left, right)
	}
	if b.Len() == 0 {
		return ""
	}
	return dialectLine + b.String()
}

func copyLabel(t token) string {
	if t.kind == isName {
		return t.text
	}
	return output.GNUText(t.text)
}

func copyList(r *rule, list []pair) string {
	var parts []string
	for _, p := range kept(list) {
		if !slices.Contains(untested, p.attr.Name) && !(p.computed() && mayRaise.MatchString(p.lua)) {
			parts = append(parts, p.copy(r))
		}
	}
	if len(parts) == 0 {
		return "NULL"
	}
	return strings.Join(parts, ", ")
}

func (p *pair) copy(r *rule) string {
	value := p.newValue
	switch {
	case p.asks || p.attr.Name == "User-Password" && p.value.text == "UNIX":
		value = output.GNUText(cmp.Or(p.newValue, p.value.text))
	case p.attr.Name == "Crypt-Password":
		value = output.GNUString(testCrypt)
	case p.attr.Secret || strings.HasSuffix(p.attr.Name, "-Password"):
		value = output.GNUString(testPassword)
		if method, _ := r.method(); method == "Crypt-Local" {
			value = output.GNUString(testCrypt)
		}
	case value == "" && p.value.kind == isString:
		value = output.GNUText(p.value.text)
	case value == "":
		value = p.value.text
	}
	return cmp.Or(p.newName, p.name.text) + " " + cmp.Or(p.newOp, p.op.text) + " " + value
}

// user writes the case of one entry.
func (w *caseWriter) user(r *rule) {
	list, o, why := w.exactly(r, r.wish(), true)
	if why == "" && o.verdict(true) == "" {
		why = "its password is not in the file"
	}
	if why != "" {
		w.noCase(r, why)
		return
	}
	w.begin(r)
	w.answer(list, testPassword, o, true)
	if next, o := w.justNot(r, list, true, func(o *outcome) bool { return !o.has(r) && o.verdict(true) != "" }); next != nil {
		w.answer(next, testPassword, o, true)
	}
	if o.verdict(false) != o.verdict(true) {
		w.answer(list, "wrong", o, false)
	}
	w.end()
}

// answer writes what a request is answered with.
func (w *caseWriter) answer(list heldList, password string, o *outcome, right bool) {
	request := strings.TrimSuffix(requestTable(list), "}") + ", password = " + output.LuaString(password) + "}"
	switch o.verdict(right) {
	case "accept":
		w.script.linef("accepts(%s, {%s})", request, replies(o))
	case "discard":
		w.script.linef("expect(send(%s)):discard()", request)
	default:
		w.script.linef("rejects(%s)", request)
	}
}

// replies gives what the reply must hold: the constants that every Access-Accept can carry.
func replies(o *outcome) string {
	if slices.ContainsFunc(o.reply, func(v heldValue) bool { return v.attr.Name == "Callback-Id" }) {
		return "" // it drives others out
	}
	var parts []string
	var seen []*dictionary.Attribute
	for _, v := range o.reply {
		if slices.Contains(seen, v.attr) || !inAccept(v.attr) {
			continue
		}
		seen = append(seen, v.attr)
		if texts := o.texts(v.attr); texts != nil {
			parts = append(parts, fmt.Sprintf("[%s] = {%s}", output.LuaString(v.attr.FullName()), strings.Join(texts, ", ")))
		}
	}
	return strings.Join(parts, ", ")
}

// texts gives the values of an attribute of the reply in Lua; nil if one of them is not foretold.
func (o *outcome) texts(a *dictionary.Attribute) (texts []string) {
	for _, v := range o.reply {
		switch {
		case v.attr != a:
		case v.text == unforetold, v.text == "":
			return nil
		case numeric(a) && isDigits(v.text) == 1:
			texts = append(texts, v.text)
		default:
			texts = append(texts, output.LuaString(v.text))
		}
	}
	return texts
}

// inAccept reports whether an Access-Accept surely carries an attribute as it stands in the rule (RFC 2865 s5.44).
func inAccept(a *dictionary.Attribute) bool {
	switch {
	case a.Internal || a.Encrypt != dictionary.EncryptNone || a.Tagged || a.Concat:
		return false
	case a.Vendor != nil:
		return true
	}
	switch a.Number {
	case 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 22, 23, 25, 27, 28, 34, 36, 37, 38, 39, 62:
		return true
	}
	return false
}
