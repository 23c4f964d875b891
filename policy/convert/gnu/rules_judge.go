package gnu

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A ruleKind says which of the three rule files it is.
type ruleKind uint8

const (
	usersRules ruleKind = iota
	hintsRules
	huntgroupsRules
)

func (k ruleKind) String() string { return [...]string{"users", "hints", "huntgroups"}[k] }

// sides gives the usage flags of the left and the right side.
func (k ruleKind) sides() [2]dictionary.Usage {
	return [...][2]dictionary.Usage{
		{dictionary.UsersLHS, dictionary.UsersRHS},
		{dictionary.HintsLHS, dictionary.HintsRHS},
		{dictionary.HuntgroupsLHS, dictionary.HuntgroupsRHS},
	}[k]
}

// judge finds out which pairs and rules of a file the old server left out when it read them, and what the
// values of the others are. All that was left out is reported.
func (s *source) judge(f *ruleFile, kind ruleKind) {
	for _, r := range f.all() {
		if r.dropped == "" {
			s.judgeRule(r, kind)
		}
	}
	if kind == usersRules {
		s.breakCircles(f.all())
	}
	for _, r := range f.all() {
		s.reportDropped(r)
	}
}

// maxTold bounds what is told of one file: one that is no rule file at all is nothing but errors.
const maxTold = 200

// reportDropped tells of a rule that was left out, or of its pairs that were.
func (s *source) reportDropped(r *rule) {
	switch {
	case r.forbidden:
		s.tell(r.at(), "%s: left out: %s; the old server only logged that. To keep the rule, allow it in the old dictionary (PROPERTY name +L) and convert again", r.name(), r.dropped)
		return
	case r.dropped != "":
		s.tell(r.at(), "%s: left out, as the old server did: %s", r.name(), r.dropped)
		return
	}
	for _, list := range [...][]pair{r.lhs, r.rhs} {
		for i := range list {
			if p := &list[i]; p.dropped != "" {
				s.tell(p.name.at, "%s: %s left out: %s", r.name(), p.name.text, p.dropped)
			}
		}
	}
}

// tell notes what a person has to look at in a rule file, unless that has become too much.
func (s *source) tell(at raddb.Pos, format string, args ...any) {
	if s.told == nil {
		s.told = map[string]int{}
	}
	s.told[at.File]++
	switch n := s.told[at.File]; {
	case n < maxTold:
		s.report.Lookf(at, format, args...)
	case n == maxTold:
		s.report.Lookf(at, "and more: the other errors of the file are not told")
	}
}

func (s *source) judgeRule(r *rule, kind ruleKind) {
	for side, list := range [...][]pair{r.lhs, r.rhs} {
		for i := range list {
			p := &list[i]
			s.resolve(p)
			if p.dropped == "" {
				p.read(side == 1)
			}
			if p.dropped == "" && p.attr.Usage&kind.sides()[side] == 0 {
				r.drop("%s may not stand on the %s side in %s by its flags in the dictionary", p.name.text, [...]string{"left", "right"}[side], kind)
				if kind != usersRules && side == 0 {
					r.forbidden = true
					s.differ("usage", r.at(), "flags of the dictionary that forbid an attribute on the left side hold in hints and huntgroups, as documented; the old server only logged them")
				}
			}
		}
	}
	if r.dropped == "" && kind == usersRules {
		r.fixChecks()
	}
	if r.dropped == "" && len(kept(r.lhs)) == 0 && len(kept(r.rhs)) == 0 {
		r.drop("both lists are empty")
	}
}

// drop leaves the rule out. The first reason counts.
func (r *rule) drop(format string, args ...any) {
	if r.dropped == "" {
		r.dropped = fmt.Sprintf(format, args...)
	}
}

// resolve looks the name of a pair up. Case counts in the old dictionary.
func (s *source) resolve(p *pair) {
	a := s.oldAttribute(p.name.text)
	if a == nil {
		p.dropped = fmt.Sprintf("the old dictionary has no attribute %q%s", p.name.text, s.didYouMean(p))
		return
	}
	p.attr, p.now = a, s.counterpart(a)
	if p.now == nil {
		p.dropped = fmt.Sprintf("%s is in no dictionary of the new tree", p.name.text)
	}
}

