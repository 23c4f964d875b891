package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

const awaySecret = "a secret of the home server"

// An away is a home server on loopback that answers as its function says; nil is silence.
type away struct {
	conn *net.UDPConn
	mu   sync.Mutex
	seen []asked
	came chan asked
}

// An asked is one request that came to an away.
type asked struct {
	radius.Packet
	session *radius.Session
	n       int
	from    netip.AddrPort
}

// An awayReply is what an away answers.
type awayReply struct {
	code   radius.Code
	attrs  []byte
	secret string
}

func startAway(t testing.TB, answer func(q *asked) *awayReply) *away {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadBuffer(8 << 20)
	a := &away{conn: conn, came: make(chan asked, 1<<16)}
	done := make(chan struct{})
	go a.run(answer, done)
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return a
}

func (a *away) at() netip.AddrPort { return a.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (a *away) run(answer func(q *asked) *awayReply, done chan struct{}) {
	defer close(done)
	buf := make([]byte, radius.MaxPacketLen)
	for n := 0; ; n++ {
		size, from, err := a.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		q := asked{session: new(radius.Session), n: n, from: from}
		q.session.Use(radius.NewSecret(awaySecret))
		q.Packet, _ = radius.Parse(slices.Clone(buf[:size]))
		a.mu.Lock()
		a.seen = append(a.seen, q)
		a.mu.Unlock()
		a.came <- q
		if r := answer(&q); r != nil {
			a.conn.WriteToUDPAddrPort(r.packet(&q), from)
		}
	}
}

func (r *awayReply) packet(q *asked) []byte {
	b := append([]byte{byte(r.code), q.Identifier, 0, 0}, make([]byte, 16)...)
	if r.code != radius.CodeAccountingResponse {
		b = radius.AppendAttribute(b, radius.TypeMessageAuthenticator, make([]byte, 16))
	}
	b = append(b, r.attrs...)
	for t, v := range q.Attributes.All() {
		if t == radius.TypeProxyState {
			b = radius.AppendAttribute(b, t, v)
		}
	}
	radius.PutLength(b)
	s := q.session
	if r.secret != "" {
		s = new(radius.Session)
		s.Use(radius.NewSecret(r.secret))
	}
	s.SignReply(b, &q.Authenticator)
	return b
}

// next gives the next request that came.
func (a *away) next(t testing.TB) asked {
	t.Helper()
	select {
	case q := <-a.came:
		return q
	case <-time.After(10 * time.Second):
		t.Fatal("no request came to the home server")
	}
	return asked{}
}

// lines gives a request's attributes as text, our own Proxy-State as *.
func (q *asked) lines(t testing.TB, g *Generation) []string {
	t.Helper()
	var l dictionary.List
	var s radius.Session // the away's own may be at work
	s.Use(radius.NewSecret(awaySecret))
	if err := g.Dictionary.Decode(&l, q.Attributes, &s, &q.Authenticator); err != nil {
		t.Fatal(err)
	}
	known := &g.Dictionary.Known
	if n := len(l.Pairs); l.Pairs[n-1].Attr == known.ProxyState && len(l.Pairs[n-1].Value) == 16 {
		l.Pairs = l.Pairs[:n-1]
	}
	l.Delete(known.MessageAuthenticator.AnyTag())
	return texts(&l)
}

// always answers all requests alike.
func always(r *awayReply) func(*asked) *awayReply { return func(*asked) *awayReply { return r } }

// realmsOf reads a realms file; %d stands for the ports of the home servers in turn.
func realmsOf(t testing.TB, lines string, homes ...*away) *proxy.Realms {
	t.Helper()
	var ports []any
	for _, h := range homes {
		ports = append(ports, h.at().Port())
	}
	tree := raddb.OpenFS(fstest.MapFS{"realms": {Data: fmt.Appendf(nil, strings.ReplaceAll(lines, "SECRET", fmt.Sprintf("secret=%q", awaySecret)), ports...)}})
	var errs raddb.List
	rs := proxy.Load(tree, "realms", proxy.Options{}, &errs)
	if errs.Failed() {
		t.Fatal(errs.Err())
	}
	return rs
}

// A forwarding is a whole server in front of home servers.
type forwarding struct {
	g          *Generation
	core       *Core
	server     *Server
	forwarder  *proxy.Forwarder
	auth, acct netip.AddrPort
	log        *strings.Builder
	end        func() error
}

// startForwarding serves a generation. Everything ends with the test.
func startForwarding(t testing.TB, g *Generation, o CoreOptions) *forwarding {
	t.Helper()
	return startBounded(t, g, o, proxy.ForwarderOptions{}, 0)
}

// startBounded is startForwarding with bounds of the forwarder, and of what waits for home servers.
func startBounded(t testing.TB, g *Generation, o CoreOptions, fo proxy.ForwarderOptions, outstanding int) *forwarding {
	t.Helper()
	f := &forwarding{g: g, log: new(strings.Builder)}
	f.forwarder = proxy.NewForwarder(fo)
	o.Forwarder = f.forwarder
	if o.Recorder == nil {
		o.Recorder = recordAtOnce{}
	}
	f.core = core(t, o)
	f.core.now = time.Now
	any := netip.MustParseAddrPort("127.0.0.1:0")
	log := NewLog(LogOptions{Writer: f.log})
	var err error
	f.server, err = New(f.core, Options{Listeners: []Listener{{Kind: "auth", Addr: any, ReceiveBuffer: 4 << 20}, {Kind: "acct", Addr: any}}, Log: log,
		Events: slog.New(slog.DiscardHandler), Outstanding: outstanding})
	if err != nil {
		t.Fatal(err)
	}
	f.forwarder.Configure(g.Realms)
	f.server.Swap(g)
	ended := make(chan error, 1)
	go func() { ended <- f.server.Serve(context.Background()) }()
	f.end = sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := f.server.Shutdown(ctx)
		f.forwarder.Close()
		<-ended
		log.Close(ctx)
		return err
	})
	t.Cleanup(func() {
		if err := f.end(); err != nil {
			t.Error(err)
		}
	})
	f.auth, f.acct = f.server.Addrs()[0], f.server.Addrs()[1]
	return f
}

