package users

import (
	"bytes"
	"net/netip"
	"regexp"
	"strconv"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// check compiles a pair of the check list. It reports whether the result depends on the pair's text alone.
func (c *compiler) check(n *name, p *rawPair) (plain bool) {
	switch {
	case p.op == opPresent || p.op == opAbsent:
		return c.presence(n, p)
	case c.dialect == GNU && (n.class == classUserPassword || n.class == classCryptPassword || n.class == classAuthType):
		return c.gnuPassword(n, p)
	case n.class == classUserPassword && p.op == opSet && c.lang == (language{dialect: GNU, declared: true}):
		c.errs.Errorf(c.opAt(p), `found :=; expected User-Password = "..." in the GNU dialect, or Cleartext-Password := "..."`)
		return false
	case n.class == classUserPassword && p.op == opSet:
		c.errs.Warnf(c.at(p.name), `User-Password := is ignored, it is no password to compare with; write Cleartext-Password := "..."`)
		return false
	case n.class == classProgram:
		c.errs.Errorf(c.at(p.name), "%s orders a program; it stands in the reply list", n.attr().Name)
		return false
	case n.class.sets() || p.op == opSet && n.class != classRewrite || p.op == opAdd:
		return c.order(n, p)
	}
	switch n.class {
	case classFallThrough:
		c.errs.Errorf(c.at(p.name), "Fall-Through belongs to the reply list")
		return false
	case classHuntgroup:
		return c.reference(n, p, checkHuntgroup)
	case classRewrite:
		return c.reference(n, p, runRewrite)
	case classProfile:
		return c.profile(p, &c.checks, checkProfile)
	case classHint:
		return c.textCheck(n, p, checkHint)
	case classPrefix:
		return c.textCheck(n, p, checkPrefix)
	case classSuffix:
		return c.textCheck(n, p, checkSuffix)
	case classGroup:
		return c.group(n, p)
	case classUID:
		return c.uid(n, p)
	}
	return c.compare(n, p)
}

// emit appends a check pair.
func (c *compiler) emit(p pair) bool {
	c.checks = c.table.append(c.checks, &p)
	return true
}

// emitNumber appends a check pair whose value is a number.
func (c *compiler) emitNumber(p pair, number int) bool {
	p.value = order.AppendUint32(nil, uint32(number))
	return c.emit(p)
}

func (c *compiler) presence(n *name, p *rawPair) bool {
	kind := checkPresent
	if p.op == opAbsent {
		kind = checkAbsent
	}
	return c.emit(pair{kind: kind, attr: n.id, tag: n.ref.Tag})
}

var relations = map[operator]relation{
	opAssign: relEqual, opEqual: relEqual, opMatch: relEqual, opNotEqual: relNotEqual, opNotMatch: relNotEqual,
	opLess: relLess, opGreater: relGreater, opLessEq: relLessEq, opGreaterEq: relGreaterEq,
}

// equality gives the relation of an operator that is = == or !=, and tells of others.
func (c *compiler) equality(n *name, p *rawPair) (relation, bool) {
	switch p.op {
	case opAssign, opEqual, opNotEqual:
		return relations[p.op], true
	}
	c.errs.Errorf(c.opAt(p), "found %s; %s is compared by = == or != alone", p.op, n.attr().Name)
	return 0, false
}

// textCheck compiles Hint, Prefix and Suffix.
func (c *compiler) textCheck(n *name, p *rawPair, kind pairKind) bool {
	rel, ok := c.equality(n, p)
	if !ok {
		return false
	}
	v, ok := c.value(n, p)
	return ok && c.emit(pair{kind: kind, rel: rel, attr: n.id, value: v})
}

// compare compiles a comparison with the request.
func (c *compiler) compare(n *name, p *rawPair) bool {
	out := pair{kind: checkCompare, rel: relations[p.op], attr: n.id, tag: n.ref.Tag}
	if c.dialect == FreeRADIUS {
		out.flags |= pairAny
	}
	switch {
	case p.op == opMatch || p.op == opNotMatch:
		return c.regexp(p, out)
	case !c.ordered(n, p):
		return false
	case c.expands(p):
		program, ok := c.expansion(c.literal(p), c.at(p.value))
		out.flags, out.value = out.flags|pairExpand, program
		return ok && c.emit(out)
	case n.class == classPort && bytes.ContainsAny(p.value.text, "-,"):
		return c.ports(n, p, out)
	case isAddress(n.attr()) && bytes.IndexByte(p.value.text, '/') > 0:
		return c.within(n, p, out)
	}
	v, ok := c.value(n, p)
	out.value = v
	return ok && c.emit(out)
}

// ordered tells of < > <= >= on types that know only equality.
func (c *compiler) ordered(n *name, p *rawPair) bool {
	if relations[p.op] < relLess {
		return true
	}
	switch n.attr().Type {
	case dictionary.TypeOctets, dictionary.TypeABinary, dictionary.TypeTLV, dictionary.TypeStruct, dictionary.TypeVSA,
		dictionary.TypeExtended, dictionary.TypeLongExtended, dictionary.TypeEVS:
		c.errs.Errorf(c.opAt(p), "found %s; %s has no order, it is compared by = == or != alone", p.op, n.attr().Name)
		return false
	}
	return true
}

func isAddress(a *dictionary.Attribute) bool {
	return a.Type == dictionary.TypeIPv4Addr || a.Type == dictionary.TypeIPv6Addr || a.Type == dictionary.TypeComboIP
}

// within compiles the comparison of an address with a prefix: inside for = == < <=, outside for !=.
func (c *compiler) within(n *name, p *rawPair, out pair) bool {
	prefix, err := netip.ParsePrefix(string(c.literal(p)))
	if err != nil {
		c.errs.Errorf(c.at(p.value), "%s is %q; expected an address or a prefix such as 10.0.0.0/8", n.attr().Name, c.text)
		return false
	}
	switch p.op {
	case opGreater, opGreaterEq:
		c.errs.Errorf(c.opAt(p), "found %s; an address lies in a prefix (= == < <=) or not (!=)", p.op)
		return false
	case opLess, opLessEq:
		out.rel = relEqual
	}
	out.kind = checkWithin
	out.value = append([]byte{byte(prefix.Bits())}, prefix.Masked().Addr().AsSlice()...)
	return c.emit(out)
}

// ports compiles ranges of NAS-Port such as 1-5,9.
func (c *compiler) ports(n *name, p *rawPair, out pair) bool {
	rel, ok := c.equality(n, p)
	if !ok {
		return false
	}
	out.kind, out.rel = checkPorts, rel
	for part := range bytes.SplitSeq(c.literal(p), []byte(",")) {
		low, high, ranged := bytes.Cut(part, []byte("-"))
		if !ranged {
			high = low
		}
		from, err := strconv.ParseUint(string(bytes.TrimSpace(low)), 10, 32)
		to, err2 := strconv.ParseUint(string(bytes.TrimSpace(high)), 10, 32)
		if err != nil || err2 != nil || from > to {
			c.errs.Errorf(c.at(p.value), `%s is %q; expected ports such as "1-5,9"`, n.attr().Name, c.text)
			return false
		}
		out.value = order.AppendUint32(order.AppendUint32(out.value, uint32(from)), uint32(to))
	}
	if len(out.value) > maxValue {
		c.errs.Errorf(c.at(p.value), "more than %d ranges of ports", maxValue/8)
		return false
	}
	return c.emit(out)
}

// regexp compiles =~ and !~. The pattern is taken as written: backslashes are the expression's.
func (c *compiler) regexp(p *rawPair, out pair) bool {
	at := c.at(p.value)
	if bytes.Contains(p.value.text, []byte("%{")) {
		c.errs.Errorf(at, `found an expansion in a regular expression; compare in a hook: huntgroup("name", fn)`)
		return false
	}
	source := string(bytes.ReplaceAll(p.value.text, []byte{'\\', '"'}, []byte{'"'}))
	number, ok := c.table.patterns[source]
	if !ok {
		re, err := regexp.Compile(source)
		if err != nil {
			c.errs.Errorf(at, "%v; expected RE2 syntax, which has no back-references and no look-around", err)
			return false
		}
		number = len(c.table.regexps)
		c.table.regexps = append(c.table.regexps, re)
		c.table.patterns[source] = number
	}
	out.kind = checkRegexp
	return c.emitNumber(out, number)
}

// reference compiles Huntgroup-Name and Rewrite-Function, whose names the policy resolves.
func (c *compiler) reference(n *name, p *rawPair, kind pairKind) bool {
	rel, ok := relEqual, true
	if p.op != opSet {
		rel, ok = c.equality(n, p)
	}
	if !ok {
		return false
	}
	name, at := string(c.literal(p)), c.at(p.value)
	look, what := c.o.Names.Huntgroup, "huntgroup"
	if kind == runRewrite {
		look, what = c.o.Names.Rewrite, "rewrite"
	}
	ref, ok := look(name)
	if !ok {
		c.errs.Errorf(at, `no script registers %s("%s", fn)%s`, what, name, raddb.DidYouMean(name, c.o.Names.All(what)))
		return false
	}
	if kind == checkHuntgroup {
		c.table.huntgroups[ref] = name
	} else {
		c.table.rewrites = true
	}
	return c.emitNumber(pair{kind: kind, rel: rel, attr: n.id}, ref)
}

// profile compiles Match-Profile on either side. Its label is resolved once all entries are known.
func (c *compiler) profile(p *rawPair, list *[]byte, kind pairKind) bool {
	if p.op != opAssign && p.op != opEqual && p.op != opSet {
		c.errs.Errorf(c.opAt(p), "found %s; expected Match-Profile = name", p.op)
		return false
	}
	label := string(c.literal(p))
	if numbered(label, "DEFAULT") || numbered(label, "BEGIN") {
		c.errs.Errorf(c.at(p.value), "Match-Profile names %s; expected the label of an entry of its own", label)
		return false
	}
	c.flags |= flagProfile
	out := pair{kind: kind, value: order.AppendUint32(nil, uint32(c.table.profileNumber(label, c.at(p.value))))}
	*list = c.table.append(*list, &out)
	return false
}
