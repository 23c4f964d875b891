package gnu

import (
	"fmt"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/program"
	"perilune/engine/raddb"
	"perilune/engine/users"
	"perilune/policy/convert/output"
)

const methodsScript = "scripts/40-methods.lua"

// convertUsers writes users and what it includes: the text as it was, but for what the old server left out and
// for what is written otherwise here.
func convertUsers(s *source) {
	s.readRulebook()
	if s.users == nil {
		s.out.File("raddb/users").Printf("$DIALECT gnu\n\n# The old directory had no users.\n")
		return
	}
	w := usersWriter{source: s, editors: map[*ruleFile]*editor{}}
	for _, f := range s.users.files() {
		w.file(f)
	}
	w.settle()
	w.writeMethods()
	w.cases()
	n, expires := 0, false
	for _, r := range s.users.all() {
		if !w.editors[r.file].gone[r] {
			n++
			expires = expires || len(values(r.lhs, "Expiration")) > 0
		}
	}
	at := raddb.Pos{File: s.users.name}
	s.report.Donef(at, "%s in raddb/users", count(n, "entry is", "entries are"))
	if expires {
		s.report.Differsf(at, "Expiration also ends sessions: Session-Timeout is at most what is left until then; the old server let them go on")
	}
}

// A usersWriter changes the users files.
type usersWriter struct {
	*source
	editors map[*ruleFile]*editor
	methods []string               // the Auth-Types that need a script's help
	check   *dictionary.Dictionary // to read the new files with
	places  map[string]string      // what newName has given for which file
	taken   map[string]bool        // all of it
	labels  map[string]bool        // of the entries that the old server used; nil if not gathered
}

// file makes the changes of one file.
func (w *usersWriter) file(f *ruleFile) {
	e := &editor{file: f}
	w.editors[f] = e
	for _, r := range f.rules {
		if r.dropped != "" {
			e.leaveOut(r, r.dropped)
			continue
		}
		w.entry(e, r)
	}
	for _, in := range f.includes {
		w.include(e, in)
	}
	for _, at := range f.others {
		e.replace(at, at, "# ")
	}
}

// include gives an inclusion the name that the file has in the new tree.
func (w *usersWriter) include(e *editor, in *inclusion) {
	if in.file == nil {
		e.replace(in.start, in.start, "# Left out, it could not be read: ")
		return
	}
	e.replace(in.start, in.end, "$INCLUDE "+w.newName(in.file.name))
}

// newName gives the name of a file in the new raddb: the same relative one, or one of its own if the old one
// lay elsewhere or where another file belongs.
func (w *usersWriter) newName(name string) string {
	name = filepath.ToSlash(filepath.Clean(w.relative(name)))
	if place, ok := w.places[name]; ok {
		return place
	}
	place := name
	if !filepath.IsLocal(name) || belongsToOthers(name) {
		place = "users.d/" + path.Base(name)
	}
	for base, n := place, 2; w.taken[place]; n++ {
		place = fmt.Sprintf("%s-%d", base, n)
	}
	if w.places == nil {
		w.places, w.taken = map[string]string{}, map[string]bool{}
	}
	w.places[name], w.taken[place] = place, true
	return place
}

// belongsToOthers reports whether the new tree has another file of that name.
func belongsToOthers(name string) bool {
	switch name {
	case "config.toml", "clients", "realms", "access.deny", "radius.conf", "dictionary":
		return true
	}
	return strings.HasPrefix(name, "dictionary.d/") || strings.HasPrefix(name, "secrets/")
}

// A refusal says that an entry cannot be had here.
type refusal struct {
	p   *pair
	why string
}