// recordAtOnce is a Recorder that loses nothing and keeps nothing.
type recordAtOnce struct{}

func (recordAtOnce) Append(_ []byte, done func(error)) { done(nil) }
func (recordAtOnce) Healthy() bool                     { return true }

// ask sends a request and gives what the server answers, as code and lines; "" for silence.
func (f *forwarding) ask(t testing.TB, to netip.AddrPort, datagram []byte, wait time.Duration) string {
	t.Helper()
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(datagram)
	return f.answer(t, conn, datagram, wait)
}

func (f *forwarding) answer(t testing.TB, conn *net.UDPConn, datagram []byte, wait time.Duration) string {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, radius.MaxPacketLen)
	n, err := conn.Read(b)
	if err != nil {
		return ""
	}
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	if _, err := s.VerifyReply(b[:n], (*radius.Authenticator)(datagram[4:20])); err != nil {
		t.Error(err)
	}
	p, _ := radius.Parse(b[:n])
	var l dictionary.List
	f.g.Dictionary.Decode(&l, p.Attributes, &s, (*radius.Authenticator)(datagram[4:20]))
	l.Delete(f.g.Dictionary.Known.MessageAuthenticator.AnyTag())
	return strings.Join(append([]string{p.Code.String()}, texts(&l)...), "\n")
}

// dial gives a socket of a NAS for logins.
func (f *forwarding) dial(t testing.TB) *net.UDPConn {
	t.Helper()
	return dialed(t, f.auth)
}

// dialed gives a socket that is connected to an address, until the test ends.
func dialed(t testing.TB, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// repeat sends a request again and again, as a NAS does, until it is answered: an answer is on its way a moment before
// it is where repetitions find it.
func (f *forwarding) repeat(t testing.TB, conn *net.UDPConn, datagram []byte) (got string) {
	t.Helper()
	for end := time.Now().Add(soon); got == "" && time.Now().Before(end); {
		conn.Write(datagram)
		got = f.answer(t, conn, datagram, 100*time.Millisecond)
	}
	return got
}

const soon = 10 * time.Second

// access makes an Access-Request with Message-Authenticator.
func accessOf(user string, more ...[]byte) []byte {
	return onWire(radius.CodeAccessRequest, homeSecret, "first", append([][]byte{attribute(1, user)}, more...)...)
}

// joined makes a packet's attributes.
func joined(raw ...[]byte) []byte { return slices.Concat(raw...) }

// TestAnswerKnownToRules: rules see that a home server has answered, and where GNU Radius's rules are kept the address
// that the NAS proposes goes into an accept without one.
func TestAnswerKnownToRules(t *testing.T) {
	for _, c := range []struct {
		user string
		gnu  bool
		want string
	}{
		{"bob", false, "Access-Accept\nReply-Message = \"replied\""}, {"eve", false, "Access-Accept"}, {"eve", true, "Access-Accept\nFramed-IP-Address = 10.0.0.9"},
	} {
		h := startAway(t, always(&awayReply{code: 2}))
		g := load(t, "bob Proxy-Replied == Yes\n\tReply-Message = \"replied\"\n", nil)
		g.Settings.GNURules = c.gnu
		g.Realms = realmsOf(t, "net 127.0.0.1:%d SECRET\n", h)
		f := startForwarding(t, g, CoreOptions{})
		got := f.ask(t, f.auth, accessOf(c.user+"@net", hidden(homeSecret, "hello"), attribute(8, "\x0a\x00\x00\x09")), soon)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%v (-want +got)\n%s", c, d)
		}
	}
}

