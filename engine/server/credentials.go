package server

import (
	"encoding/binary"

	"perilune/engine/auth"
	"perilune/engine/dictionary"
)

// native is what the way needs of a dictionary beyond Known, looked up once for each generation.
type native struct {
	authType    *dictionary.Attribute
	kinds       map[uint32]authKind
	passwords   []storedAs
	microsoft   microsoft
	operator    *dictionary.Attribute   // Operator-Name (RFC 5580 s4.1); nil where the dictionary lacks it
	operatorNAS *dictionary.Attribute   // Operator-NAS-Identifier (RFC 8559 s3.4); likewise
	replied     *dictionary.Attribute   // Proxy-Replied; nil if the dictionary has it not
	realmNames  []*dictionary.Attribute // Realm-Name and Realm, as far as the dictionary has them
	hours       byText[loginTime]
	orders      programAttributes
	free        []bool    // by Attribute.Index; see freeInAccepts
	programs    *Programs // of a generation without settings for them
	ruleAttributes
}

// authKind is what a value of Auth-Type means natively.
type authKind uint8

const (
	authCustom authKind = iota // the policy's, or nobody's
	authLocal                  // by the method of the request
	authPAP
	authCHAP
	authMSCHAP
	authCrypt  // Crypt-Local: what stands in Password is a crypt(3) form
	authSQL    // likewise, of a password that a handler gave
	authSystem // the accounts of the system
	authAccept
	authReject
	authIgnore
)

// authNames are the built-in values of Auth-Type in both languages of the users file.
var authNames = []struct {
	name string
	kind authKind
}{
	{"Local", authLocal}, {"PAP", authPAP}, {"CHAP", authCHAP}, {"MS-CHAP", authMSCHAP},
	{"Crypt-Local", authCrypt}, {"SQL", authSQL}, {"System", authSystem},
	{"Accept", authAccept}, {"Reject", authReject}, {"Ignore", authIgnore},
}

// A storedAs is a control attribute that holds a password, and how to read it.
type storedAs struct {
	attr   *dictionary.Attribute
	scheme string // of auth.Parse
	header string // to be put before a value that lacks one
}

// passwordNames are those beside the ones of Known; their values carry no header.
var passwordNames = []struct{ name, header string }{
	{"MD5-Password", "{md5}"}, {"SMD5-Password", "{smd5}"}, {"SHA-Password", "{sha}"}, {"SHA1-Password", "{sha}"},
	{"SSHA-Password", "{ssha}"}, {"SSHA1-Password", "{ssha}"}, {"SHA2-Password", "{sha2}"},
	{"SHA2-256-Password", "{sha256}"}, {"SHA2-512-Password", "{sha512}"}, {"SSHA2-224-Password", "{ssha224}"},
	{"SSHA2-256-Password", "{ssha256}"}, {"SSHA2-384-Password", "{ssha384}"}, {"SSHA2-512-Password", "{ssha512}"},
	{"SSHA3-224-Password", "{ssha3-224}"}, {"SSHA3-256-Password", "{ssha3-256}"}, {"SSHA3-384-Password", "{ssha3-384}"},
	{"SSHA3-512-Password", "{ssha3-512}"},
}

// prepare gives the generation's native, and makes it at first use. Two goroutines may make it at the same
// time; the results are equal and one of them stays.
func (g *Generation) prepare() *native {
	if n := g.native.Load(); n != nil {
		return n
	}
	g.native.CompareAndSwap(nil, newNative(g.Dictionary))
	return g.native.Load()
}

// parse reads a stored password.
func (as *storedAs) parse(text []byte, kind authKind) (auth.Stored, error) {
	scheme := as.scheme
	if kind == authCrypt && scheme == "clear" {
		scheme = "crypt"
	}
	if as.header != "" {
		text = append([]byte(as.header), text...)
	}
	return auth.Parse(scheme, text)
}

func newNative(d *dictionary.Dictionary) *native {
	k := &d.Known
	n := &native{authType: k.AuthType, kinds: map[uint32]authKind{}, operator: d.Attribute("Operator-Name"), operatorNAS: d.Attribute("Operator-NAS-Identifier")}
	n.ruleAttributes.find(d)
	n.proxied(d)
	n.freeInAccepts(d)
	n.orders = newProgramAttributes(d)
	n.programs, _ = NewPrograms(d, ProgramSettings{})
	for _, a := range authNames {
		if v, ok := k.AuthType.ValueNumber(a.name); ok {
			n.kinds[uint32(v)] = a.kind
		}
	}
	n.passwords = []storedAs{
		{k.CleartextPassword, "clear", ""}, {k.UserPassword, "clear", ""}, {k.CryptPassword, "crypt", ""},
		{k.PasswordWithHeader, "", ""}, {k.NTPassword, "nt", ""},
	}
	if a := d.Attribute("PBKDF2-Password"); a != nil {
		n.passwords = append(n.passwords, storedAs{a, "pbkdf2", ""})
	}
	for _, p := range passwordNames {
		if a := d.Attribute(p.name); a != nil {
			n.passwords = append(n.passwords, storedAs{a, "", p.header})
		}
	}
	n.microsoft = newMicrosoft(d)
	return n
}