// entry makes the changes of one entry.
func (w *usersWriter) entry(e *editor, r *rule) {
	if ref := w.refusal(r); ref != nil {
		w.report.Lookf(ref.p.name.at, "%s: left out: %s", r.name(), ref.why)
		e.leaveOut(r, ref.why)
		return
	}
	w.tellLabel(r)
	w.method(e, r)
	for side, list := range [...][]pair{r.lhs, r.rhs} {
		for i := range list {
			if p := &list[i]; p.dropped == "" {
				w.pair(e, r, p, side == 1)
			}
			if p := &list[i]; p.dropped != "" {
				e.note(r, "Left out of the entry below: %s: %s", p.name.text, p.dropped)
			}
		}
		e.remove(list, func(p *pair) bool { return p.dropped != "" })
	}
	if len(kept(r.lhs)) == 0 && len(kept(r.rhs)) == 0 {
		e.leaveOut(r, "nothing of it is left")
	}
}

// tellLabel tells of labels that the old server took for BEGIN or DEFAULT, against its manual.
func (w *usersWriter) tellLabel(r *rule) {
	for _, base := range [...]string{"BEGIN", "DEFAULT"} {
		if strings.HasPrefix(r.label.text, base) && !numbered(r.label.text, base) {
			w.differ("label", r.at(), "%s is the name of a user, as documented: only digits may follow %s. The old server took any such label for one", r.name(), base)
		}
	}
}

// refusal tells why an entry cannot be had, nil if it can.
func (w *usersWriter) refusal(r *rule) *refusal {
	if p := values(r.lhs, "Fall-Through"); len(p) > 0 {
		return &refusal{p[0], "the entry never fits: " + p[0].never()}
	}
	for _, p := range kept(r.lhs) {
		if p.ranges != nil && p.op.text == ">" {
			return &refusal{p, "the entry never fits: no port was greater than a list of ports"}
		}
	}
	for _, p := range kept(r.rhs) {
		if p.expr == "" {
			continue
		}
		lua, err := w.value(p)
		if err != nil {
			return &refusal{p, fmt.Sprintf("the value of %s cannot be translated: %v", p.name.text, err)}
		}
		p.lua = lua
	}
	return nil
}

// value translates a computed value.
func (w *usersWriter) value(p *pair) (string, error) {
	return w.rewrite.Value(p.expr, p.value.at, p.now)
}

// pair makes the changes of one pair.
func (w *usersWriter) pair(e *editor, r *rule, p *pair, rhs bool) {
	if why := w.useless(p, rhs); why != "" {
		p.dropped = why
		w.report.Lookf(p.name.at, "%s: %s left out: %s", r.name(), p.name.text, why)
		return
	}
	if w.dict.GNUAttribute(p.name.text) != p.now {
		p.newName = p.now.FullName()
		e.replace(p.name.start, p.name.end, p.newName)
	}
	if p.op.text != "=" && (rhs || !p.compared()) {
		p.newOp = "="
	} else if p.ranges != nil {
		p.newOp = rangeOps[p.op.text]
	}
	if p.newOp != "" {
		e.replace(p.op.start, p.op.end, p.newOp)
	}
	if text := w.newValue(r, p); text != "" && !p.asks {
		p.newValue = text
		e.replace(p.value.start, p.value.end, text)
	}
}

// useless tells why a pair does nothing here, as it did nothing before, or cannot be had; "" if it stays.
func (w *usersWriter) useless(p *pair, rhs bool) string {
	switch p.attr.Name {
	case "Match-Profile":
		if rhs && !w.hasProfile(p.value.text) {
			return fmt.Sprintf("no entry is named %q", p.value.text)
		}
	case "Rewrite-Function":
		return "the old server never called it from users"
	case "Scheme-Procedure":
		return `there is no Scheme: write a reply hook, on("reply", fn)`
	case "Auth-Failure-Trigger":
		if !strings.HasPrefix(p.value.text, "/") {
			return "it is no program"
		}
		return w.cannotRun(p)
	case "Exec-Program":
		return w.cannotRun(p)
	case "Login-Time":
		if _, err := users.ParseLoginTime(p.value.text); err != nil {
			return fmt.Sprintf("the old server did not understand it, so that it did not restrict anything: %v", err)
		}
	}
	return ""
}

