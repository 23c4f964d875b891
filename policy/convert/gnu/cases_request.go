package gnu

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/dictionary"
)

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// strangers are names for requests that any user may send. The first that no file names is taken.
var strangers = []string{"somebody", "visitor", "stranger", "wanderer", "passenger"}

// stranger gives a name that stands in no rule and not in access.deny.
func (s *source) stranger() string {
	if s.nobody != "" {
		return s.nobody
	}
	s.nobody = "nobody-at-all"
	for _, name := range strangers {
		if !s.mentioned(name) {
			s.nobody = name
			break
		}
	}
	return s.nobody
}

// A wish is what a request has to be like: its name, and the comparisons that must hold.
type wish struct {
	name           string // "" for anybody's
	prefix, suffix string // to be around the name
	lists          [][]pair
	depth          int
}

// fulfil makes a request that fits the wishes, false if that cannot be done.
func (s *source) fulfil(w wish) (heldList, bool) {
	if w.depth > 4 {
		return nil, false
	}
	w.depth++
	for i := range w.lists {
		for j := range w.lists[i] {
			p := &w.lists[i][j]
			if !p.compared() || p.negated() {
				continue
			}
			switch p.attr.Name {
			case "Hint":
				return s.fulfilHint(w, i, p)
			case "Huntgroup-Name":
				return s.fulfilGroup(w, i, p)
			}
		}
	}
	return s.values(w)
}

// without gives the wishes without one comparison, which is fulfilled in another way.
func (w wish) without(i int, p *pair) wish {
	lists := slices.Clone(w.lists)
	lists[i] = nil
	for j := range w.lists[i] {
		if q := &w.lists[i][j]; q != p {
			lists[i] = append(lists[i], *q)
		}
	}
	w.lists = lists
	return w
}

// fulfilHint wishes what a rule of hints demands that leaves the mark.
func (s *source) fulfilHint(w wish, i int, p *pair) (heldList, bool) {
	for _, r := range rulesOf(s.hints) {
		if !slices.ContainsFunc(values(r.rhs, "Hint"), func(q *pair) bool { return q.value.text == p.value.text }) {
			continue
		}
		next := w.without(i, p)
		next.lists = append(next.lists, withoutAffixes(r.lhs))
		if !r.isDefault() {
			if next.name != "" && next.name != r.label.text {
				continue
			}
			next.name = r.label.text
		}
		prefix, suffix := affixes(r)
		for _, q := range values(r.lhs, "Prefix") {
			next.prefix = q.value.text[:min(prefix, len(q.value.text))] + next.prefix
		}
		for _, q := range values(r.lhs, "Suffix") {
			next.suffix += q.value.text[:min(suffix, len(q.value.text))]
		}
		if list, ok := s.fulfil(next); ok {
			return list, true
		}
	}
	return nil, false
}

func withoutAffixes(list []pair) []pair {
	return slices.DeleteFunc(slices.Clone(list), func(p pair) bool {
		return p.attr != nil && (p.attr.Name == "Prefix" || p.attr.Name == "Suffix") && !p.negated()
	})
}

// fulfilGroup wishes what a rule of huntgroups demands that has the name.
func (s *source) fulfilGroup(w wish, i int, p *pair) (heldList, bool) {
	for _, r := range rulesOf(s.huntgroups) {
		if r.label.text != p.value.text {
			continue
		}
		next := w.without(i, p)
		next.lists = append(next.lists, r.lhs, r.rhs)
		if list, ok := s.fulfil(next); ok {
			return list, true
		}
	}
	return nil, false
}

// values gives each attribute that the wishes compare a value that fits all of them.
func (s *source) values(w wish) (list heldList, ok bool) {
	byAttr, order := w.byAttribute()
	name := cmp.Or(w.name, s.stranger())
	user := s.dict.Attribute("User-Name")
	for _, a := range order {
		v, found := choose(byAttr[a])
		if !found || a.Internal {
			return nil, false
		}
		if a == user {
			name = v.text
			continue
		}
		list = append(list, v)
	}
	return append(heldList{{attr: user, text: w.prefix + name + w.suffix}}, list...), true
}

