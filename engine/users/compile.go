package users

import (
	"bytes"
	"hash/maphash"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A compiler turns raw entries into records. Its buffers are used again for each entry.
type compiler struct {
	o     Options
	table *Table
	names names
	errs  *raddb.List
	memo  memo
	forms [2][]form            // of either side
	refs  map[string]reference // expressions by source
	tree  *raddb.Tree

	accounts *Accounts // of the system, as read

	file   string
	fileID int
	lang   language // of the file
	window []byte   // that the raw entry's offsets mean

	dialect Dialect
	raw     *rawEntry
	checks  []byte
	reply   []byte
	text    []byte // a value without escapes
	wire    []byte // a value in wire form
	flags   recordFlag
	auth    gnuAuth
}

// A reference is a ref of the policy, or what is wrong with it.
type reference struct {
	ref int
	err error
}

// entry compiles one raw entry and adds its record. Errors are collected; an entry with one is left out,
// for the table will not be used.
func (c *compiler) entry(raw *rawEntry, d Dialect) {
	c.dialect, c.raw = d, raw
	c.checks, c.reply, c.flags, c.auth = c.checks[:0], c.reply[:0], 0, gnuAuth{}
	if d == FreeRADIUS {
		c.flags |= flagFreeRADIUS
	}
	before := len(*c.errs)
	for i := range raw.checks {
		c.pair(&raw.checks[i], checkSide)
	}
	for i := range raw.reply {
		c.pair(&raw.reply[i], replySide)
	}
	if d == GNU {
		c.finishAuth()
	}
	c.warnReject()
	c.flags |= c.checkFlags() | c.replyFlags()
	if (*c.errs)[before:].Failed() {
		return
	}
	if d == GNU && len(raw.checks) == 0 && len(raw.reply) == 0 {
		c.errs.Warnf(c.at(raw.label), "%s has two empty lists and is left out", raw.name())
		return
	}
	c.add()
}

// at gives the place of a token.
func (c *compiler) at(t token) raddb.Pos { return t.pos(c.file) }

func (c *compiler) opAt(p *rawPair) raddb.Pos {
	return raddb.Pos{File: c.file, Line: p.name.line, Col: p.opCol}
}

// checkFlags gives what holds for the whole check list.
func (c *compiler) checkFlags() recordFlag {
	flags, seen := flagAlways|flagOrders, uint64(0)
	var h *head
	for rest := c.checks; len(rest) > 0; {
		h, _, rest = cut(c.table.heads.list, rest)
		if h.kind < firstEffect {
			return 0
		}
		bit := uint64(1) << (h.attr & 63) // two that share a bit may be one attribute, of which the operators decide
		if h.kind > setAbsent || seen&bit != 0 || !h.plain {
			flags = flagAlways
		}
		seen |= bit
	}
	return flags
}

// replyFlags does so for the reply list.
func (c *compiler) replyFlags() recordFlag {
	var h *head
	for rest := c.reply; len(rest) > 0; {
		if h, _, rest = cut(c.table.heads.list, rest); h.kind < replyMerge || !h.plain {
			return 0
		}
	}
	return flagPlain
}

// add writes the record and puts it into the list of its label.
func (c *compiler) add() {
	label := c.label()
	c.text = label
	switch {
	case len(label) > maxName || len(label) == 0:
		c.errs.Errorf(c.at(c.raw.label), "the name has %d octets; a User-Name has 1 to %d", len(label), maxName)
		return
	case len(c.checks) > maxList || len(c.reply) > maxList:
		c.errs.Errorf(c.at(c.raw.label), "the lists of %s are too long; expected at most %d octets each", label, maxList)
		return
	}
	t := c.table
	list := c.list(label)
	if list != nil {
		c.flags |= flagListed
	}
	t.entries++
	p, err := t.add(header{c.raw.label.line, c.fileID, c.flags}, label, c.checks, c.reply)
	switch {
	case err != nil:
		c.errs.Errorf(c.at(c.raw.label), "%v", err)
	case list != nil:
		t.join(*list, p)
		*list = p
	default:
		t.named++
		t.lastNamed = p
	}
}

// label gives the octets of the entry's label. A bare one of the FreeRADIUS dialect has a backslash doubled.
func (c *compiler) label() []byte {
	t := c.raw.label
	if t.quote != 0 || c.dialect != FreeRADIUS {
		return unescape(c.text[:0], t, c.dialect)
	}
	label := append(c.text[:0], t.text...)
	if bytes.IndexByte(label, '\\') >= 0 {
		label = bytes.ReplaceAll(label, []byte(`\\`), []byte(`\`))
	}
	return label
}

// list gives the list that an entry belongs to by its label; nil for one of a user.
func (c *compiler) list(label []byte) *place {
	switch {
	case c.dialect == GNU && numbered(label, "BEGIN"):
		if c.flags&flagFallThrough == 0 {
			c.errs.Warnf(c.at(c.raw.label), "BEGIN without Fall-Through = Yes ends the search: entries of names are not tried")
		}
		return &c.table.begin
	case c.dialect == GNU && numbered(label, "DEFAULT"), string(label) == "DEFAULT":
		return &c.table.defaults
	}
	return nil
}

// A side is the check list or the reply list.
type side uint8

const (
	checkSide side = iota
	replySide
)

// pair compiles one pair, or takes it from the memo: most lines of a large file are alike.
func (c *compiler) pair(p *rawPair, s side) {
	list := &c.checks
	if s == replySide {
		list = &c.reply
	}
	key := p.text(c.window)
	slot := c.memo.slot(key, s, c.dialect)
	if slot.holds(key, s, c.dialect) {
		*list = append(*list, slot.use(c.table)...)
		return
	}
	n := c.names.get(p.name.text, c.dialect)
	if n.err != nil {
		c.errs.Errorf(c.at(p.name), "%v", n.err)
		return
	}
	if !c.allowed(n, p, s) {
		return
	}
	before, errs := len(*list), len(*c.errs)
	plain := false
	if s == checkSide {
		plain = c.check(n, p)
	} else {
		plain = c.replyPair(n, p)
	}
	if plain && len(*c.errs) == errs {
		slot.keep(key, s, c.dialect, (*list)[before:])
		c.learn(n, p, s)
	}
}

// allowed checks the usage flags, which only entries of GNU Radius obey.
func (c *compiler) allowed(n *name, p *rawPair, s side) bool {
	if c.dialect != GNU {
		return true
	}
	bit, side := dictionary.UsersLHS, "check"
	if s == replySide {
		bit, side = dictionary.UsersRHS, "reply"
	}
	switch {
	case p.op.foreign():
		c.errs.Errorf(c.opAt(p), `found %s; expected = != < > <= or >= in the GNU dialect, or a line "$DIALECT freeradius" at the top of the file`, p.op)
	case n.attr().Usage&bit == 0:
		c.errs.Errorf(c.at(p.name), "%s is not allowed in the %s list of a users file by its flags in the dictionary", n.attr().Name, side)
	default:
		return true
	}
	return false
}

// literal gives the value's octets without escapes.
func (c *compiler) literal(p *rawPair) []byte {
	c.text = unescape(c.text[:0], p.value, c.dialect)
	return c.text
}

// value gives the value in wire form; false after an error.
func (c *compiler) value(n *name, p *rawPair) ([]byte, bool) {
	if p.value.quote == '`' {
		c.errs.Errorf(c.at(p.value), `found back-quotes; programs are not started: write a computed value "=expression" instead`)
		return nil, false
	}
	if c.dialect == FreeRADIUS && p.value.quote == '"' && bytes.Contains(p.value.text, []byte("%{")) {
		c.errs.Warnf(c.at(p.value), `the text is not expanded, for its first percent sign does not begin %%{`)
	}
	if v, ok := rawValue(c.wire[:0], p); ok {
		c.wire = v
		return c.wire, c.fits(n.attr(), c.wire, c.at(p.value))
	}
	var err error
	if c.wire, err = encode(c.wire[:0], n.attr(), c.literal(p)); err != nil {
		c.errs.Errorf(c.at(p.value), "%v", err)
		return nil, false
	}
	return c.wire, c.fits(n.attr(), c.wire, c.at(p.value))
}

// expands reports whether a value asks for expansion: FreeRADIUS's, in double quotes, whose first percent sign
// begins a %{...}. In other text percent signs are plain text: "100%", "%u has %{User-Name}", passwords.
func (c *compiler) expands(p *rawPair) bool {
	i := bytes.IndexByte(p.value.text, '%')
	return c.dialect == FreeRADIUS && p.value.quote == '"' && i >= 0 && bytes.HasPrefix(p.value.text[i:], []byte("%{"))
}

// A memo keeps compiled pairs by their text.
type memo struct {
	seed  maphash.Seed
	slots [1024]memoSlot
}

type memoSlot struct {
	key  []byte
	kind byte
	out  []byte
	used bool // more than by the entry that was compiled
}

func memoKind(s side, d Dialect) byte { return byte(s)<<4 | byte(d) }

func (m *memo) slot(key []byte, s side, d Dialect) *memoSlot {
	h := maphash.Bytes(m.seed, key) + uint64(memoKind(s, d))
	return &m.slots[h%uint64(len(m.slots))]
}

func (m *memoSlot) holds(key []byte, s side, d Dialect) bool {
	return m.kind == memoKind(s, d) && string(m.key) == string(key)
}

func (m *memoSlot) keep(key []byte, s side, d Dialect, out []byte) {
	m.kind = memoKind(s, d)
	m.key = append(m.key[:0], key...)
	m.out = append(m.out[:0], out...)
	m.used = false
}

// use gives what the text compiles to.
func (m *memoSlot) use(t *Table) []byte {
	if !m.used {
		m.used, m.out = true, t.share(m.out)
	}
	return m.out
}