// cannotRun tells why a command that decides nothing cannot be run, "" if it can. An entry with an
// Exec-Program-Wait of the kind is left out: it would let in whom the program refused.
func (w *usersWriter) cannotRun(p *pair) string {
	text := strings.TrimSpace(p.value.text)
	if name, ok := strings.CutPrefix(text, "|"); ok {
		if _, known := w.filters[strings.TrimSpace(name)]; !known {
			return fmt.Sprintf("there is no filter %q", strings.TrimSpace(name))
		}
		return ""
	}
	if _, err := program.Split(text); err != nil && p.expr == "" {
		return err.Error()
	}
	return ""
}

// hasProfile reports whether an entry of the name was not left out.
func (w *usersWriter) hasProfile(name string) bool {
	if w.labels == nil {
		w.labels = map[string]bool{}
		for _, r := range w.users.all() {
			if r.dropped == "" {
				w.labels[r.label.text] = true
			}
		}
	}
	return w.labels[name]
}

// commands are the attributes whose values have macros.
var commands = []string{"Exec-Program", "Exec-Program-Wait", "Auth-Failure-Trigger"}

// rangeOps are the operators for a list of ports as they are written here: being inside counted as equal,
// outside as less. With <= any port fits.
var rangeOps = map[string]string{">=": "=", "<": "!=", "<=": ">="}

// newValue gives a value as it has to be written now, "" if it stays.
func (w *usersWriter) newValue(r *rule, p *pair) string {
	switch {
	case p.expr != "":
		return output.GNUString("=" + p.lua)
	case p.attr.Type == dictionary.TypeDate:
		if text := p.date.Format("Jan 02 2006"); text != p.value.text {
			return output.GNUString(text)
		}
	case numeric(p.attr) && numeric(p.now) && p.ranges == nil:
		return w.newNumber(r, p)
	case p.looked:
		return p.value.text
	case p.ranges != nil && p.op.text == "<=":
		return "0"
	case slices.Contains(commands, p.attr.Name) && strings.HasPrefix(p.value.text, "/"):
		if text := w.mendMacros(p.value.text, p.value.at, p.name.text); text != p.value.text {
			return output.GNUString(text)
		}
	case isText(p.now):
		if text := cut(p.now, p.value.text); text != p.value.text {
			w.report.Lookf(p.value.at, "%s: %s has %d octets; what fits into one attribute is kept, as the old server sent it", r.name(), p.name.text, len(p.value.text))
			return output.GNUString(text)
		}
	}
	return ""
}

// leastInterim is the shortest Acct-Interim-Interval, in seconds (RFC 2869 s5.16).
const leastInterim = 60

func (w *usersWriter) newNumber(r *rule, p *pair) string {
	n := p.num
	if p.attr.Name == "Acct-Interim-Interval" && n < leastInterim {
		w.differ("interim", p.value.at, "Acct-Interim-Interval below %d is raised to it (RFC 2869 s5.16)", leastInterim)
		return strconv.Itoa(leastInterim)
	}
	text := p.value.text
	if now, ok := p.now.ValueNumber(text); ok && uint32(now) == n {
		return ""
	}
	if digits := strconv.FormatUint(uint64(n), 10); digits != text {
		if text != "" && text[0] >= '0' && text[0] <= '9' {
			w.differ("digits", p.value.at, "%s: %s is written %s, as the old server read it", r.name(), text, digits)
		}
		return digits
	}
	return ""
}

// anyName takes every name for registered: the scripts are made from the same files.
type anyName struct{}

func (anyName) Huntgroup(string) (int, bool)              { return 0, true }
func (anyName) Rewrite(string) (int, bool)                { return 0, true }
func (anyName) Expression(string, raddb.Pos) (int, error) { return 0, nil }
func (anyName) All(string) iter.Seq[string]               { return func(func(string) bool) {} }
