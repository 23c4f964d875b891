package server

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/radius"
)

// A Decision is what became of one request or packet, without secrets.
type Decision struct {
	Time    time.Time     `json:"time"`
	ID      uint64        `json:"id,omitempty"` // log_id; 0: the packet never became a request
	Code    string        `json:"code"`
	Client  string        `json:"client,omitempty"`
	Source  string        `json:"source"`
	User    string        `json:"user,omitempty"` // as received, shortened to 64 octets
	Calling string        `json:"calling,omitempty"`
	Realm   string        `json:"realm,omitempty"` // as the realms file names it, of a request that was sent on
	Home    string        `json:"home,omitempty"`  // that was asked last; "": none was
	Method  string        `json:"method,omitempty"`
	Verdict string        `json:"verdict"`
	Reason  string        `json:"reason,omitempty"`
	Rule    string        `json:"rule,omitempty"`
	Hook    string        `json:"hook,omitempty"`
	Took    time.Duration `json:"-"` // not known for stored ones
}

// String gives the decision on one line.
func (d Decision) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", d.Time.Format("15:04:05.000"), d.Code, d.Verdict)
	for _, f := range [...]struct{ name, value string }{
		{"reason", d.Reason}, {"user", d.User}, {"calling", d.Calling}, {"client", d.Client},
		{"source", d.Source}, {"realm", d.Realm}, {"home", d.Home}, {"method", d.Method}, {"rule", d.Rule}, {"hook", d.Hook},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, " %s=%s", f.name, oneWord(f.value))
		}
	}
	return b.String()
}

// oneWord quotes what would not be one word.
func oneWord(text string) string {
	for _, c := range text {
		if c <= ' ' || c == '"' || c == '=' || c >= 0x7f && c < 0xa0 || c == 0xfffd {
			return fmt.Sprintf("%q", text)
		}
	}
	return text
}

// recent is the bounded memory behind `explain --last`. Requests of different desks write to different
// rings, so that the lock of each is hardly ever contended; packets that never became requests have a ring
// of their own, or strangers could push the others out.
type recent struct {
	rings    [recentRings]ring
	next     atomic.Uint32
	discards ring
}

const (
	recentRings   = 8
	recentDefault = 4096
	keptUser      = 64
	keptCalling   = 32
)

type ring struct {
	mu   sync.Mutex // protects all below
	kept []kept
	at   int
}

// kept is a Decision in a form that costs no memory when it is written.
type kept struct {
	time    time.Time
	serial  uint64
	code    radius.Code
	verdict Kind
	client  string
	realm   string
	home    string
	source  netip.AddrPort
	user    [keptUser]byte
	calling [keptCalling]byte
	users   uint8
	calls   uint8
	method  string
	reason  string
	file    string
	line    int
	hook    string
}

func newRecent(size int) *recent {
	if size <= 0 {
		size = recentDefault
	}
	rc := &recent{}
	for i := range rc.rings {
		rc.rings[i].kept = make([]kept, max(1, size/recentRings))
	}
	rc.discards.kept = make([]kept, max(1, size/recentRings))
	return rc
}

// slot gives the oldest entry to be written over; the ring's lock must be held.
func (g *ring) slot() *kept {
	k := &g.kept[g.at]
	if g.at++; g.at == len(g.kept) {
		g.at = 0
	}
	return k
}

// add remembers a finished request.
func (rc *recent) add(r *Request) {
	if r.way.ring == nil {
		r.way.ring = &rc.rings[rc.next.Add(1)%recentRings]
	}
	g := r.way.ring
	g.mu.Lock()
	g.slot().fill(r)
	g.mu.Unlock()
}

