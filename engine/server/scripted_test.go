package server

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"net/netip"
	"perilune/engine/acct"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// monday is when the tests happen: Monday 2024-01-01 12:00.
var monday = time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)

const testDictionary = `
ATTRIBUTE Framed-IP-Netmask      9 ipaddr
ATTRIBUTE Filter-Id             11 string
ATTRIBUTE Framed-MTU            12 integer - []=
ATTRIBUTE Framed-Compression    13 integer
ATTRIBUTE Callback-Number       19 string
ATTRIBUTE Callback-Id           20 string
ATTRIBUTE Framed-Route          22 string
ATTRIBUTE NAS-Port-Type         61 integer
ATTRIBUTE Operator-Name        126 string
ATTRIBUTE Port-Limit            62 integer
ATTRIBUTE Acct-Multi-Session-Id 50 string
ATTRIBUTE Acct-Link-Count       51 integer
ATTRIBUTE Acct-Output-Gigawords 53 integer
ATTRIBUTE Acct-Interim-Interval 85 integer
ATTRIBUTE Tunnel-Password       69 string has_tag,encrypt=2
VALUE Service-Type Framed-User     2
VALUE Service-Type Authorize-Only 17
VALUE Auth-Type otp 700
VALUE Auth-Type lost 701
VENDOR Microsoft 311
BEGIN-VENDOR Microsoft
ATTRIBUTE MS-CHAP-Response   1 octets
ATTRIBUTE MS-CHAP-Error      2 string
ATTRIBUTE MS-MPPE-Encryption-Policy 7 integer
ATTRIBUTE MS-MPPE-Encryption-Types  8 integer
ATTRIBUTE MS-CHAP-Challenge 11 octets
ATTRIBUTE MS-CHAP-MPPE-Keys 12 octets[24] encrypt=1
ATTRIBUTE MS-MPPE-Send-Key  16 octets encrypt=2
ATTRIBUTE MS-MPPE-Recv-Key  17 octets encrypt=2
ATTRIBUTE MS-CHAP2-Response 25 octets
ATTRIBUTE MS-CHAP2-Success  26 octets
END-VENDOR Microsoft
VENDOR Cisco 9
BEGIN-VENDOR Cisco
ATTRIBUTE Cisco-AVPair 1 string
END-VENDOR Cisco
`

const testClients = `
127.0.0.1   "the-first-secret"  home
10.0.0.0/8  "the-second-secret" campus
198.51.100.0/24 "the-third-secret"
`

// scripted is a Policy whose handlers are Go functions. It is its own Runner.
type scripted struct {
	on         map[Phase]func(*Request) *Verdict
	huntgroups map[string]func(*Request) (users.Truth, *Verdict)
	rewrites   map[string]func(*Request) *Verdict
	values     map[string]func(*Request) (string, *Verdict)
	authTypes  map[uint32]func(*Request) *Verdict
	answers    map[string]func(*Request) *Verdict
	session    func(*Request, *acct.Session) Alive

	names                    []string   // by ref
	mu                       sync.Mutex // of what follows
	acquired, released, ends int
	ran                      []string
}

func (s *scripted) Has(p Phase) bool                          { return s.on[p] != nil }
func (s *scripted) Acquire() Runner                           { s.count(&s.acquired); return s }
func (s *scripted) Release(Runner)                            { s.count(&s.released) }
func (s *scripted) Close()                                    {}
func (s *scripted) Session(r *Request, o *acct.Session) Alive { return s.session(r, o) }

func (s *scripted) Park(*Request) bool { return false }

func (s *scripted) End(*Request) { s.count(&s.ends) }

func (s *scripted) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

func (s *scripted) Run(p Phase, r *Request) *Verdict {
	s.mu.Lock()
	s.ran = append(s.ran, p.String())
	s.mu.Unlock()
	return s.on[p](r)
}

func (s *scripted) Huntgroup(ref int, r *Request) (users.Truth, *Verdict) {
	return s.huntgroups[s.names[ref]](r)
}

func (s *scripted) Rewrite(ref int, r *Request) *Verdict { return s.rewrites[s.names[ref]](r) }

func (s *scripted) Evaluate(ref int, r *Request, p *Pair) ([]byte, bool, *Verdict) {
	text, v := s.values[s.names[ref]](r)
	value, err := p.Attr.ParseText(nil, text)
	return value, err == nil && text != "", v
}

func (s *scripted) AuthType(value uint32, r *Request) (*Verdict, bool) {
	f := s.authTypes[value]
	if f == nil {
		return nil, false
	}
	return f(r), true
}

