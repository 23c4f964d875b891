package server

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// A coaPort is a whole server whose coa port is asked, with a NAS behind it.
type coaPort struct {
	*dynamicSite
	at     netip.AddrPort
	log    *strings.Builder
	server *Server
}

// dacLine is the client that sends to the coa port.
const dacLine = "127.0.0.1 \"" + homeSecret + "\" dac "

// startCoA serves a coa port. right is the option of the client that asks, NAS in it stands for the NAS's address; realms, if there, the realms file, whose
// home servers are the NAS.
func startCoA(t testing.TB, right string, p *scripted, answer func(*asked) *awayReply, realms ...string) *coaPort {
	t.Helper()
	c := &coaPort{dynamicSite: newDynamicSite(t, "", answer), log: new(strings.Builder)}
	lines := strings.ReplaceAll(nasLine, "127.0.0.1:%d", c.nas.at().String())
	c.g.Clients = clientsOf(t, lines, dacLine+strings.ReplaceAll(right, "NAS", c.nas.at().String()), "10.0.0.0/8 \""+awaySecret+"\" wide")
	if p != nil {
		c.g.Policy = p
	}
	if len(realms) > 0 {
		c.g.Realms = realmsOf(t, realms[0], c.nas)
		for _, line := range c.g.Realms.All() {
			for i := range line.Servers {
				line.Servers[i].Dynamic = c.nas.at() // the port of RFC 5176 may not be free here
			}
		}
	}
	any := netip.MustParseAddrPort("127.0.0.1:0")
	log := NewLog(LogOptions{Writer: c.log})
	s, err := New(c.core, Options{Listeners: []Listener{{Kind: "coa", Addr: any}}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s.Swap(c.g)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		<-ended
		log.Close(ctx)
	})
	c.at, c.server = s.Addrs()[0], s
	return c
}

// request makes a request of lines.
func (c *coaPort) request(t testing.TB, code radius.Code, lines ...string) []byte {
	t.Helper()
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	q := Question{Unsigned: true}
	for _, line := range lines {
		p, err := c.g.Dictionary.ParsePair(line)
		if err != nil {
			t.Fatal(err)
		}
		q.Attributes.AddShared(p)
	}
	b, err := q.packet(code, 7, c.g, &s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c *coaPort) dial(t testing.TB) *net.UDPConn {
	t.Helper()
	return dialed(t, c.at)
}

// ask gives the answer as its code and lines; "" for silence.
func (c *coaPort) ask(t testing.TB, conn *net.UDPConn, datagram []byte, wait time.Duration) string {
	t.Helper()
	conn.Write(datagram)
	conn.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, radius.MaxPacketLen)
	n, err := conn.Read(b)
	if err != nil {
		return ""
	}
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	auth := (*radius.Authenticator)(datagram[4:20])
	if _, err := s.VerifyReply(b[:n], auth); err != nil {
		t.Error(err)
	}
	p, _ := radius.Parse(b[:n])
	var l dictionary.List
	c.g.Dictionary.Decode(&l, p.Attributes, &s, auth)
	return strings.Join(append([]string{p.Code.String()}, texts(&l)...), ", ")
}

// repeat asks again and again, as a client does, until there is an answer: a repetition that overtakes what the server
// notes of its answer is discarded.
func (c *coaPort) repeat(t testing.TB, conn *net.UDPConn, datagram []byte) (got string) {
	t.Helper()
	for end := time.Now().Add(soon); got == "" && time.Now().Before(end); {
		got = c.ask(t, conn, datagram, quiet)
	}
	return got
}

const quiet = 150 * time.Millisecond