// TestForwardAccess: one request to a home server and back, as settings and answers differ.
func TestForwardAccess(t *testing.T) {
	const usersFile = "bob Auth-Type := Reject, Cleartext-Password := \"other\"\n\tReply-Message += \"local\", Session-Timeout := 60\n" +
		"late Expiration := \"1 Jan 2020\"\n"
	pap := hidden(homeSecret, "hello")
	for _, c := range []struct {
		name, realms string
		request      []byte
		reply        *awayReply
		want, sent   string
	}{
		{name: "case counts", realms: "net 127.0.0.1:%d SECRET", request: accessOf("bob@NET", pap), want: "Access-Reject"},
		{
			name: "accept, local profile", realms: "net 127.0.0.1:%d SECRET", request: accessOf("bob@net", pap, attribute(33, "theirs"), attribute(33, "again")),
			reply: &awayReply{code: 2, attrs: joined(attribute(18, "up"), attribute(27, "\x00\x00\x0e\x10"), attribute(25, "class"), attribute(4, "\x7f\x00\x00\x01"))},
			want:  "Access-Accept\nReply-Message = \"up\"\nSession-Timeout = 60\nClass = 0x636c617373\nReply-Message = \"local\"\nProxy-State = 0x746865697273\nProxy-State = 0x616761696e",
			sent:  "User-Name = \"bob\"\nUser-Password = \"hello\"\nProxy-State = 0x746865697273\nProxy-State = 0x616761696e",
		},
		{
			name: "reject", realms: "net 127.0.0.1:%d nostrip SECRET", request: accessOf("eve@net", pap),
			reply: &awayReply{code: 3, attrs: joined(attribute(18, "no"), attribute(27, "\x00\x00\x0e\x10"))},
			want:  "Access-Reject\nReply-Message = \"no\"", sent: "User-Name = \"eve@net\"\nUser-Password = \"hello\"",
		},
		{
			name: "reject of a user with a profile", realms: "net 127.0.0.1:%d SECRET", request: accessOf("bob@net", pap),
			reply: &awayReply{code: 3, attrs: attribute(18, "no")},
			want:  "Access-Reject\nReply-Message = \"no\"\nReply-Message = \"local\"", sent: "User-Name = \"bob\"\nUser-Password = \"hello\"",
		},
		{
			name: "restricted here", realms: "net 127.0.0.1:%d SECRET", request: accessOf("late@net", pap),
			reply: &awayReply{code: 2, attrs: attribute(18, "up")}, want: "Access-Reject", sent: "User-Name = \"late\"\nUser-Password = \"hello\"",
		},
		{
			name: "challenge", realms: "DEFAULT 127.0.0.1:%d SECRET", request: accessOf("bob@any.where", pap),
			reply: &awayReply{code: 11, attrs: joined(attribute(18, "code?"), attribute(24, "their state"), attribute(25, "not in a challenge"))},
			want:  "Access-Challenge\nReply-Message = \"code?\"\nState = 0x7468656972207374617465", sent: "User-Name = \"bob\"\nUser-Password = \"hello\"",
		},
		{
			name: "a State that is not ours", realms: "DEFAULT 127.0.0.1:%d SECRET", request: accessOf("eve@any", pap, attribute(24, "their state")),
			reply: &awayReply{code: 2}, want: "Access-Accept", sent: "User-Name = \"eve\"\nUser-Password = \"hello\"\nState = 0x7468656972207374617465",
		},
		{
			name: "CHAP", realms: "net 127.0.0.1:%d SECRET", request: accessOf("eve@net", attribute(3, "\x01"+strings.Repeat("c", 16))),
			reply: &awayReply{code: 2}, want: "Access-Accept",
			sent: "User-Name = \"eve\"\nCHAP-Password = 0x0163636363636363636363636363636363\nCHAP-Challenge = 0x01020300000000000000000000000000",
		},
		{
			name: "EAP", realms: "net 127.0.0.1:%d SECRET", request: accessOf("eve@net", attribute(79, "\x02\x07\x00\x05\x01")),
			reply: &awayReply{code: 11, attrs: joined(attribute(79, "\x01\x08\x00\x06\x0d\x20"), attribute(24, "s"))},
			want:  "Access-Challenge\nState = 0x73\nEAP-Message = 0x010800060d20", sent: "User-Name = \"eve\"\nEAP-Message = 0x0207000501",
		},
		{
			name: "EAP, success", realms: "net 127.0.0.1:%d SECRET", request: accessOf("eve@net", attribute(79, "\x02\x07\x00\x05\x01")),
			reply: &awayReply{code: 2, attrs: attribute(79, "\x03\x07\x00\x04")},
			want:  "Access-Accept\nEAP-Message = 0x03070004", sent: "User-Name = \"eve\"\nEAP-Message = 0x0207000501",
		},
		{
			name: "EAP, restricted here", realms: "net 127.0.0.1:%d SECRET", request: accessOf("late@net", attribute(79, "\x02\x07\x00\x05\x01")),
			reply: &awayReply{code: 2, attrs: attribute(79, "\x03\x07\x00\x04")},
			want:  "Access-Reject\nEAP-Message = 0x04070004", sent: "User-Name = \"late\"\nEAP-Message = 0x0207000501",
		},
		{
			name: "empty password", realms: "net 127.0.0.1:%d SECRET", request: accessOf("eve@net", hidden(homeSecret, "")),
			reply: &awayReply{code: 3}, want: "Access-Reject", sent: "User-Name = \"eve\"\nUser-Password = \"\"",
		},
		{
			name: "Operator-Name", realms: "net 127.0.0.1:%d operator-name=1our.example SECRET", request: accessOf("eve@net", pap),
			reply: &awayReply{code: 2}, want: "Access-Accept", sent: "User-Name = \"eve\"\nUser-Password = \"hello\"\nOperator-Name = \"1our.example\"",
		},
		{
			name: "cascade", realms: "net 127.0.0.1:%d SECRET\norg LOCAL", request: accessOf("eve@org@net", pap),
			reply: &awayReply{code: 2}, want: "Access-Accept", sent: "User-Name = \"eve@org\"\nUser-Password = \"hello\"",
		},
		{
			name: "NOREALM", realms: "NOREALM 127.0.0.1:%d noauth SECRET\nDEFAULT LOCAL", request: accessOf("eve", pap),
			reply: &awayReply{code: 2}, want: "Access-Accept", sent: "User-Name = \"eve\"\nUser-Password = \"hello\"",
		},
		{name: "no NOREALM", realms: "DEFAULT 127.0.0.1:%d SECRET", request: accessOf("eve", pap), want: "Access-Reject"},
		{name: "accounting alone", realms: "net 127.0.0.1:%d acct SECRET", request: accessOf("eve@net", pap), want: "Access-Reject"},
		{name: "no authentication", realms: "net 127.0.0.1:%d noauth SECRET", request: accessOf("eve@net", pap), want: "Access-Reject"},
		{name: "an @ at the end", realms: "DEFAULT 127.0.0.1:%d SECRET", request: accessOf("eve@", pap), want: "Access-Reject"},
		{name: "two dots", realms: "DEFAULT 127.0.0.1:%d SECRET", request: accessOf("eve@a..b", pap), want: "Access-Reject"},
		{name: "a dot at the end", realms: "DEFAULT 127.0.0.1:%d SECRET", request: accessOf("eve@a.b.", pap), want: "Access-Reject"},
		{name: "a space", realms: "DEFAULT 127.0.0.1:%d SECRET", request: accessOf("eve@a b", pap), want: "Access-Reject"},
		{
			name: "case does not count", realms: "net 127.0.0.1:%d ignorecase SECRET", request: accessOf("eve@Net", pap),
			reply: &awayReply{code: 2}, want: "Access-Accept", sent: "User-Name = \"eve\"\nUser-Password = \"hello\"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := startAway(t, always(c.reply))
			g := load(t, usersFile, nil)
			g.Realms = realmsOf(t, c.realms+"\n", h)
			f := startForwarding(t, g, CoreOptions{})
			got := f.ask(t, f.auth, c.request, soon)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("reply (-want +got)\n%s", d)
			}
			if c.sent == "" {
				if n := len(h.came); n > 0 {
					t.Errorf("%d requests went to the home server", n)
				}
				return
			}
			q := h.next(t)
			if d := cmp.Diff(c.sent, strings.Join(q.lines(t, g), "\n")); d != "" {
				t.Errorf("sent on (-want +got)\n%s", d)
			}
			if q.Authenticator == radius.Authenticator(c.request[4:20]) {
				t.Error("the client's authenticator was sent on")
			}
		})
	}
}
