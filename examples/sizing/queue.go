package main

// Times are nanoseconds since the begin of a run.

// A loop is one packet loop of a node: a socket whose buffer holds so many packets, and one processor that takes them in
// their order. Offer must be called in the order of time.
type loop struct {
	room     int
	deadFrom int64   // from then on everything is lost
	free     int64   // when the processor has done what it was offered
	begins   []int64 // when packets that may still be in the buffer begin to be worked on, a ring
	first    int
	waiting  int

	offered, dropped, lost int
	work, waited, longest  int64 // sums, and the longest wait of a packet
}

// Offer puts a packet of so much work into the buffer and gives when it is done; false if there is no room, or no node.
func (l *loop) Offer(now, work int64) (done int64, ok bool) {
	l.offered++
	begin := max(now, l.free)
	if begin+work > l.deadFrom {
		l.lost++
		return 0, false
	}
	for l.waiting > 0 && l.begins[l.first] <= now {
		l.first, l.waiting = (l.first+1)%len(l.begins), l.waiting-1
	}
	if l.waiting >= l.room {
		l.dropped++
		return 0, false
	}
	if l.begins == nil {
		l.begins = make([]int64, l.room)
	}
	l.begins[(l.first+l.waiting)%len(l.begins)] = begin
	l.waiting++
	l.free = begin + work
	l.work += work
	l.waited += begin - now
	l.longest = max(l.longest, begin-now)
	return l.free, true
}

// An event is something that happens to a NAS or to one of its requests.
type event struct {
	at   int64
	kind uint8
	id   int32 // of the NAS or the request
}

// events is a heap: the earliest comes first, and of two at once the one of the lower kind and id.
type events []event

func (e event) before(o event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	if e.kind != o.kind {
		return e.kind < o.kind
	}
	return e.id < o.id
}

func (q *events) push(e event) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 && e.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = e
	*q = h
}

func (q *events) pop() event {
	h := *q
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for len(h) > 0 {
		c := 2*i + 1
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if c >= len(h) || !h[c].before(last) {
			h[i] = last
			break
		}
		h[i] = h[c]
		i = c
	}
	*q = h
	return top
}
