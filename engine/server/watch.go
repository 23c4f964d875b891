package server

import (
	"strings"
	"sync"
	"sync/atomic"
)

// A Filter chooses live requests to watch. Empty fields fit all; all that are set must fit.
type Filter struct {
	User      string // User-Name as received or as it stands at the end; ASCII case does not count
	Client    string // the client's name
	Attribute string // name of an attribute of the request
	Value     string // its value as text; "" for any
}

// A Traced is one request that was watched.
type Traced struct {
	Decision
	Steps []TraceStep `json:"steps"`
	Reply []string    `json:"reply,omitempty"`
}

// String gives decision, steps and reply on one screen.
func (t *Traced) String() string {
	var b strings.Builder
	b.WriteString(t.Decision.String() + "\n")
	for _, s := range t.Steps {
		b.WriteString("  " + s.Text + "\n")
		for _, c := range s.Changes {
			b.WriteString("      " + c + "\n")
		}
	}
	for _, line := range t.Reply {
		b.WriteString("  reply " + line + "\n")
	}
	return b.String()
}

// watches are those who look at live requests. While there is none a request pays one atomic load.
type watches struct {
	count atomic.Int32
	mu    sync.Mutex // protects list
	list  []*watch
}

type watch struct {
	filter Filter
	out    chan Traced
}

const (
	watchQueue = 64 // traces kept for a slow reader; more are lost for it
	watchLimit = 16
)

// Watch sends a trace of each request that fits, from now until stop is called. A reader that is too slow
// loses traces, never delays a request. ok is false if too many look already.
func (c *Core) Watch(f Filter) (traces <-chan Traced, stop func(), ok bool) {
	w := &watch{f, make(chan Traced, watchQueue)}
	ws := &c.watches
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if len(ws.list) >= watchLimit {
		return nil, func() {}, false
	}
	ws.list = append(ws.list, w)
	ws.count.Add(1)
	return w.out, func() { ws.remove(w) }, true
}

func (ws *watches) remove(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for i, other := range ws.list {
		if other == w {
			ws.list = append(ws.list[:i:i], ws.list[i+1:]...)
			ws.count.Add(-1)
			close(w.out)
			return
		}
	}
}

// look gives the request a Trace if somebody might want it.
func (c *Core) look(r *Request) {
	if c.watches.count.Load() > 0 && r.Trace == nil && c.watches.want(r.Client.Name) {
		r.Trace = new(Trace)
	}
}

// want reports whether somebody looks at a client. Users and attributes are compared at the end: handlers
// may change them.
func (ws *watches) want(client string) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.list {
		if w.filter.Client == "" || w.filter.Client == client {
			return true
		}
	}
	return false
}

// show sends the trace of a finished request to those whom it fits.
func (c *Core) show(r *Request) {
	if c.watches.count.Load() == 0 {
		return
	}
	ws := &c.watches
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.list {
		if !w.filter.fits(r) {
			continue
		}
		select {
		case w.out <- r.traced():
		default:
		}
	}
}

// showRefused sends what is known of a packet that never became a request to those who look for its user,
// its client or everything.
func (c *Core) showRefused(k *kept) {
	if c.watches.count.Load() == 0 {
		return
	}
	ws := &c.watches
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.list {
		f := &w.filter
		if f.Attribute != "" || f.Client != "" && f.Client != k.client ||
			f.User != "" && !strings.EqualFold(f.User, string(k.user[:k.users])) {
			continue
		}
		select {
		case w.out <- Traced{Decision: k.decision()}:
		default:
		}
	}
}

func (r *Request) traced() Traced {
	t := Traced{Decision: r.decision(), Steps: r.Trace.Steps()}
	if r.answers() {
		t.Reply = redactedTexts(&r.Reply)
	}
	return t
}

func (f *Filter) fits(r *Request) bool {
	if f.Client != "" && f.Client != r.Client.Name {
		return false
	}
	if f.User != "" && !strings.EqualFold(f.User, string(r.ReceivedUser)) && !strings.EqualFold(f.User, string(r.User())) {
		return false
	}
	if f.Attribute == "" {
		return true
	}
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		if strings.EqualFold(p.Attr.Name, f.Attribute) &&
			(f.Value == "" || !p.Attr.Secret && f.Value == string(p.Attr.AppendText(nil, p.Value))) {
			return true
		}
	}
	return false
}