// oldAttribute finds an attribute that the old files declare, or that the old server had built in; nil if
// there is none of exactly that name.
func (s *source) oldAttribute(name string) *dictionary.Attribute {
	a := s.oldDict.GNUAttribute(name)
	switch {
	case a == nil || a.Index < 0:
		return nil
	case name != a.Name && !slices.Contains(a.Aliases(), name) && name != "NAS-Port-Id":
		return nil
	case a.Declared().File == "" && !(a.Internal && a.Number < firstForeign):
		return nil // only the program that reads it now knows of it
	}
	return a
}

// didYouMean gives the nearest name, which takes a while to find: not for a file full of errors.
func (s *source) didYouMean(p *pair) string {
	if s.strange++; s.strange > maxTold {
		return ""
	}
	return raddb.DidYouMean(p.name.text, s.oldDict.Names())
}

// firstForeign is the number of the first internal attribute that GNU Radius did not have.
const firstForeign = 3000

// counterpart gives the attribute of the new dictionary that an old one is now.
func (s *source) counterpart(a *dictionary.Attribute) *dictionary.Attribute {
	if a.Internal {
		return s.dict.Attribute(a.Name)
	}
	return s.dict.Attribute(a.NumberName())
}

// read finds out what the value means, as the old server read it.
func (p *pair) read(rhs bool) {
	text := p.value.text
	if rhs && len(text) > 1 && text[0] == '=' && p.value.kind == isString {
		p.expr = text[1:]
		return
	}
	switch p.attr.Type {
	case dictionary.TypeIPv4Addr, dictionary.TypeComboIP:
		p.readAddress(rhs)
	case dictionary.TypeDate:
		p.readDate()
	case dictionary.TypeByte, dictionary.TypeShort, dictionary.TypeInteger, dictionary.TypeInteger64, dictionary.TypeSigned:
		p.readNumber()
	default:
		p.readText()
	}
}

func (p *pair) readText() {
	switch p.attr.Name {
	case "Exec-Program", "Exec-Program-Wait":
		if p.value.text == "" || !strings.Contains("/|", p.value.text[:1]) {
			p.dropped = "a program's name begins with / or |"
		}
	}
}

// readNumber reads digits as atoi does, what begins with something else as the name of a value. NAS-Port-Id
// may be a list of ranges.
func (p *pair) readNumber() {
	text := p.value.text
	if p.attr.Number == 5 && p.attr.Vendor == nil && strings.ContainsAny(text, "-,") {
		if p.ranges = readRanges(text); p.ranges == nil {
			p.dropped = fmt.Sprintf("%q is no list of ports such as 1-5,9", text)
		}
		return
	}
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		p.num = atoi(text)
		return
	}
	n, ok := p.attr.ValueNumber(text)
	if !ok || !hasName(p.attr, text) {
		p.dropped = fmt.Sprintf("%s has no value %q%s", p.attr.Name, text, raddb.DidYouMean(text, p.attr.ValueNames()))
		return
	}
	p.num = uint32(n)
}

// hasName reports whether an attribute names a value exactly so.
func hasName(a *dictionary.Attribute, name string) bool {
	for n := range a.ValueNames() {
		if n == name {
			return true
		}
	}
	return false
}

// atoi reads the digits at the front, in 32 bits.
func atoi(text string) uint32 {
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(text[:end], 10, 64)
	if err != nil {
		n = -1 // more than 63 bits
	}
	return uint32(n)
}

// A portRange is one part of a list such as 1-5,9.
type portRange struct{ from, to uint32 }

// readRanges reads a list of ranges; nil if it is none.
func readRanges(text string) (list []portRange) {
	for part := range strings.SplitSeq(text, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			high = low
		}
		from, err := strconv.ParseUint(strings.TrimSpace(low), 10, 32)
		to, err2 := strconv.ParseUint(strings.TrimSpace(high), 10, 32)
		if err != nil || err2 != nil || from > to {
			return nil
		}
		list = append(list, portRange{uint32(from), uint32(to)})
	}
	return list
}