// TestCoAPort: what becomes of a request without a handler.
func TestCoAPort(t *testing.T) {
	const disconnect, change = radius.CodeDisconnectRequest, radius.CodeCoARequest
	c := startCoA(t, "dynamic-authorization=yes", nil, func(q *asked) *awayReply {
		if q.Code == change {
			return &awayReply{code: radius.CodeCoANAK, attrs: joined(attribute(radius.TypeErrorCause, "\x00\x00\x01\xf8"), attribute(radius.TypeState, "of the NAS"), attribute(25, "class"))}
		}
		return &awayReply{code: radius.CodeDisconnectACK}
	})
	c.start(t)
	c.account(t, "nas-1", "Acct-Status-Type = Start", "User-Name = two", "Acct-Session-Id = 1", "NAS-Port-Id = ge-1")
	c.account(t, "nas-1", "Acct-Status-Type = Start", "User-Name = two", "Acct-Session-Id = 2", "Framed-IPv6-Address = 2001:db8::7")
	c.account(t, "wide", "Acct-Status-Type = Start", "User-Name = lost", "Acct-Session-Id = 3")
	nak := func(code radius.Code, cause string) string { return code.String() + ", Error-Cause = " + cause }
	for _, q := range []struct {
		code  radius.Code
		lines string
		want  string
	}{
		{disconnect, "User-Name = bob", "Disconnect-ACK"},
		{disconnect, "User-Name = bob|NAS-IP-Address = 192.0.2.1|NAS-Identifier = sw1|Acct-Session-Id = 0011", "Disconnect-ACK"},
		{disconnect, "Calling-Station-Id = 02:00:00:00:00:01", "Disconnect-ACK"}, // another writing of the address
		{disconnect, "Framed-IP-Address = 192.0.2.99|NAS-Port = 7", "Disconnect-ACK"},
		{disconnect, "Acct-Multi-Session-Id = m1|Called-Station-Id = ap:ssid|Framed-IPv6-Prefix = 2001:db8::/64", "Disconnect-ACK"},
		{disconnect, "Framed-IPv6-Address = 2001:db8::7", "Disconnect-ACK"},
		{disconnect, "User-Name = two|NAS-Port-Id = ge-1", "Disconnect-ACK"},
		{disconnect, "User-Name = lost|NAS-Port = 99", nak(radius.CodeDisconnectNAK, "502")},
		{disconnect, "NAS-Port = 99", nak(radius.CodeDisconnectNAK, "503")},
		{disconnect, "User-Name = bob|Operator-NAS-Identifier = nas-1", "Disconnect-ACK"},
		{disconnect, "User-Name = bob|Operator-NAS-Identifier = sw1|Operator-Name = 1here.example", "Disconnect-ACK"},
		{change, "User-Name = bob|Session-Timeout = 60|Proxy-State = one|Proxy-State = two",
			`CoA-NAK, Error-Cause = 504, State = 0x6f6620746865204e4153, Proxy-State = 0x6f6e65, Proxy-State = 0x74776f`},
		{disconnect, "NAS-IP-Address = 192.0.2.1", nak(radius.CodeDisconnectNAK, "402")},
		{disconnect, "", nak(radius.CodeDisconnectNAK, "402")},
		{disconnect, "User-Name = nobody", nak(radius.CodeDisconnectNAK, "503")},
		{disconnect, "User-Name = bo", nak(radius.CodeDisconnectNAK, "503")}, // never a prefix
		{disconnect, "User-Name = bob|Acct-Session-Id = 0012", nak(radius.CodeDisconnectNAK, "503")},
		{disconnect, "User-Name = bob|NAS-Port = 8", nak(radius.CodeDisconnectNAK, "503")},
		{disconnect, "User-Name = bob|NAS-IP-Address = 192.0.2.2", nak(radius.CodeDisconnectNAK, "403")},
		{disconnect, "User-Name = bob|NAS-Identifier = sw2", nak(radius.CodeDisconnectNAK, "403")},
		{disconnect, "User-Name = bob|Operator-NAS-Identifier = nas-2", nak(radius.CodeDisconnectNAK, "403")},
		{disconnect, "User-Name = two", nak(radius.CodeDisconnectNAK, "508")},
		{disconnect, "User-Name = lost", nak(radius.CodeDisconnectNAK, "502")},
		{disconnect, "User-Name = bob|Session-Timeout = 60", nak(radius.CodeDisconnectNAK, "401")},
		{disconnect, "User-Name = bob|Attr-200 = 0x01", nak(radius.CodeDisconnectNAK, "401")},
		{disconnect, "User-Name = bob|Service-Type = Authorize-Only", nak(radius.CodeDisconnectNAK, "405")},
		{change, "User-Name = bob|Service-Type = Authorize-Only", nak(radius.CodeCoANAK, "402")},
		{change, "User-Name = bob|Service-Type = Authorize-Only|State = x|Filter-Id = a", nak(radius.CodeCoANAK, "401")},
		{change, "User-Name = bob|CHAP-Password = 0x0102030405060708090a0b0c0d0e0f1011", nak(radius.CodeCoANAK, "401")},
		{change, "User-Name = bob|Attr-8 = 0x010203", nak(radius.CodeCoANAK, "407")},
		{change, "User-Name = bob|Attr-4 = 0x01", nak(radius.CodeCoANAK, "407")},
	} {
		lines := []string{}
		if q.lines != "" {
			lines = strings.Split(q.lines, "|")
		}
		got := c.ask(t, c.dial(t), c.request(t, q.code, lines...), soon)
		got = causeNumbers(got)
		if got != q.want {
			t.Errorf("%v %s\ngot  %s\nwant %s", q.code, q.lines, got, q.want)
		}
	}
}

