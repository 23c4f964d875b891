package server

import (
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// An unanswered is the mark of a request whose answer is still to come: it is detached, with a recorder, or
// a reject on its delay. Retransmissions of it are discarded (RFC 5080 s2.2.2).
type unanswered struct {
	role          *role
	key           key
	hash          uint64
	authenticator radius.Authenticator
	twin          *twin       // of the extended comparison, nil if the request is not compared
	dead          atomic.Bool // a newer request has its key: the answer is thrown away
	serial        uint64
	forwarded     atomic.Pointer[proxy.Exchange] // with a home server, where the client alone repeats; see repeat

	response
	due      time.Time // of a reject on its delay
	answered time.Time
	oob      [128]byte
}

// send sends the reply, if there is one and still somebody to want it, and reports to the role. It runs on
// any goroutine; the mark is the role's afterwards.
func (u *unanswered) send() {
	u.answered = time.Now()
	if len(u.reply) > 0 && !u.dead.Load() {
		if err := sendTo(u.role.conn, u.reply, u.source, u.local, u.oob[:0]); err != nil {
			u.role.late.failed(1)
		}
	}
	u.repetitions()
	u.role.finished.post(u)
}

// waiting is the set of unanswered requests of one role. It belongs to the role's holder. The filter spares
// most look-ups: it counts the keys at each place.
type waiting struct {
	byKey  map[key]*unanswered
	filter [1024]uint16
	free   []*unanswered
}

func (w *waiting) slot(hash uint64) *uint16 { return &w.filter[hash%uint64(len(w.filter))] }

// repeats reports whether the same request is at work. One of the same key and another authenticator loses
// against the new one.
func (w *waiting) repeats(hash uint64, k *key, auth *radius.Authenticator) bool {
	if *w.slot(hash) == 0 {
		return false
	}
	u := w.byKey[*k]
	if u == nil {
		return false
	}
	if u.authenticator == *auth {
		u.repeat()
		return true
	}
	u.dead.Store(true)
	w.remove(u)
	return false
}

// repeat lets a home server hear that the client has asked again, if nobody else asks it again. The desk may be at
// another request by now: that one has another serial.
func (u *unanswered) repeat() {
	if x := u.forwarded.Load(); x != nil {
		u.role.server.steps.repeat(x, u.serial)
	}
}

// file marks a request as at work.
func (w *waiting) file(ro *role, r *Request, s *slot) *unanswered {
	u := w.take()
	u.role, u.key, u.hash, u.authenticator = ro, s.key, s.hash, r.Packet.Authenticator
	u.source, u.local, u.twin = s.source, s.local, r.way.twin
	u.serial = r.Serial
	u.forwarded.Store(nil)
	u.reply = u.reply[:0]
	u.dead.Store(false)
	if w.byKey == nil {
		w.byKey = make(map[key]*unanswered)
	}
	w.byKey[u.key] = u
	*w.slot(u.hash)++
	return u
}

func (w *waiting) take() *unanswered {
	if n := len(w.free); n > 0 {
		u := w.free[n-1]
		w.free = w.free[:n-1]
		return u
	}
	return new(unanswered)
}

func (w *waiting) remove(u *unanswered) {
	delete(w.byKey, u.key)
	*w.slot(u.hash)--
}

// maxFreeMarks bounds what is kept after a burst.
const maxFreeMarks = 256

// collect takes the answers that went out since the last batch into the duplicate cache. That happens
// before any look-up, so that a retransmission never meets a stale state.
func (ro *role) collect() {
	if ro.finished.n.Load() == 0 {
		return
	}
	done := ro.finished.take()
	for i, u := range done {
		if ro.waiting.byKey[u.key] == u {
			ro.waiting.remove(u)
			if len(u.reply) > 0 {
				ro.cache.store(u.hash, &u.key, &u.authenticator, u.reply, u.answered)
			}
		}
		u.twin = nil
		if len(ro.waiting.free) < maxFreeMarks {
			ro.waiting.free = append(ro.waiting.free, u)
		}
		done[i] = nil
	}
	ro.finished.spare = done[:0]
}

// finished is the list of marks whose requests are over. Anybody posts; the role's holder takes.
type finished struct {
	mu    sync.Mutex
	n     atomic.Int32 // len(list), to be read without the lock
	list  []*unanswered
	spare []*unanswered // the list of the last time; the holder's
}

func (f *finished) post(us ...*unanswered) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, us...)
	f.n.Store(int32(len(f.list)))
}

func (f *finished) take() []*unanswered {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.list
	f.list = f.spare
	f.n.Store(0)
	return list
}