// proxied finds what forwarding asks of the dictionary.
func (n *native) proxied(d *dictionary.Dictionary) {
	for _, name := range [...]string{"Realm-Name", "Realm"} {
		if a := d.Attribute(name); a != nil && a.Internal && a.Type == dictionary.TypeString {
			n.realmNames = append(n.realmNames, a)
		}
	}
	if a := d.Attribute("Proxy-Replied"); a != nil && a.Internal && a.Type == dictionary.TypeInteger {
		n.replied = a
	}
}

func (n *native) auth(value []byte) authKind {
	if len(value) != 4 {
		return authCustom
	}
	return n.kinds[binary.BigEndian.Uint32(value)]
}

// method names the credential of the request.
func (r *Request) method() string {
	switch {
	case r.seen.eap:
		return "eap"
	case r.seen.chap:
		return "chap"
	case r.seen.hasPassword:
		return "pap"
	}
	switch c, _ := r.msCredential(); c.version {
	case 1:
		return "mschap"
	case 2:
		return "mschapv2"
	}
	return "none"
}

// supplies reports whether a control list says how to authenticate.
func (n *native) supplies(control *dictionary.List) bool {
	for i := range control.Pairs {
		a := control.Pairs[i].Attr
		if a == n.authType || n.password(a) != nil {
			return true
		}
	}
	return false
}

// holds reports whether a control list has a password.
func (n *native) holds(control *dictionary.List) bool {
	for i := range control.Pairs {
		if n.password(control.Pairs[i].Attr) != nil {
			return true
		}
	}
	return false
}

// password tells how to read a control attribute that holds a password, nil for others.
func (n *native) password(a *dictionary.Attribute) *storedAs {
	for i := range n.passwords {
		if n.passwords[i].attr == a {
			return &n.passwords[i]
		}
	}
	return nil
}

// authenticate answers whether the credential is right, by what control says. An unknown name takes the way
// of a wrong password.
func (c *Core) authenticate(r *Request, known bool) {
	n := r.Generation.prepare()
	r.Trace.Enter("authenticate")
	if !known {
		nothing := c.nothing(r)
		c.judge(r, authLocal, &nothing, ReasonUnknownUser)
		return
	}
	kind := authLocal
	order, ordered := r.Control.First(n.authType)
	if ordered {
		kind = n.auth(order)
	}
	switch kind {
	case authAccept:
		r.Trace.Step("Auth-Type Accept: no password is looked at")
		c.accept(r)
	case authReject:
		c.reject(r, ReasonDenied)
	case authIgnore:
		r.refuse(Discard, ReasonIgnored)
	case authCustom:
		c.custom(r, order)
	case authSystem:
		c.system(r, n)
	case authSQL:
		if !n.holds(&r.Control) {
			c.custom(r, order)
			return
		}
		c.password(r, n, authCrypt)
	default:
		c.password(r, n, kind)
	}
}

// custom asks the policy's auth_type handler.
func (c *Core) custom(r *Request, order []byte) {
	if r.Generation.Policy != nil && len(order) == 4 {
		r.way.asked = true
		r.Trace.Enter(PhaseAuthType.String())
		if r.skips() {
			c.reject(r, ReasonPassword)
			return
		}
		v, found := r.runner().AuthType(binary.BigEndian.Uint32(order), r)
		if found && v == nil {
			v = misplacedReject // a forgotten return lets nobody in
		}
		if found {
			c.apply(r, c.permit(PhaseAuthType, r, v))
			return
		}
	}
	c.warn(r, "Auth-Type has no handler: "+string(r.Generation.prepare().authType.AppendText(nil, order)))
	c.reject(r, ReasonAuthType)
}

// password compares the request's credential with the stored one.
func (c *Core) password(r *Request, n *native, kind authKind) {
	stored, found, err := n.stored(r, kind)
	if err != nil {
		c.warn(r, "stored password of "+r.holder()+": "+err.Error())
	}
	if !found {
		nothing := c.nothing(r)
		c.judge(r, kind, &nothing, ReasonNoPassword)
		return
	}
	c.judge(r, kind, &stored, ReasonPassword)
}

