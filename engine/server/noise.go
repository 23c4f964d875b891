package server

import (
	"cmp"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"perilune/engine/radius"
)

// maxNoisy bounds the clients that noise remembers; of those beyond, the total alone is counted.
const maxNoisy = 256

// noise counts by client the passwords that no person types: the mark of a wrong shared secret.
type noise struct {
	mu       sync.Mutex // protects all below
	total    uint64
	byClient map[string]*Noisy
}

// Noisy is a client whose shared secret is probably wrong.
type Noisy struct {
	Client    string    `json:"client"`
	Passwords uint64    `json:"passwords"` // since the start
	Last      time.Time `json:"last"`
}

func newNoise() *noise { return &noise{byClient: map[string]*Noisy{}} }

func (n *noise) add(client string, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total++
	c := n.byClient[client]
	if c == nil {
		if len(n.byClient) >= maxNoisy {
			return
		}
		c = &Noisy{Client: client}
		n.byClient[client] = c
	}
	c.Passwords++
	c.Last = at
}

// Noisy gives how many passwords were noise since the start, and the clients that sent them, the worst first; 256
// at most.
func (c *Core) Noisy() (total uint64, clients []Noisy) {
	c.noise.mu.Lock()
	defer c.noise.mu.Unlock()
	for _, n := range c.noise.byClient {
		clients = append(clients, *n)
	}
	slices.SortFunc(clients, func(a, b Noisy) int {
		return cmp.Or(cmp.Compare(b.Passwords, a.Passwords), cmp.Compare(a.Client, b.Client))
	})
	return c.noise.total, clients
}

// tellNoise logs the most frequent mistake of all: a wrong shared secret turns passwords into noise. A packet
// whose Message-Authenticator was right has the right secret.
func (c *Core) tellNoise(r *Request) {
	if r.Verdict != Reject || r.way.verified {
		return
	}
	switch r.Cause {
	case ReasonPassword, ReasonUnknownUser, ReasonNoPassword, ReasonThrottled:
	default:
		return
	}
	given, ok := r.Attributes.First(r.Generation.Dictionary.Known.UserPassword)
	if ok && r.Packet.Code == radius.CodeAccessRequest && isNoise(given) {
		c.noise.add(r.Client.Name, r.Arrival)
		c.warn(r, "Unprintable password: the shared secret is probably wrong")
	}
}

// isNoise tells what nobody types: control characters, or whole blocks that are not UTF-8. Text in an older
// character set ends where its person stopped typing.
func isNoise(text []byte) bool {
	return controlOctets(text) || !utf8.Valid(text) && len(text)%16 == 0
}
