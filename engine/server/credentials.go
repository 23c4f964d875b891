package server

import (
	"encoding/binary"
	"sync/atomic"
	"unicode/utf8"

	"perilune/engine/auth"
	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// native is what the way needs of a dictionary beyond Known, looked up once for each generation.
type native struct {
	authType  *dictionary.Attribute
	kinds     map[uint32]authKind
	passwords []storedAs
	chapError *dictionary.Attribute // Microsoft's MS-CHAP-Error, nil if unknown
	msChap    []msChapAttribute
	hours     hours
	ruleAttributes
}

// authKind is what a value of Auth-Type means natively.
type authKind uint8

const (
	authCustom authKind = iota // the policy's, or nobody's
	authLocal                  // by the method of the request
	authPAP
	authCHAP
	authCrypt // Crypt-Local: what stands in Password is a crypt(3) form
	authAccept
	authReject
	authIgnore
)

// authNames are the built-in values of Auth-Type in both languages of the users file.
var authNames = []struct {
	name string
	kind authKind
}{
	{"Local", authLocal}, {"PAP", authPAP}, {"CHAP", authCHAP}, {"Crypt-Local", authCrypt},
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
}

type msChapAttribute struct {
	attr   *dictionary.Attribute
	method string
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

// StoredPasswords gives a check for users.Options.Stored: what it finds wrong would make the first login fail.
func StoredPasswords(d *dictionary.Dictionary) func(a *dictionary.Attribute, value []byte) error {
	n := newNative(d)
	return func(a *dictionary.Attribute, value []byte) error {
		as := n.password(a)
		if as == nil || as.scheme == "clear" {
			return nil
		}
		_, err := as.parse(value, authLocal)
		return err
	}
}

func newNative(d *dictionary.Dictionary) *native {
	k := &d.Known
	n := &native{authType: k.AuthType, kinds: map[uint32]authKind{}, ruleAttributes: newRuleAttributes(d)}
	for _, a := range authNames {
		if v, ok := k.AuthType.ValueNumber(a.name); ok {
			n.kinds[uint32(v)] = a.kind
		}
	}
	n.passwords = []storedAs{
		{k.CleartextPassword, "clear", ""}, {k.UserPassword, "clear", ""}, {k.CryptPassword, "crypt", ""},
		{k.PasswordWithHeader, "", ""}, {k.NTPassword, "nt", ""},
	}
	for _, p := range passwordNames {
		if a := d.Attribute(p.name); a != nil {
			n.passwords = append(n.passwords, storedAs{a, "", p.header})
		}
	}
	n.chapError = d.VendorAttribute(vendorMicrosoft, 2)
	for number, method := range map[uint32]string{1: "mschap", 25: "mschapv2"} { // RFC 2548 s2.1.3, s2.3.2
		if a := d.VendorAttribute(vendorMicrosoft, number); a != nil {
			n.msChap = append(n.msChap, msChapAttribute{a, method})
		}
	}
	return n
}

func (n *native) auth(value []byte) authKind {
	if len(value) != 4 {
		return authCustom
	}
	return n.kinds[binary.BigEndian.Uint32(value)]
}

// A dummy is what an unknown user's password is verified against: of the greatest cost met so far, over
// all generations, so that it takes the same way and time as a wrong password.
type dummy struct{ stored atomic.Pointer[auth.Stored] }

func newDummy() *dummy {
	d, cheap := &dummy{}, auth.Dummy(auth.Cost{})
	d.stored.Store(&cheap)
	return d
}

// raise makes the dummy as costly as s.
func (d *dummy) raise(s *auth.Stored) {
	if s.Cost().Micros() > d.stored.Load().Cost().Micros() {
		costlier := auth.Dummy(s.Cost())
		d.stored.Store(&costlier)
	}
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
	if r.seen.microsoft {
		for _, m := range r.Generation.prepare().msChap {
			if _, ok := r.Attributes.First(m.attr); ok {
				return m.method
			}
		}
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
	if !known {
		c.judge(r, authLocal, *c.dummy.stored.Load(), ReasonUnknownUser)
		return
	}
	kind := authLocal
	order, ordered := r.Control.First(n.authType)
	if ordered {
		kind = n.auth(order)
	}
	switch kind {
	case authAccept:
		c.accept(r)
	case authReject:
		c.reject(r, ReasonDenied)
	case authIgnore:
		r.refuse(Discard, ReasonIgnored)
	case authCustom:
		c.custom(r, order)
	default:
		c.password(r, n, kind)
	}
}

// custom asks the policy's auth_type handler.
func (c *Core) custom(r *Request, order []byte) {
	if r.Generation.Policy != nil && len(order) == 4 {
		r.way.asked = true
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
		c.warn(r, "stored password of "+r.Rule()+": "+err.Error())
	}
	if !found {
		c.judge(r, kind, *c.dummy.stored.Load(), ReasonNoPassword)
		return
	}
	c.judge(r, kind, stored, ReasonPassword)
}

// judge accepts a credential that fits, and rejects another for the reason. A dummy fits nothing.
func (c *Core) judge(r *Request, kind authKind, stored auth.Stored, why Reason) {
	right, ok := c.compare(r, kind, r.decoy(stored))
	switch {
	case !ok: // decided there
	case right && why == ReasonPassword:
		c.accept(r)
	default:
		c.reject(r, why)
	}
}

// stored gives the first password in control.
func (n *native) stored(r *Request, kind authKind) (auth.Stored, bool, error) {
	for i := range r.Control.Pairs {
		p := &r.Control.Pairs[i]
		as := n.password(p.Attr)
		if as == nil {
			continue
		}
		s, err := as.parse(p.Value, kind)
		return s, err == nil, err
	}
	return auth.Stored{}, false, nil
}

// compare verifies by the request's method. ok is false if that decided the request otherwise.
func (c *Core) compare(r *Request, kind authKind, stored auth.Stored) (right, ok bool) {
	known := &r.Generation.Dictionary.Known
	given, pap := r.Attributes.First(known.UserPassword)
	response, chap := r.Attributes.First(known.CHAPPassword)
	switch {
	case chap && kind != authPAP:
		clear, plain := stored.Clear()
		if !plain {
			c.warn(r, "CHAP needs the clear password, and "+r.Rule()+" holds a hashed one")
			return false, true
		}
		return auth.CHAP(response, r.chapChallenge(known.CHAPChallenge), clear), true
	case pap && kind != authCHAP:
		return c.verifyPAP(r, stored, given)
	}
	if r.Method != "none" && r.Method != "pap" {
		c.warn(r, "method "+r.Method+" is not answered natively; auth_type and authorize handlers can")
	}
	c.reject(r, ReasonMethod)
	return false, false
}

// chapChallenge gives CHAP-Challenge, or in its absence the Request Authenticator (RFC 2865 s2.2).
func (r *Request) chapChallenge(attr *dictionary.Attribute) []byte {
	if challenge, ok := r.Attributes.First(attr); ok {
		return challenge
	}
	return r.Packet.Authenticator[:]
}

// verifyPAP compares at once, or for a costly hash apart from the loop and in turn.
func (c *Core) verifyPAP(r *Request, stored auth.Stored, given []byte) (right, ok bool) {
	if !stored.Costly() {
		return stored.Verify(given), true
	}
	c.dummy.raise(&stored)
	right, err := r.verifyCostly(stored, given)
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

// hint tells of the most frequent mistake of all: a wrong shared secret turns passwords into noise. A packet
// whose Message-Authenticator was right has the right secret.
func (c *Core) hint(r *Request) {
	if r.Verdict != Reject || r.way.verified || r.Cause != ReasonPassword && r.Cause != ReasonUnknownUser {
		return
	}
	given, ok := r.Attributes.First(r.Generation.Dictionary.Known.UserPassword)
	if ok && r.Packet.Code == radius.CodeAccessRequest && !printable(given) {
		c.warn(r, "Unprintable password: the shared secret is probably wrong")
	}
}

func printable(text []byte) bool {
	return utf8.Valid(text) && !controlOctets(text)
}