// causeNumbers puts numbers in the place of the names of Error-Cause.
func causeNumbers(text string) string {
	for number, name := range causeNames {
		text = strings.ReplaceAll(text, "Error-Cause = "+name, "Error-Cause = "+ErrorCauseName(0)+itoa(number))
	}
	return text
}

func itoa(n uint32) string {
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

// TestPassedOn: what a NAS gets of a request: all but what concerns proxies and networks, and nothing of ours.
func TestPassedOn(t *testing.T) {
	c := startCoA(t, "dynamic-authorization=yes", nil, always(&awayReply{code: radius.CodeCoAACK}))
	c.start(t)
	stamp := itoaStamp(time.Now().Add(-time.Minute))
	got := c.ask(t, c.dial(t), c.request(t, radius.CodeCoARequest, "User-Name = bob", "Proxy-State = x", "Operator-Name = 1here.example",
		"Operator-NAS-Identifier = nas-1", "Session-Timeout = 60", "Event-Timestamp = "+stamp, "Cisco-AVPair = a=b", "Attr-200 = 0x07"), soon)
	if got != "CoA-ACK, Proxy-State = 0x78" {
		t.Error(got)
	}
	q := c.nas.next(t)
	lines := q.lines(t, c.g)
	want := []string{`User-Name = "bob"`, "Session-Timeout = 60", `Cisco-AVPair = "a=b"`, "Attr-200 = 0x07", "NAS-IP-Address = 192.0.2.1", `NAS-Identifier = "sw1"`}
	if diff := cmp.Diff(want, withoutStamp(t, lines)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if value, _ := q.Attributes.Find(typeEventTimestamp); itoaStamp(time.Unix(int64(binary.BigEndian.Uint32(value)), 0)) != stamp {
		t.Errorf("Event-Timestamp %x, want %s", value, stamp)
	}
}

func itoaStamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// TestRights: a NAS must not end the sessions of others (RFC 5176 s6.1).
func TestRights(t *testing.T) {
	const own = "coa=NAS coa-secret=\"" + awaySecret + "\""
	for _, c := range []struct{ right, of, realm, want string }{
		{"", "nas-1", "", "Disconnect-NAK, Error-Cause = 503"},
		{own, "dac", "", "Disconnect-ACK"},
		{"dynamic-authorization=own " + own, "dac", "", "Disconnect-ACK"},
		{"dynamic-authorization=no", "nas-1", "", "Disconnect-NAK, Error-Cause = 501"},
		{"dynamic-authorization=no " + own, "dac", "", "Disconnect-NAK, Error-Cause = 501"},
		{"dynamic-authorization", "nas-1", "", "Disconnect-ACK"},
		{"dynamic-authorization=realm", "nas-1", "example.net 127.0.0.1:%d SECRET", "Disconnect-ACK"},
		{"dynamic-authorization=realm", "nas-1", "example.net 127.0.0.9:%d SECRET", ""},
		{"dynamic-authorization=realm", "nas-1", "other.net 127.0.0.1:%d SECRET", ""},
		{"dynamic-authorization=realm", "nas-1", "", ""},
	} {
		var realms []string
		if c.realm != "" {
			realms = append(realms, c.realm)
		}
		p := startCoA(t, c.right, nil, always(&awayReply{code: radius.CodeDisconnectACK}), realms...)
		p.account(t, c.of, "Acct-Status-Type = Start", "User-Name = ann@Example.net", "Acct-Session-Id = 5")
		wait := soon
		if c.want == "" {
			wait = quiet
		}
		got := p.ask(t, p.dial(t), p.request(t, radius.CodeDisconnectRequest, "User-Name = ann@Example.net"), wait)
		if got := causeNumbers(got); got != c.want {
			t.Errorf("%s, realms %q: got %q, want %q", c.right, c.realm, got, c.want)
		}
	}
}

// TestOwnSessions: which sessions are a client's own, where one line stands for one NAS and where for many.
func TestOwnSessions(t *testing.T) {
	for _, c := range []struct {
		prefix, client, nas string
		want                bool
	}{
		{"192.0.2.5/32", "ap", "192.0.2.5", true},
		{"192.0.2.5/32", "ap", "10.0.0.1", true}, // behind NAT
		{"192.0.2.5/32", "other", "192.0.2.5", false},
		{"192.0.2.0/24", "ap", "192.0.2.5", true},
		{"192.0.2.0/24", "ap", "192.0.2.6", false},
	} {
		client := &nas.Client{Name: "ap", Prefix: netip.MustParsePrefix(c.prefix)}
		r := &Request{Peer: Peer{Client: client, Source: netip.MustParseAddrPort("192.0.2.5:3799")}}
		if got := r.entitled(&acct.Session{Client: c.client, NASAddress: c.nas}); got != c.want {
			t.Errorf("%s, session of %s at %s: %v", c.prefix, c.client, c.nas, got)
		}
	}
}

// TestCoACircle: a session whose NAS, by a mistake of the clients file, is this server itself. The request comes back once
// and is refused, instead of going round.
func TestCoACircle(t *testing.T) {
	c := startCoA(t, "dynamic-authorization=yes", nil, nil)
	g := &Generation{Dictionary: c.g.Dictionary, Clients: clientsOf(t, dacLine+"dynamic-authorization=yes coa="+c.at.String()), Settings: c.g.Settings}
	c.server.Swap(g)
	c.account(t, "dac", startLines...)
	got := c.ask(t, c.dial(t), c.request(t, radius.CodeDisconnectRequest, "User-Name = bob"), soon)
	if got := causeNumbers(got); got != "Disconnect-NAK, Error-Cause = 505" {
		t.Error(got)
	}
}

// TestSilentNASBehind: no answer, so that the client asks again; it may, while the NAS is asked.
func TestSilentNASBehind(t *testing.T) {
	c := startCoA(t, "dynamic-authorization=yes", nil, always(nil))
	settings := c.g.Settings
	settings.Dynamic.Timeout = hasty
	c.server.Swap(&Generation{Dictionary: c.g.Dictionary, Clients: c.g.Clients, Settings: settings})
	c.start(t)
	b := c.request(t, radius.CodeDisconnectRequest, "User-Name = bob")
	conn := c.dial(t)
	if got := c.ask(t, conn, b, 20*time.Millisecond) + c.ask(t, conn, b, time.Second); got != "" {
		t.Error(got)
	}
	if n := len(c.nas.came); n != 3 {
		t.Errorf("%d packets to the NAS", n)
	}
}

// TestCoAHandlers: verdicts of coa, pre_proxy and post_proxy.
func TestCoAHandlers(t *testing.T) {
	const user = "User-Name = bob"
	on := func(list map[Phase]func(*Request) *Verdict) *scripted { return &scripted{on: list} }
	gives := func(v Verdict) func(*Request) *Verdict { return func(*Request) *Verdict { return &v } }
	for _, c := range []struct {
		name string
		on   map[Phase]func(*Request) *Verdict
		line string
		want string
	}{
		{"accept", map[Phase]func(*Request) *Verdict{PhaseCoA: gives(Verdict{Kind: Accept})}, user, "Disconnect-ACK"},
		{"reject", map[Phase]func(*Request) *Verdict{PhaseCoA: gives(Verdict{Kind: Reject})}, user, "Disconnect-NAK, Error-Cause = 501"},
		{"to a client", map[Phase]func(*Request) *Verdict{PhaseCoA: gives(Verdict{Kind: Proxy, Client: "nas-1"})}, "User-Name = nobody", "Disconnect-NAK, Error-Cause = 504"},
		{"to nobody", map[Phase]func(*Request) *Verdict{PhaseCoA: gives(Verdict{Kind: Proxy, Client: "nas-9"})}, user, "Disconnect-NAK, Error-Cause = 502"},
		{"to many", map[Phase]func(*Request) *Verdict{PhaseCoA: gives(Verdict{Kind: Proxy, Client: "wide"})}, user, "Disconnect-NAK, Error-Cause = 502"},
		{"to no realm", map[Phase]func(*Request) *Verdict{PhaseCoA: gives(Verdict{Kind: Proxy, Realm: "x"})}, user, "Disconnect-NAK, Error-Cause = 502"},
		{"pre_proxy", map[Phase]func(*Request) *Verdict{PhasePreProxy: gives(Verdict{Kind: Reject, ErrorCause: 506})}, user, "Disconnect-NAK, Error-Cause = 506"},
		{"stays", map[Phase]func(*Request) *Verdict{PhasePreProxy: gives(Verdict{Kind: HandleLocally})}, user, "Disconnect-NAK, Error-Cause = 501"},
		{"elsewhere", map[Phase]func(*Request) *Verdict{PhasePreProxy: gives(Verdict{Kind: Proxy, Realm: "x"})}, user, "Disconnect-NAK, Error-Cause = 505"},
		{"post_proxy", map[Phase]func(*Request) *Verdict{PhasePostProxy: func(r *Request) *Verdict {
			if p := r.Proxied; p.Result != "nak" || p.Realm != "nas-1" || p.Attempts != 1 || len(texts(&p.Reply)) != 2 {
				return &Verdict{Kind: Drop}
			}
			return nil
		}}, user, "Disconnect-NAK, Error-Cause = 504"},
		{"overruled", map[Phase]func(*Request) *Verdict{PhasePostProxy: gives(Verdict{Kind: Reject, ErrorCause: 404})}, user, "Disconnect-NAK, Error-Cause = 404"},
		{"again", map[Phase]func(*Request) *Verdict{PhasePostProxy: gives(Verdict{Kind: Proxy, Realm: "x"})}, user, "Disconnect-NAK, Error-Cause = 505"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startCoA(t, "dynamic-authorization=yes", on(c.on), always(&awayReply{code: radius.CodeDisconnectNAK, attrs: attribute(radius.TypeErrorCause, "\x00\x00\x01\xf8")}))
			p.start(t)
			if got := causeNumbers(p.ask(t, p.dial(t), p.request(t, radius.CodeDisconnectRequest, c.line), soon)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestVisitedNetwork: Operator-Name says where the user is (RFC 8559 s3.1).
func TestVisitedNetwork(t *testing.T) {
	c := startCoA(t, "dynamic-authorization=yes", nil, always(&awayReply{code: radius.CodeDisconnectACK}),
		"visited.example 127.0.0.1:%d SECRET\nhome.example LOCAL operator-name=1here.example\n")
	c.start(t)
	for lines, want := range map[string]string{
		"User-Name = far|Operator-Name = 1visited.example|Proxy-State = x": "Disconnect-ACK, Proxy-State = 0x78",
		"User-Name = bob|Operator-Name = 1Here.example":                    "Disconnect-ACK",
		"User-Name = bob|Operator-Name = 1home.example":                    "Disconnect-ACK",
		"User-Name = bob|Operator-Name = 0tadig":                           "Disconnect-ACK",
		"User-Name = bob|Operator-Name = 1unknown.example":                 "Disconnect-NAK, Error-Cause = 502",
	} {
		if got := causeNumbers(c.ask(t, c.dial(t), c.request(t, radius.CodeDisconnectRequest, strings.Split(lines, "|")...), soon)); got != want {
			t.Errorf("%s: got %q, want %q", lines, got, want)
		}
	}
	for len(c.nas.came) > 0 {
		q := c.nas.next(t)
		got := strings.Join(q.lines(t, c.g), "|")
		if strings.Contains(got, "far") && got != `User-Name = "far"|Operator-Name = "1visited.example"|Proxy-State = 0x78` {
			t.Errorf("passed on: %s", got)
		}
	}
	realm := c.core.targets.realm(nil, c.g, &proxy.Realm{Servers: []proxy.Server{{Auth: netip.MustParseAddrPort("192.0.2.1:1812")}}})
	if got := realm.Servers[0].Dynamic.String(); got != "192.0.2.1:3799" {
		t.Errorf("asked at %s", got)
	}
}

// TestKeepsCoA: answers are kept as long as the window of Event-Timestamp, whatever the client's dup= says.
func TestKeepsCoA(t *testing.T) {
	g := &Generation{Settings: Settings{DuplicateKeep: 5 * time.Second}}
	c := clientsOf(t, dacLine+"dup=2s").All()[0]
	for code, want := range map[radius.Code]time.Duration{
		radius.CodeCoARequest: replayWindow, radius.CodeDisconnectRequest: replayWindow, radius.CodeAccessRequest: 2 * time.Second,
	} {
		if got := keep(g, c, code); got != want {
			t.Errorf("%v: %v, want %v", code, got, want)
		}
	}
}

// FuzzCoA: no attributes of an entitled client harm the server, and what is answered is a NAK or ACK. The NAS of a
// session says ACK.
func FuzzCoA(f *testing.F) {
	g := &Generation{Dictionary: wholeDictionary(), Clients: clientsOf(f, "127.0.0.2 \""+awaySecret+"\" nas-1", dacLine+"dynamic-authorization")}
	store := acct.NewMemory(acct.Rules{})
	h := acct.Head{Arrival: time.Now(), Client: "nas-1", Source: netip.MustParseAddrPort("127.0.0.2:1646")}
	l := attrs(f, g, startLines...)
	store.Append(acct.AppendRecord(nil, &h, l.Pairs), func(error) {})
	o := NewOffline(time.Now)
	c := o.core
	c.sessions = store.Live()
	o.NAS = func(q *NASQuestion) NASAnswer { return NASAnswer{Code: q.Code + 1} }
	for _, lines := range []string{"User-Name = bob", "NAS-Port = 7|NAS-IP-Address = 192.0.2.1", "Operator-Name = 1a|Operator-NAS-Identifier = x", "Framed-IPv6-Prefix = 2001:db8::/64|State = x"} {
		l := attrs(f, g, strings.Split(lines, "|")...)
		b, err := (&Question{Attributes: l, Unsigned: true}).packet(radius.CodeCoARequest, 1, g, new(radius.Session))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(true, b[radius.HeaderLen:])
		f.Add(false, b[radius.HeaderLen:])
	}
	f.Fuzz(func(t *testing.T, change bool, attributes []byte) {
		code := radius.CodeDisconnectRequest
		if change {
			code = radius.CodeCoARequest
		}
		b := append(append([]byte{byte(code), 1, 0, 0}, make([]byte, 16)...), attributes...)
		if len(b) > radius.MaxPacketLen || !radius.Attributes(attributes).Valid() {
			return
		}
		radius.PutLength(b)
		var s radius.Session
		s.Use(radius.NewSecret(homeSecret))
		s.SignRequest(b)
		r := incoming(g, "coa")
		if c.receive(r, b) != ReasonNone {
			return
		}
		c.process(r)
		if len(r.out) == 0 {
			return
		}
		if _, err := s.VerifyReply(r.out, (*radius.Authenticator)(b[4:20])); err != nil || !radius.Code(r.out[0]).Answers(code) {
			t.Errorf("%v: %x", err, r.out)
		}
	})
}
