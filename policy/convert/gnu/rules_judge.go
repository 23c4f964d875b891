package gnu

import (
	"fmt"
	"slices"

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
				s.lookUp(p, side == 1)
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
