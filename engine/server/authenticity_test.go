package server

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// onWire makes a signed request of raw attributes. ma says where a Message-Authenticator stands: not at all,
// first or last, twice, of a wrong length, or with a wrong value.
func onWire(code radius.Code, secret, ma string, raw ...[]byte) []byte {
	p := radius.Packet{Code: code, Identifier: 9, Authenticator: radius.Authenticator{1, 2, 3}}
	if code == radius.CodeAccountingRequest || code == radius.CodeCoARequest {
		p.Authenticator = radius.Authenticator{}
	}
	own := radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
	if ma == "short" {
		own = radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 15))
	}
	var b []byte
	if ma == "first" || ma == "twice" || ma == "wrong" || ma == "short" {
		b = append(b, own...)
	}
	for _, a := range raw {
		b = append(b, a...)
	}
	if ma == "last" || ma == "twice" {
		b = append(b, own...)
	}
	p.Attributes = b
	datagram, err := p.AppendTo(nil)
	if err != nil {
		panic(err)
	}
	var s radius.Session
	s.Use(radius.NewSecret(secret))
	if ma != "twice" && ma != "short" {
		s.SignRequest(datagram)
	}
	if ma == "wrong" {
		datagram[radius.HeaderLen+5] ^= 1
	}
	return datagram
}

func attribute(t radius.Type, value string) []byte {
	return radius.AppendAttribute(nil, t, []byte(value))
}

// hidden is a User-Password for onWire's Access-Requests.
func hidden(secret, password string) []byte {
	var s radius.Session
	s.Use(radius.NewSecret(secret))
	return radius.AppendAttribute(nil, radius.TypeUserPassword, s.HidePassword(nil, []byte(password), &radius.Authenticator{1, 2, 3}))
}