// judge accepts a credential that fits, and rejects another for the reason. A dummy fits nothing.
func (c *Core) judge(r *Request, kind authKind, stored *auth.Stored, why Reason) {
	right, ok := c.compare(r, kind, r.decoy(stored))
	if ok && why == ReasonPassword {
		r.compared(right)
	}
	if r.Trace != nil && ok {
		r.tellJudged(right, why)
	}
	switch {
	case !ok: // decided there
	case right && why == ReasonPassword:
		c.accept(r)
	default:
		c.reject(r, why)
	}
}

// stored gives the first password in control.
func (n *native) stored(r *Request, kind authKind) (s auth.Stored, found bool, err error) {
	for i := range r.Control.Pairs {
		p := &r.Control.Pairs[i]
		as := n.password(p.Attr)
		if as == nil {
			continue
		}
		s, err = as.parse(p.Value, kind)
		return s, err == nil, err
	}
	return s, false, nil
}

// compare verifies by the request's method. ok is false if that decided the request otherwise.
func (c *Core) compare(r *Request, kind authKind, stored *auth.Stored) (right, ok bool) {
	known := &r.Generation.Dictionary.Known
	given, pap := r.Attributes.First(known.UserPassword)
	response, chap := r.Attributes.First(known.CHAPPassword)
	switch {
	case chap && kind.takes(authCHAP):
		return c.verifyCHAP(r, stored, response), true
	case pap && kind.takes(authPAP):
		return c.verifyPAP(r, stored, given)
	case kind.takes(authMSCHAP):
		if m, is := r.msCredential(); is {
			return c.verifyMSCHAP(r, stored, &m), true
		}
	}
	if r.seen.eap {
		c.warn(r, "EAP is not answered natively; auth_type and authorize handlers can")
	}
	c.reject(r, ReasonMethod)
	return false, false
}

// takes reports whether an Auth-Type allows a method: one that is named PAP, CHAP or MS-CHAP allows that alone.
func (k authKind) takes(method authKind) bool {
	return k == method || k != authPAP && k != authCHAP && k != authMSCHAP
}

// verifyCHAP compares a response with clear text. A hash is an error of whoever wrote it down, which takes no less
// time than a wrong password.
func (c *Core) verifyCHAP(r *Request, stored *auth.Stored, response []byte) bool {
	clear, plain := stored.Clear()
	if !plain {
		c.warn(r, "CHAP needs the clear password, and "+r.holder()+" has a hash")
	}
	right, known := r.remembered(stored)
	if !known {
		right = auth.CHAP(response, r.chapChallenge(&r.Attributes, r.Generation.Dictionary.Known.CHAPChallenge), clear)
	}
	return right && plain
}

func (c *Core) verifyMSCHAP(r *Request, stored *auth.Stored, m *msCredential) bool {
	right, hashed := r.verifyMSCHAP(m, *stored)
	if hashed {
		c.warn(r, "MS-CHAP needs the clear password in UTF-8 or its NT hash, and "+r.holder()+" has neither")
	}
	return right
}

// holder names what the stored password is from: the rule, or a handler.
func (r *Request) holder() string {
	if rule := r.Rule(); rule != "" {
		return rule
	}
	return "req.control"
}

// chapChallenge gives CHAP-Challenge of the request as it is in l, or in its absence the Request Authenticator
// (RFC 2865 s2.2).
func (r *Request) chapChallenge(l *dictionary.List, attr *dictionary.Attribute) []byte {
	if challenge, ok := l.First(attr); ok {
		return challenge
	}
	return r.Packet.Authenticator[:]
}

// verifyPAP compares at once, or for a costly hash apart from the loop and in turn.
func (c *Core) verifyPAP(r *Request, stored *auth.Stored, given []byte) (right, ok bool) {
	if right, known := r.remembered(stored); known {
		return right, true
	}
	if !stored.Costly() {
		return stored.Verify(given), true
	}
	c.dummy.raise(stored)
	right, err := r.verifyCostly(*stored, given)
	switch err {
	case nil:
		return right, true
	case ErrBusy:
		r.refuse(Drop, ReasonBusy)
	default:
		r.refuse(Drop, ReasonHashQueue)
	}
	return false, false
}

// tellKeyless logs why a PPP session with MPPE does not come up.
func (c *Core) tellKeyless(r *Request) {
	if r.way.keyless && r.Verdict == Accept {
		c.warn(r, "MPPE keys were not sent: the client's requests carry no Message-Authenticator, or it has no-reply-ma")
	}
}
