package users

import (
	"bytes"

	"perilune/engine/dictionary"
)

// replyPair compiles a pair of the reply list. It reports whether the result depends on the pair's text
// alone.
func (c *compiler) replyPair(n *name, p *rawPair) (plain bool) {
	switch n.class {
	case classFallThrough:
		return c.fallThrough(n, p)
	case classProfile:
		return c.profile(p, &c.reply, runProfile)
	case classRewrite:
		c.reference(n, p, runRewrite) // acts with the check list's orders, before the reply is merged
		return false
	}
	out := pair{kind: replyMerge, attr: n.id, tag: n.ref.Tag}
	if !c.replyKind(p, &out) {
		return false
	}
	if c.dialect == FreeRADIUS && n.class.sets() && n.class != classPlain && n.attr().Internal && n.attr() != c.names.d.Known.Menu {
		c.errs.Warnf(c.at(p.name), "%s is an order for the server; expected it on the line of the name", n.attr().Name)
	}
	if neverInReply(n.attr()) {
		c.errs.Warnf(c.at(p.name), "%s is left out of every reply", n.attr().Name)
	}
	return c.replyValue(n, p, &out)
}

func (c *compiler) replyKind(p *rawPair, out *pair) bool {
	switch {
	case p.op == opAssign && c.dialect == GNU:
	case p.op == opAssign:
		out.kind = replyAbsent
	case p.op == opSet:
		out.kind = replySet
	case p.op == opAdd:
		out.kind = replyAdd
	case c.dialect == GNU:
		c.errs.Errorf(c.opAt(p), "found %s in a reply list; expected =", p.op)
		return false
	default:
		c.errs.Errorf(c.opAt(p), "found %s in a reply list; expected =, := or +=", p.op)
		return false
	}
	return true
}

func (c *compiler) replyValue(n *name, p *rawPair, out *pair) bool {
	v := p.value.text
	switch {
	case n.class == classProgram && p.value.quote != '`' && !bytes.HasPrefix(v, []byte("=")):
		return c.command(n, p, out)
	case n.attr() == c.names.d.Known.ReplaceUserName && !c.newName(p):
		return false
	case p.value.quote != '\'' && p.value.quote != '`' && len(v) > 1 && v[0] == '=':
		return c.computed(n, p, out)
	case c.expands(p):
		program, ok := c.expansion(c.literal(p), c.at(p.value))
		out.flags, out.value = pairExpand, program
		c.reply = c.table.append(c.reply, out)
		return ok
	case n.attr() == c.names.d.Known.FramedIPAddress && bytes.HasSuffix(v, []byte("+")):
		q := *p
		q.value.text = v[:len(v)-1]
		value, ok := c.value(n, &q)
		out.flags, out.value = pairAddPort, value
		c.reply = c.table.append(c.reply, out)
		return ok
	}
	value, ok := c.value(n, p)
	if !ok || !c.sensible(n, p, value) {
		return false
	}
	out.value = value
	c.reply = c.table.append(c.reply, out)
	return true
}

// command compiles the command of a program as it stands. It is expanded word by word when it is run, and not here,
// or a value of the request could become a word of its own.
func (c *compiler) command(n *name, p *rawPair, out *pair) bool {
	at := c.at(p.value)
	c.wire = append(c.wire[:0], c.literal(p)...)
	if c.dialect == FreeRADIUS && bytes.Contains(c.wire, []byte("%{")) {
		c.errs.Errorf(at, "found %%{...} in %s; expected the macros of GNU Radius, like %%u or %%C{Calling-Station-Id}", n.attr().Name)
		return false
	}
	if !c.fits(n.attr(), c.wire, at) {
		return false
	}
	if c.o.Program != nil {
		if err := c.o.Program(n.attr(), c.wire); err != nil {
			c.errs.Errorf(at, "%s: %v", n.attr().Name, err)
			return false
		}
	}
	out.value = c.wire
	c.reply = c.table.append(c.reply, out)
	return true
}

// newName tells what is wrong with the macros of a Replace-User-Name of the GNU dialect.
func (c *compiler) newName(p *rawPair) bool {
	text := string(c.literal(p))
	if c.dialect != GNU {
		return true
	}
	if p.value.quote != 0 && len(text) > 1 && text[0] == '=' {
		c.errs.Errorf(c.at(p.value), `Replace-User-Name is not computed; expected a text with macros, or req.user = ... in an authorize hook`)
		return false
	}
	_, problems := ParseMacro(text, c.names.d)
	for _, problem := range problems {
		c.errs.Errorf(c.at(p.value), "Replace-User-Name: %v", problem.Err)
	}
	return len(problems) == 0
}

// computed compiles a value that the policy computes after the password was found good.
func (c *compiler) computed(n *name, p *rawPair, out *pair) bool {
	at := c.at(p.value)
	if n.ref.Attr.IsField() {
		c.errs.Errorf(at, "a field of %s cannot be computed alone; compute the whole attribute in a reply hook", n.attr().Root.Name)
		return false
	}
	source := string(c.literal(p)[1:])
	r, ok := c.refs[source]
	if !ok {
		at.Col++
		if p.value.quote != 0 {
			at.Col++
		}
		r.ref, r.err = c.o.Names.Expression(source, at)
		c.refs[source] = r
	}
	if r.err != nil {
		c.errs.Errorf(at, "%v", r.err)
		return false
	}
	out.flags = pairDeferred
	out.value = deferredValue(r.ref, n.ref.Tag)
	c.reply = c.table.append(c.reply, out)
	return true
}

// deferredValue gives the value of a Deferred pair: the ref, and the tag in a fifth octet if there is one.
func deferredValue(ref int, tag int8) []byte {
	v := []byte{byte(ref >> 24), byte(ref >> 16), byte(ref >> 8), byte(ref)}
	if tag > 0 {
		v = append(v, byte(tag))
	}
	return v
}

func (c *compiler) fallThrough(n *name, p *rawPair) bool {
	v, ok := c.value(n, p)
	if !ok {
		return false
	}
	if yes, _ := n.attr().Uint(v); yes != 0 {
		c.flags |= flagFallThrough
	}
	return false
}

// The bounds of RFC 2869 s5.16 on Acct-Interim-Interval, in seconds.
const (
	leastInterim  = 60
	decentInterim = 600
)

// sensible tells of constants that the RFCs forbid or that are hardly meant.
func (c *compiler) sensible(n *name, p *rawPair, value []byte) bool {
	seconds, ok := n.attr().Uint(value)
	at := c.at(p.value)
	switch {
	case !ok || n.attr().Type == dictionary.TypeString:
	case n.class == classInterval && seconds < leastInterim:
		c.errs.Errorf(at, "Acct-Interim-Interval is %d; expected at least %d seconds (RFC 2869 s5.16)", seconds, leastInterim)
		return false
	case n.class == classInterval && seconds < decentInterim:
		c.errs.Warnf(at, "Acct-Interim-Interval is %d; expected at least %d seconds (RFC 2869 s5.16)", seconds, decentInterim)
	case n.class == classTimeout && seconds == 0:
		c.errs.Warnf(at, "Session-Timeout is 0; many NASes end such a session at once, others never")
	}
	return true
}
