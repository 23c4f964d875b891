package proxy

import "sync/atomic"

// conversations remembers the States that a home server sent with its challenges: who answers one must meet
// the same server, also after a reload, a change of weights, or another server's revival. The table is bounded
// and forgets the older ones; a place is one word, so that no lock is needed.
type conversations struct {
	next  atomic.Uint32
	rooms [conversationRooms][conversationDepth]atomic.Uint64 // hashes of State; a room is one cache line
}

const (
	conversationRooms = 1024 // 8,192 conversations for each home server, 64 KiB, made with the first
	conversationDepth = 8
)

func (c *conversations) room(hash uint64) *[conversationDepth]atomic.Uint64 {
	return &c.rooms[(hash>>32)%conversationRooms]
}

func (c *conversations) has(hash uint64) bool {
	if c == nil {
		return false
	}
	for i := range c.room(hash) {
		if c.room(hash)[i].Load() == hash {
			return true
		}
	}
	return false
}

// add remembers a State; in a full room it takes the place of some other.
func (c *conversations) add(hash uint64) {
	room := c.room(hash)
	for i := range room {
		if room[i].CompareAndSwap(0, hash) {
			return
		}
	}
	room[c.next.Add(1)%conversationDepth].Store(hash)
}

func (c *conversations) remove(hash uint64) {
	if c == nil {
		return
	}
	room := c.room(hash)
	for i := range room {
		if room[i].CompareAndSwap(hash, 0) {
			return
		}
	}
}

// converse follows a conversation: a challenge goes on with a new State, any other answer ends it.
func (h *home) converse(was, is uint64) {
	if was != 0 {
		h.talks.Load().remove(was)
	}
	if is == 0 {
		return
	}
	if h.talks.Load() == nil {
		h.talks.CompareAndSwap(nil, new(conversations))
	}
	h.talks.Load().add(is)
}