// TestAuthenticity is the table of what each kind of packet must prove.
func TestAuthenticity(t *testing.T) {
	const other = "not-the-secret!!"
	user, pap := attribute(1, "bob"), hidden(homeSecret, "hello")
	chap := attribute(3, strings.Repeat("c", 17))
	eap := attribute(79, "\x02\x01\x00\x08\x01bob")
	proxy := attribute(33, "p")
	access, acct, status, coa := radius.CodeAccessRequest, radius.CodeAccountingRequest, radius.CodeStatusServer, radius.CodeCoARequest
	for _, c := range []struct {
		name     string
		listener string
		datagram []byte
		set      func(*nas.Client, *Settings)
		want     Reason
	}{
		{"access", "auth", onWire(access, homeSecret, "first", user, pap), nil, 0},
		{"access, M-A last", "auth", onWire(access, homeSecret, "last", user, pap), nil, 0},
		{"access without M-A", "auth", onWire(access, homeSecret, "", user, pap), nil, 0},
		{"access, wrong M-A", "auth", onWire(access, homeSecret, "wrong", user, pap), nil, ReasonBadMessageAuthenticator},
		{"access, other secret", "auth", onWire(access, other, "first", user, pap), nil, ReasonBadMessageAuthenticator},
		{"two M-A", "auth", onWire(access, homeSecret, "twice", user, pap), nil, ReasonBadMessageAuthenticator},
		{"M-A of 15 octets", "auth", onWire(access, homeSecret, "short", user, pap), nil, ReasonBadMessageAuthenticator},
		{"EAP", "auth", onWire(access, homeSecret, "first", user, eap), nil, 0},
		{"EAP without M-A", "auth", onWire(access, homeSecret, "", user, eap), nil, ReasonNoMessageAuthenticator},
		{"required", "auth", onWire(access, homeSecret, "", user, pap),
			func(c *nas.Client, _ *Settings) { c.Require = nas.Yes }, ReasonNoMessageAuthenticator},
		{"required by the server", "auth", onWire(access, homeSecret, "", user, pap),
			func(_ *nas.Client, s *Settings) { s.RequireMessageAuthenticator = nas.Yes }, ReasonNoMessageAuthenticator},
		{"the client's own setting wins", "auth", onWire(access, homeSecret, "", user, pap),
			func(c *nas.Client, s *Settings) { c.Require, s.RequireMessageAuthenticator = nas.No, nas.Yes }, 0},
		{"Proxy-State, limited", "auth", onWire(access, homeSecret, "", user, pap, proxy),
			func(c *nas.Client, _ *Settings) { c.Limit = nas.Yes }, ReasonProxyState},
		{"Proxy-State and M-A, limited", "auth", onWire(access, homeSecret, "first", user, pap, proxy),
			func(c *nas.Client, _ *Settings) { c.Limit = nas.Yes }, 0},
		{"Proxy-State of a proxy", "auth", onWire(access, homeSecret, "", user, pap, proxy),
			func(c *nas.Client, _ *Settings) { c.Limit, c.Proxy = nas.Yes, true }, 0},
		{"two passwords", "auth", onWire(access, homeSecret, "first", user, pap, chap), nil, ReasonTwoPasswords},
		{"password of 15 octets", "auth", onWire(access, homeSecret, "first", attribute(2, strings.Repeat("x", 15))), nil, ReasonPasswordLength},
		{"password of 144 octets", "auth", onWire(access, homeSecret, "first", attribute(2, strings.Repeat("x", 144))), nil, ReasonPasswordLength},
		{"no credential", "auth", onWire(access, homeSecret, "", user), nil, ReasonNoCredential},
		{"no credential, allowed", "auth", onWire(access, homeSecret, "", user),
			func(c *nas.Client, _ *Settings) { c.AllowNoCredential = true }, 0},
		{"no credential but M-A", "auth", onWire(access, homeSecret, "first", user), nil, 0},
		{"MS-CHAP is a credential", "auth", onWire(access, homeSecret, "", user, attribute(26, "\x00\x00\x01\x37\x01\x04ab")), nil, 0},
		{"status", "auth", onWire(status, homeSecret, "first"), nil, 0},
		{"status without M-A", "auth", onWire(status, homeSecret, ""), nil, ReasonNoMessageAuthenticator},
		{"status without M-A, allowed", "auth", onWire(status, homeSecret, ""), func(_ *nas.Client, s *Settings) { s.PlainStatus = true }, 0},
		{"status with wrong M-A", "auth", onWire(status, other, "first"), func(_ *nas.Client, s *Settings) { s.PlainStatus = true }, ReasonBadMessageAuthenticator},
		{"status at acct", "acct", onWire(status, homeSecret, "first"), nil, 0},
		{"status at coa", "coa", onWire(status, homeSecret, "first"), nil, ReasonWrongPort},
		{"accounting", "acct", onWire(acct, homeSecret, "", user), nil, 0},
		{"accounting with M-A", "acct", onWire(acct, homeSecret, "first", user), nil, 0},
		{"accounting, other secret", "acct", onWire(acct, other, "", user), nil, ReasonBadAuthenticator},
		{"accounting, wrong M-A", "acct", onWire(acct, other, "first", user), nil, ReasonBadMessageAuthenticator},
		{"CoA", "coa", onWire(coa, homeSecret, "", user), nil, 0},
		{"CoA with M-A", "coa", onWire(coa, homeSecret, "first", user), nil, 0},
		{"CoA, other secret", "coa", onWire(coa, other, "", user), nil, ReasonBadAuthenticator},
		{"accounting at auth", "auth", onWire(acct, homeSecret, "", user), nil, ReasonWrongPort},
		{"access at acct", "acct", onWire(access, homeSecret, "first", user, pap), nil, ReasonWrongPort},
		{"any port", "acct", onWire(access, homeSecret, "first", user, pap),
			func(_ *nas.Client, s *Settings) { s.AnyCodeAnyPort = true }, 0},
		{"CoA at any port", "acct", onWire(coa, homeSecret, "", user),
			func(_ *nas.Client, s *Settings) { s.AnyCodeAnyPort = true }, ReasonWrongPort},
		{"a reply", "auth", onWire(radius.CodeAccessAccept, homeSecret, "", user), nil, ReasonUnknownCode},
		{"unknown code", "auth", onWire(77, homeSecret, "", user), nil, ReasonUnknownCode},
		{"too short", "auth", []byte{1, 1, 0, 20}, nil, ReasonMalformed},
		{"length beyond the datagram", "auth", onWire(access, homeSecret, "first", user, pap)[:40], nil, ReasonMalformed},
		{"padding", "auth", append(onWire(access, homeSecret, "first", user, pap), 0, 0, 0), nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := load(t, "", nil)
			if c.set != nil {
				c.set(home(g), &g.Settings)
			}
			r := incoming(g, c.listener)
			if got := core(t, CoreOptions{}).receive(r, c.datagram); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestUnknownClient(t *testing.T) {
	g := load(t, "", nil)
	r := incoming(g, "auth")
	r.Source = netip.MustParseAddrPort("192.0.2.1:5")
	c := core(t, CoreOptions{})
	if why := c.receive(r, onWire(1, homeSecret, "first", attribute(1, "bob"))); why != ReasonUnknownClient {
		t.Errorf("got %q", why)
	}
	if last := c.Recent("bob", 5); len(last) != 1 || last[0].Reason != "unknown-client" || last[0].ID != 0 {
		t.Errorf("remembered: %+v", last)
	}
}

// TestZeroAuthenticator: accounting of ancient NASes, by a switch of the client.
func TestZeroAuthenticator(t *testing.T) {
	g := load(t, "", nil)
	datagram := onWire(radius.CodeAccountingRequest, homeSecret, "", attribute(1, "bob"))
	clear(datagram[4:20])
	log := &logged{}
	c := core(t, CoreOptions{Log: newLog(log)})
	if why := c.receive(incoming(g, "acct"), datagram); why != ReasonBadAuthenticator {
		t.Errorf("without the switch: %q", why)
	}
	home(g).ZeroAcctAuthenticator = true
	if why := c.receive(incoming(g, "acct"), datagram); why != 0 {
		t.Errorf("with the switch: %q", why)
	}
	if !strings.Contains(log.String(), "anyone can forge it") {
		t.Errorf("no warning: %s", log)
	}
}

// TestTwoSecrets: the secret that fits signs the reply; after until= the old one is refused.
func TestTwoSecrets(t *testing.T) {
	const old = "the-old-secret!!"
	g := load(t, "bob Cleartext-Password := \"hello\"\n", nil)
	client := home(g)
	client.Second = radius.NewSecret(old)
	c := core(t, CoreOptions{Recorder: unkept{}})
	for _, secret := range []string{homeSecret, old} {
		datagram := onWire(radius.CodeAccessRequest, secret, "first", attribute(1, "bob"), hidden(secret, "hello"))
		r := incoming(g, "auth")
		if why := c.receive(r, datagram); why != 0 {
			t.Fatalf("%s: %q", secret, why)
		}
		c.process(r)
		var nasSide radius.Session
		nasSide.Use(radius.NewSecret(secret))
		if _, err := nasSide.VerifyReply(r.out, &r.Packet.Authenticator); err != nil || r.Verdict != Accept {
			t.Errorf("%s: %v %v", secret, r.Verdict, err)
		}
		r = incoming(g, "acct")
		if why := c.receive(r, onWire(radius.CodeAccountingRequest, secret, "")); why != 0 {
			t.Errorf("%s, accounting: %q", secret, why)
		}
	}
	client.Until = monday
	if why := c.receive(incoming(g, "acct"), onWire(radius.CodeAccountingRequest, old, "")); why != ReasonBadAuthenticator {
		t.Errorf("after until=: %q", why)
	}
	client.Until = monday.Add(time.Second)
	if why := c.receive(incoming(g, "acct"), onWire(radius.CodeAccountingRequest, old, "")); why != 0 {
		t.Errorf("before until=: %q", why)
	}
}

// TestUnprintablePassword: the log line that finds a wrong secret, once, without the octets, and not when
// Message-Authenticator has proved the secret.
func TestUnprintablePassword(t *testing.T) {
	g := load(t, "bob Cleartext-Password := \"hello\"\n", nil)
	log := &logged{}
	c := core(t, CoreOptions{Log: newLog(log)})
	send := func(secret, ma, password string) {
		r := incoming(g, "auth")
		if why := c.receive(r, onWire(radius.CodeAccessRequest, homeSecret, ma, attribute(1, "bob"), hidden(secret, password))); why != 0 {
			t.Fatal(why)
		}
		c.process(r)
	}
	const line = "Unprintable password: the shared secret is probably wrong"
	send(homeSecret, "", "wrong") // before the ratchet learns
	if strings.Contains(log.String(), line) {
		t.Errorf("printable password: %s", log)
	}
	send("another-secret!!", "", "wrong")
	send("another-secret!!", "", "wrong")
	if n := strings.Count(log.String(), line); n != 1 {
		t.Errorf("%d lines: %s", n, log)
	}
	log.b.Reset()
	send("another-secret!!", "first", "wrong")
	if strings.Contains(log.String(), line) {
		t.Errorf("the secret was proved: %s", log)
	}
}

// FuzzReceive: whatever arrives, it is refused or answered, and every answer verifies.
func FuzzReceive(f *testing.F) {
	g := load(f, someUsers, &scripted{on: map[Phase]func(*Request) *Verdict{}})
	g.Settings.AnyCodeAnyPort = true
	user, pap := attribute(1, "bob"), hidden(homeSecret, "hello")
	f.Add(uint8(0), onWire(1, homeSecret, "first", user, pap)[4:])
	f.Add(uint8(1), onWire(1, homeSecret, "", user, pap, attribute(33, "p"), attribute(24, "state"))[4:])
	f.Add(uint8(2), onWire(4, homeSecret, "", user)[4:])
	f.Add(uint8(3), onWire(12, homeSecret, "first")[4:])
	f.Add(uint8(4), onWire(43, homeSecret, "", user)[4:])
	c := core(f, CoreOptions{Recorder: unkept{}})
	codes := []radius.Code{1, 1, 4, 12, 43, 40, 2}
	f.Fuzz(func(t *testing.T, kind uint8, rest []byte) {
		code := codes[int(kind)%len(codes)]
		datagram := append([]byte{byte(code), 7, 0, 0}, rest...)
		if len(datagram) > radius.MaxPacketLen {
			return
		}
		binary.BigEndian.PutUint16(datagram[2:], uint16(len(datagram)))
		if _, err := radius.Parse(datagram); err == nil && kind < 128 {
			var s radius.Session // half of the packets come from somebody with the secret
			s.Use(radius.NewSecret(homeSecret))
			s.SignRequest(datagram)
		}
		listener := "auth"
		if code == 43 || code == 40 {
			listener = "coa"
		}
		r := incoming(g, listener)
		if c.receive(r, datagram) != 0 {
			return
		}
		c.process(r)
		if r.pending != waitNothing {
			c.resume(r)
		}
		c.done(r)
		if r.Verdict == 0 || (len(r.out) == 0) != (r.Verdict == Discard || r.Verdict == Drop) {
			t.Fatalf("%v with %d octets", r.Verdict, len(r.out))
		}
		if len(r.out) > 0 {
			var s radius.Session
			s.Use(radius.NewSecret(homeSecret))
			if _, err := s.VerifyReply(r.out, &r.Packet.Authenticator); err != nil {
				t.Fatal(err)
			}
		}
	})
}