func (k *kept) fill(r *Request) {
	k.time, k.serial, k.code, k.verdict = r.Arrival, r.Serial, r.Packet.Code, r.Verdict
	k.client, k.source = r.Client.Name, r.Source
	k.method, k.reason, k.hook = r.Method, r.Reason, r.Hook
	k.realm, k.home = "", ""
	if p := r.Proxied; p != nil {
		k.realm, k.home = p.Realm, p.Server
	}
	k.file, k.line = "", 0
	if rules := r.way.query.Rules; len(rules) > 0 {
		k.file, k.line = rules[len(rules)-1].File, rules[len(rules)-1].Line
	}
	k.users = uint8(copy(k.user[:], r.ReceivedUser))
	k.calls = uint8(copy(k.calling[:], r.seen.calling))
}

const typeCallingStationID radius.Type = 31

// refused remembers a packet that never became a request.
func (rc *recent) refused(k *kept) {
	rc.discards.mu.Lock()
	*rc.discards.slot() = *k
	rc.discards.mu.Unlock()
}

// refused is a packet that never became a request. Its contents are as far as they can be read.
func (r *Request) refused(why Reason, datagram []byte) kept {
	k := kept{time: r.Arrival, verdict: Discard, source: r.Source, reason: why.String()}
	if r.Client != nil {
		k.client = r.Client.Name
	}
	if len(datagram) > 0 {
		k.code = radius.Code(datagram[0])
	}
	if packet, err := radius.Parse(datagram); err == nil {
		name, _ := packet.Attributes.Find(radius.TypeUserName)
		k.users = uint8(copy(k.user[:], name))
		calling, _ := packet.Attributes.Find(typeCallingStationID)
		k.calls = uint8(copy(k.calling[:], calling))
	}
	return k
}

func (k *kept) decision() Decision {
	d := Decision{
		Time: k.time, ID: k.serial, Code: k.code.String(), Client: k.client, Source: k.source.String(), Realm: k.realm, Home: k.home,
		User: strings.ToValidUTF8(string(k.user[:k.users]), "\ufffd"), Method: k.method,
		Calling: strings.ToValidUTF8(string(k.calling[:k.calls]), "\ufffd"),
		Verdict: k.verdict.String(), Reason: k.reason, Hook: k.hook,
	}
	if k.file != "" {
		d.Rule = fmt.Sprintf("%s:%d", k.file, k.line)
	}
	return d
}

func (r *Request) decision() Decision {
	var k kept
	k.fill(r)
	return k.decision()
}

// Recent gives the last decisions about a user or a calling station, newest first, n at most. Case does not
// count, nor do the separators of a MAC. "" gives all.
func (c *Core) Recent(who string, n int) []Decision {
	var found []Decision
	for i := range c.recent.rings {
		found = c.recent.rings[i].collect(who, found)
	}
	found = c.recent.discards.collect(who, found)
	slices.SortStableFunc(found, func(a, b Decision) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.ID, a.ID)) })
	return found[:min(n, len(found))]
}

func (g *ring) collect(who string, found []Decision) []Decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.kept {
		k := &g.kept[i]
		if k.verdict == 0 {
			continue
		}
		user, calling := string(k.user[:k.users]), string(k.calling[:k.calls])
		if who == "" || strings.EqualFold(who, user) || calling != "" && bareMAC(who) == bareMAC(calling) {
			found = append(found, k.decision())
		}
	}
	return found
}

// Erase removes one person from the memory of last decisions, and gives the number removed.
func (c *Core) Erase(user string) (n int) {
	erase := func(g *ring) {
		g.mu.Lock()
		defer g.mu.Unlock()
		for i := range g.kept {
			if k := &g.kept[i]; k.verdict != 0 && strings.EqualFold(user, string(k.user[:k.users])) {
				*k = kept{}
				n++
			}
		}
	}
	for i := range c.recent.rings {
		erase(&c.recent.rings[i])
	}
	erase(&c.recent.discards)
	return n
}

// bareMAC takes separators off, so that all ways to write a MAC are equal.
func bareMAC(text string) string {
	return strings.ToLower(strings.Map(func(c rune) rune {
		if c == ':' || c == '-' || c == '.' {
			return -1
		}
		return c
	}, text))
}
