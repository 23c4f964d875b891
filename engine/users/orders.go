package users

import (
	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// order compiles a check pair that is an order for the server: it goes to the control list once the entry
// has matched and is never compared.
func (c *compiler) order(n *name, p *rawPair) bool {
	out := pair{attr: n.id, tag: n.ref.Tag, kind: setMerge}
	if c.dialect == FreeRADIUS {
		out.kind = setAbsent
	}
	switch p.op {
	case opAssign:
	case opSet:
		out.kind = setReplace
	case opAdd:
		out.kind = setAdd
	case opEqual:
		c.errs.Warnf(c.opAt(p), "%s is an order and never compared; == is read as :=", n.attr().Name)
		out.kind = setReplace
	default:
		c.errs.Errorf(c.opAt(p), "found %s; %s is an order and never compared, expected =, := or +=", p.op, n.attr().Name)
		return false
	}
	if c.expands(p) && n.class != classAuthType && n.class != classExpiration && n.class != classLoginTime {
		program, ok := c.expansion(c.literal(p), c.at(p.value))
		out.flags, out.value = out.flags|pairExpand, program
		return ok && c.emit(out)
	}
	v, ok := c.orderValue(n, p)
	out.value = v
	switch {
	case ok && n.class == classAuthType:
		return c.method(p, out)
	case ok && len(v) == 0 && n.attr() == c.names.d.Known.CleartextPassword:
		c.warnEmpty(p)
	}
	return ok && c.emit(out)
}

// method orders an Auth-Type of the FreeRADIUS dialect. Reject holds against others of its entry and, by +=,
// of earlier ones.
func (c *compiler) method(p *rawPair, out pair) bool {
	c.tellMethod(out.value, p)
	reject, ok := c.names.d.Known.AuthType.ValueNumber("Reject")
	switch n := uint64(bigEndian(out.value)); {
	case c.rejects():
		c.errs.Warnf(c.at(p.name), "Auth-Type a second time; Reject before it holds")
		return false
	case ok && n == reject && out.kind == setAdd:
		out.kind = setReplace
	}
	c.emit(out)
	return false // the result depends on the entry, not on the pair's text alone
}

// orderValue gives the value of an order in wire form.
func (c *compiler) orderValue(n *name, p *rawPair) ([]byte, bool) {
	switch n.class {
	case classExpiration:
		return c.expiration(n, p)
	case classLoginTime:
		if _, err := ParseLoginTime(string(c.literal(p))); err != nil {
			c.errs.Errorf(c.at(p.value), "%v", err)
			return nil, false
		}
	case classAuthType:
		if !c.knownMethod(p) {
			return nil, false
		}
	}
	if n.attr() == c.names.d.Known.ReplaceUserName && !c.newName(p) {
		return nil, false
	}
	v, ok := c.value(n, p)
	if ok {
		c.warnStored(n.attr(), v, p)
	}
	return v, ok
}

// warnStored tells of a kept password that the first login would find unreadable.
func (c *compiler) warnStored(a *dictionary.Attribute, value []byte, p *rawPair) {
	if c.o.Stored == nil || len(value) == 0 {
		return
	}
	err := c.o.Stored(a, value)
	refused, is := err.(Refused)
	switch {
	case err == nil:
	case !is:
		c.errs.Warnf(c.at(p.value), "%s cannot be used, so that nobody can log in with it: %v", a.Name, err)
	case c.dialect == GNU && a == c.names.d.Known.CleartextPassword: // old files are Latin-1, and know PAP and CHAP alone
		c.errs.Warnf(c.at(p.value), "%v", refused)
	default:
		c.errs.Errorf(c.at(p.value), "%s: %v", a.Name, refused)
	}
}

// tellMethod tells Options.AuthType of an Auth-Type.
func (c *compiler) tellMethod(value []byte, p *rawPair) {
	if c.o.AuthType == nil {
		return
	}
	if err := c.o.AuthType(value); err != nil {
		c.errs.Warnf(c.at(p.value), "%v", err)
	}
}

func (c *compiler) expiration(n *name, p *rawPair) ([]byte, bool) {
	at, err := ParseExpiration(string(c.literal(p)), c.o.Location)
	if err != nil {
		c.errs.Errorf(c.at(p.value), "%v", err)
		return nil, false
	}
	if n.attr().Type != dictionary.TypeDate {
		return c.value(n, p)
	}
	v, ok := n.attr().AppendUint(nil, uint64(max(at.Unix(), 0)))
	if !ok {
		c.errs.Errorf(c.at(p.value), "Expiration is %s; expected a date before 2106", c.text)
	}
	return v, ok
}

// knownMethod tells of methods that GNU Radius had and that cannot be had here.
func (c *compiler) knownMethod(p *rawPair) bool {
	v := string(c.literal(p))
	for _, m := range [...]struct{ name, way string }{
		{"PAM", `write the check in Lua: auth_type("name", fn), then Auth-Type = name`},
		{"SecurID", `ask the token server in a hook: auth_type("name", fn), then Auth-Type = name`},
	} {
		if foldEqual(v, m.name) {
			c.errs.Errorf(c.at(p.value), "Auth-Type %s cannot be had; %s", m.name, m.way)
			return false
		}
	}
	return true
}

// A gnuAuth collects what an entry of GNU Radius says of the password: how it is meant depends on the
// Auth-Type, which may stand before or after it.
type gnuAuth struct {
	method   *rawPair // Auth-Type
	password *rawPair // User-Password
	crypt    *rawPair // Crypt-Password
	names    [3]*name
}

// gnuPassword notes Auth-Type, User-Password and Crypt-Password. Of several the first counts.
func (c *compiler) gnuPassword(n *name, p *rawPair) bool {
	if p.op != opAssign {
		c.errs.Errorf(c.opAt(p), "found %s; %s is an order and never compared, expected =", p.op, n.attr().Name)
		return false
	}
	slot, i := &c.auth.method, 0
	switch n.class {
	case classUserPassword:
		slot, i = &c.auth.password, 1
	case classCryptPassword:
		slot, i = &c.auth.crypt, 2
	}
	if *slot != nil {
		c.errs.Warnf(c.at(p.name), "%s a second time; the first one counts", n.attr().Name)
		return false
	}
	*slot, c.auth.names[i] = p, n
	return false
}

// finishAuth writes the orders that the entry's Auth-Type and passwords mean: always an Auth-Type beside a
// password, for the first Auth-Type of all entries counts; and the password as Cleartext-Password or
// Crypt-Password, as the method takes it.
func (c *compiler) finishAuth() {
	a, k := &c.auth, &c.names.d.Known
	method := ""
	if a.method != nil {
		if !c.knownMethod(a.method) {
			return
		}
		method = string(c.text)
	}
	local, crypt := foldEqual(method, "Local"), foldEqual(method, "Crypt-Local")
	switch {
	case a.crypt != nil:
		c.cryptMethod(method)
		c.password(k.CryptPassword, a.crypt)
		return
	case a.password == nil && (local || crypt) && !c.sets(k.CleartextPassword):
		c.errs.Errorf(c.at(a.method.name), "Auth-Type = %s without a password in its entry; add User-Password = \"...\"", method)
		return
	case a.password == nil && a.method == nil:
		return
	case a.method == nil:
		if c.systemPassword() {
			return
		}
		c.setMethod("Local", a.password)
	default:
		c.setMethod(method, a.method)
	}
	switch {
	case a.password == nil:
	case (foldEqual(method, "System") || foldEqual(method, "Unix")) && string(c.literal(a.password)) == "UNIX": // the old word for that method, no password
	case crypt:
		c.password(k.CryptPassword, a.password)
	default:
		c.password(k.CleartextPassword, a.password)
	}
}

func (c *compiler) warnEmpty(p *rawPair) {
	c.errs.Warnf(c.at(p.value), `an empty password fits nothing; if it is meant write Password-With-Header := "{clear}"`)
}

// sets reports whether the check list orders the attribute already.
func (c *compiler) sets(a *dictionary.Attribute) bool {
	var p pair
	for rest := c.checks; len(rest) > 0; {
		if p, rest = c.table.nextPair(rest); p.kind > firstEffect && c.table.attrs[p.attr] == a || p.kind == setMerge && c.table.attrs[p.attr] == a {
			return true
		}
	}
	return false
}

// cryptMethod orders Crypt-Local beside a Crypt-Password, whatever Auth-Type says, as documented; a
// refusal holds.
func (c *compiler) cryptMethod(method string) {
	switch {
	case foldEqual(method, "Reject") || foldEqual(method, "Ignore"):
	case method != "" && !foldEqual(method, "Crypt-Local"):
		c.errs.Warnf(c.at(c.auth.method.name), "Auth-Type = %s is ignored beside Crypt-Password", method)
		method = "Crypt-Local"
	default:
		method = "Crypt-Local"
	}
	at := c.auth.crypt
	if c.auth.method != nil {
		at = c.auth.method
	}
	c.setMethod(method, at)
}

// systemPassword reads the old words that stood for a method in the place of a password.
func (c *compiler) systemPassword() bool {
	p := c.auth.password
	switch v := string(c.literal(p)); v {
	case "UNIX":
		c.setMethod("System", p)
		return true
	case "PAM", "SQL", "MYSQL":
		c.errs.Errorf(c.at(p.value), `the password %s meant Auth-Type = %s, which cannot be had so; write an auth_type hook, then Auth-Type = name`, v, v)
		return true
	}
	return false
}

func (c *compiler) setMethod(method string, p *rawPair) {
	a := c.names.d.Known.AuthType
	v, err := a.ParseText(nil, method)
	if err != nil {
		c.errs.Errorf(c.at(p.value), "%v", err)
		return
	}
	c.tellMethod(v, p)
	c.set(a, v, c.at(p.value))
}

func (c *compiler) password(a *dictionary.Attribute, p *rawPair) {
	c.wire = append(c.wire[:0], c.literal(p)...)
	if len(c.wire) == 0 {
		c.warnEmpty(p)
	}
	if c.fits(a, c.wire, c.at(p.value)) {
		c.warnStored(a, c.wire, p)
		c.set(a, c.wire, c.at(p.value))
	}
}

// set writes an order for the control list.
func (c *compiler) set(a *dictionary.Attribute, value []byte, at raddb.Pos) {
	id, err := c.names.id(a)
	if err != nil {
		c.errs.Errorf(at, "%v", err)
		return
	}
	c.emit(pair{kind: setMerge, attr: id, tag: dictionary.AnyTag, value: value})
}