// readAddress reads a dotted quad; with a plus sign at its end it counts on with the port.
func (p *pair) readAddress(rhs bool) {
	text := p.value.text
	if rhs && p.attr.Name == "Framed-IP-Address" {
		text = strings.TrimSuffix(text, "+")
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		p.host = true
		return
	}
	b := addr.As4()
	p.num = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// readDate reads `Mon DD CCYY`, month by its first three letters.
func (p *pair) readDate() {
	fields := strings.Fields(strings.ReplaceAll(p.value.text, ",", " "))
	if len(fields) >= 3 && len(fields[0]) >= 3 {
		month := strings.ToUpper(fields[0][:1]) + strings.ToLower(fields[0][1:3])
		if t, err := time.Parse("Jan 2 2006", strings.Join([]string{month, fields[1], fields[2]}, " ")); err == nil {
			p.date = t
			return
		}
	}
	p.badDate = true
}

// number gives the value of a pair of a numeric attribute.
func (p *pair) number() uint32 { return p.num }

// fixChecks does what the old server did with an entry of users once it was read: entries that could let
// nobody in, or anybody, are left out.
func (r *rule) fixChecks() {
	method := values(r.lhs, "Auth-Type")
	passwords := len(values(r.lhs, "User-Password")) + len(values(r.lhs, "CHAP-Password")) + len(values(r.lhs, "Password-Location"))
	crypt := len(values(r.lhs, "Crypt-Password"))
	for _, list := range [...][]pair{r.lhs, r.rhs} {
		for _, p := range kept(list) {
			switch {
			case p.attr.Name == "Match-Profile" && (numbered(p.value.text, "DEFAULT") || numbered(p.value.text, "BEGIN")):
				r.drop("Match-Profile names %s", p.value.text)
			case p.host:
				r.drop("%s is %q; host names were looked up when the file was read, write the address", p.name.text, p.value.text)
			case p.badDate:
				r.drop("%s is %q; expected a date such as Jan 05 2026", p.name.text, p.value.text)
			}
		}
	}
	if len(method) == 0 {
		return
	}
	switch name := authName(method[0]); {
	case name == "Local" && passwords+crypt == 0, name == "Crypt-Local" && passwords+crypt == 0:
		r.drop("Auth-Type = %s without a password", name)
	case name == "SecurID":
		r.drop(`SecurID was never served; to ask a token server write auth_type("name", fn) in a script`)
	}
}

// authName gives the name of an Auth-Type.
func authName(p *pair) string {
	name, ok := p.attr.ValueName(uint64(p.num))
	if !ok {
		return strconv.FormatUint(uint64(p.num), 10)
	}
	return name
}

// breakCircles leaves out the rules whose Match-Profile leads back to themselves.
func (s *source) breakCircles(rules []*rule) {
	named := map[string][]*rule{}
	for _, r := range rules {
		if r.dropped == "" {
			named[r.label.text] = append(named[r.label.text], r)
		}
	}
	for label, group := range named {
		if !reaches(named, label, label, map[string]bool{}) {
			continue
		}
		for _, r := range group {
			r.drop("its Match-Profile leads back to %s", label)
		}
	}
}

// reaches reports whether the profiles that rules of the label from name lead to the label to.
func reaches(named map[string][]*rule, from, to string, seen map[string]bool) bool {
	for _, r := range named[from] {
		for _, next := range r.profiles() {
			if next == to {
				return true
			}
			if !seen[next] {
				seen[next] = true
				if reaches(named, next, to, seen) {
					return true
				}
			}
		}
	}
	return false
}

// profiles gives the labels that the Match-Profile pairs of a rule name.
func (r *rule) profiles() (labels []string) {
	for _, list := range [...][]pair{r.lhs, r.rhs} {
		for _, p := range values(list, "Match-Profile") {
			labels = append(labels, p.value.text)
		}
	}
	return labels
}