// byAttribute gives the comparisons with each attribute of a request, and takes over what is to be around the
// name. What remains the model judges.
func (w *wish) byAttribute() (pairs map[*dictionary.Attribute][]*pair, order []*dictionary.Attribute) {
	pairs = map[*dictionary.Attribute][]*pair{}
	for i := range w.lists {
		for j := range w.lists[i] {
			p := &w.lists[i][j]
			switch {
			case !p.compared():
				continue
			case p.attr.Name == "Prefix" && !p.negated() && !strings.HasPrefix(w.name, p.value.text):
				w.prefix = p.value.text
			case p.attr.Name == "Suffix" && !p.negated() && !strings.HasSuffix(w.name, p.value.text):
				w.suffix = p.value.text
			}
			switch p.attr.Name {
			case "Prefix", "Suffix", "Group", "Group-Name", "Hint", "Huntgroup-Name":
				continue
			}
			if pairs[p.now] == nil {
				order = append(order, p.now)
			}
			pairs[p.now] = append(pairs[p.now], p)
		}
	}
	return pairs, order
}

// choose finds a value that fits all comparisons with one attribute.
func choose(pairs []*pair) (heldValue, bool) {
	for _, p := range pairs {
		for _, v := range near(p) {
			if !slices.ContainsFunc(pairs, func(q *pair) bool { return !q.fits(v) }) {
				return v, true
			}
		}
	}
	return heldValue{}, false
}

// near gives values around the one that a pair compares with, the likeliest first.
func near(p *pair) (list []heldValue) {
	if !numeric(p.now) && !address(p.now) {
		text := p.valueText()
		for _, t := range [...]string{text, text + "x", "x" + text, "0", ""} {
			if t != "" {
				list = append(list, heldValue{attr: p.now, text: t})
			}
		}
		return list
	}
	numbers := []uint32{p.num, p.num + 1, p.num - 1, p.num + 2, p.num ^ 1<<31, 0}
	for _, r := range p.ranges {
		numbers = append(slices.Insert(numbers, 0, r.from), r.to+1, r.to+2)
	}
	for _, n := range numbers {
		list = append(list, heldValue{p.now, valueName(p.now, n), n})
	}
	if p.now.HasValues() { // named values go before mere numbers
		slices.SortStableFunc(list, func(a, b heldValue) int { return isDigits(a.text) - isDigits(b.text) })
	}
	return list
}

func isDigits(text string) int {
	if strings.Trim(text, "0123456789") == "" {
		return 1
	}
	return 0
}

// valueName gives a number as people write it for an attribute.
func valueName(a *dictionary.Attribute, n uint32) string {
	if address(a) {
		return dotted(n)
	}
	if name, ok := a.ValueName(uint64(n)); ok {
		return name
	}
	return decimal(n)
}

// misses gives requests that differ from one in a single point, so that the rule may not fit: each comparison
// is made to fail in turn, then the name is another.
func (s *source) misses(r *rule, list heldList) (all []heldList) {
	for i := range r.lhs {
		p := &r.lhs[i]
		if !p.compared() {
			continue
		}
		all = append(all, s.miss(r, p, list)...)
	}
	if r.isNamed() {
		all = append(all, renamed(list, s.stranger()))
	}
	return all
}

func renamed(list heldList, name string) heldList {
	list = slices.Clone(list)
	list[0].text = name
	return list
}

// miss gives requests in which one comparison of a rule fails and, if that can be, no other.
func (s *source) miss(r *rule, p *pair, list heldList) (all []heldList) {
	name := list[0].text
	switch p.attr.Name {
	case "Prefix", "Hint":
		return []heldList{renamed(list, "x"+name), renamed(list, s.stranger())}
	case "Suffix":
		return []heldList{renamed(list, name+"x"), renamed(list, s.stranger())}
	case "Huntgroup-Name":
		for i := 1; i < len(list); i++ {
			all = append(all, slices.Delete(slices.Clone(list), i, i+1))
		}
		return all
	}
	for _, v := range near(p) {
		others := slices.ContainsFunc(r.lhs, func(q pair) bool {
			return q.compared() && q.now == p.now && q.name.start != p.name.start && !q.fits(v)
		})
		if !p.fits(v) && !others {
			next := slices.Clone(list)
			next.set(v)
			all = append(all, next)
		}
	}
	return append(all, slices.DeleteFunc(slices.Clone(list), func(v heldValue) bool { return v.attr == p.now }))
}