func (s *scripted) Answer(r *Request) (*Verdict, bool) {
	f := s.answers[r.Round.Next]
	if f == nil {
		return nil, false
	}
	return f(r), true
}

// Names of users.Options: every name is known.
func (s *scripted) ref(name string) (int, bool) {
	s.names = append(s.names, name)
	return len(s.names) - 1, true
}

type scriptedNames struct{ s *scripted }

func (n scriptedNames) Huntgroup(name string) (int, bool) { return n.s.ref(name) }
func (n scriptedNames) Rewrite(name string) (int, bool)   { return n.s.ref(name) }
func (n scriptedNames) All(string) iter.Seq[string]       { return slices.Values([]string{}) }

func (n scriptedNames) Expression(source string, _ raddb.Pos) (int, error) {
	ref, _ := n.s.ref(strings.TrimPrefix(source, "="))
	return ref, nil
}

// load makes a generation of a users file; p may be nil.
func load(t testing.TB, usersFile string, p *scripted) *Generation {
	t.Helper()
	tree := raddb.OpenFS(fstest.MapFS{
		"dictionary": {Data: []byte(testDictionary)},
		"users":      {Data: []byte(usersFile)},
		"clients":    {Data: []byte(testClients)},
	})
	var errs raddb.List
	g := &Generation{Dictionary: dictionary.Load(tree, "dictionary", &errs)}
	g.Dictionary.Freeze()
	g.Clients = nas.Load(tree, "clients", &errs)
	o := users.Options{Dictionary: g.Dictionary, Location: time.UTC}
	o.Names = scriptedNames{&scripted{}}
	if p != nil {
		g.Policy, o.Names = p, scriptedNames{p}
	}
	g.Users = users.Load(tree, "users", o, &errs)
	g.Settings.Location = time.UTC
	if errs.Failed() {
		t.Fatal(errs.Err())
	}
	t.Cleanup(func() { g.Users.Close(nil) })
	return g
}

// attrs makes a list of Name = value lines.
func attrs(t testing.TB, g *Generation, lines ...string) dictionary.List {
	t.Helper()
	var l dictionary.List
	for _, line := range lines {
		name, text, ok := strings.Cut(line, " = ")
		ref, err := g.Dictionary.Resolve(name)
		if err != nil || !ok {
			t.Fatalf("%q: %v", line, err)
		}
		value, err := ref.Attr.ParseText(nil, text)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		l.Add(ref, value)
	}
	return l
}

// texts gives a list as lines, secrets included.
func texts(l *dictionary.List) []string {
	var lines []string
	for i := range l.Pairs {
		lines = append(lines, string(l.Pairs[i].AppendText(nil, false)))
	}
	return lines
}

// logged is a log that tests read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logged) WithGroup(string) slog.Handler            { return l }
func (l *logged) Handle(_ context.Context, rec slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.WriteString(rec.Message)
	rec.Attrs(func(a slog.Attr) bool { l.b.WriteString(" " + a.String()); return true })
	l.b.WriteByte('\n')
	return nil
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// core makes a Core whose clock stands on monday.
func core(t testing.TB, o CoreOptions) *Core {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return monday }
	}
	c, err := NewCore(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// ask runs one question on a generation of a users file, and fails the test if that cannot be done.
func ask(t testing.TB, o *Offline, g *Generation, q Question) *Outcome {
	t.Helper()
	out, err := o.Run(g, &q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func offline() *Offline { return NewOffline(func() time.Time { return monday }) }

// login asks with User-Name and User-Password.
func login(t testing.TB, g *Generation, user, password string) *Outcome {
	t.Helper()
	return ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = "+user, "User-Password = "+password)})
}

// home is the client of testClients at 127.0.0.1.
func home(g *Generation) *nas.Client { return g.Clients.Lookup(netip.MustParseAddr("127.0.0.1")) }

// wire makes the datagram of a question as client home sends it.
func wire(t testing.TB, g *Generation, secret string, q Question) []byte {
	t.Helper()
	var s radius.Session
	s.Use(radius.NewSecret(secret))
	code := q.Code
	if code == 0 {
		code = radius.CodeAccessRequest
	}
	b, err := q.packet(code, 7, g, &s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const homeSecret = "the-first-secret"

// incoming makes a Request as a listener does.
func incoming(g *Generation, listener string) *Request {
	r := new(Request)
	ready(r, g, listener)
	return r
}

func ready(r *Request, g *Generation, listener string) {
	r.reset()
	r.Generation, r.Listener, r.Transport, r.Arrival = g, listener, "udp", monday
	r.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 40000)
}

func newLog(l *logged) *slog.Logger { return slog.New(l) }
