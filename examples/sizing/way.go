package main

import (
	"cmp"
	"slices"
	"time"
)

// open sends a new request.
func (r *cell) open(now int64, nas int32, kind uint8, began int64) {
	id := int32(len(r.requests))
	if n := len(r.unused); n > 0 {
		id, r.unused = r.unused[n-1], r.unused[:n-1]
	} else {
		r.requests = append(r.requests, request{})
	}
	r.requests[id] = request{nas: nas, kind: kind, began: began}
	r.nases[nas].out[kind]++
	r.send(now, id)
}

// send sends a packet of a request. What the server has taken before, it answers from its memory of answers.
func (r *cell) send(now int64, id int32) {
	q := &r.requests[id]
	work := r.work[q.kind]
	if q.done != 0 {
		work = r.again
	}
	if q.tries++; q.tries > 1 {
		r.result.repeated++
	}
	half := int64(r.w.rtt) / 2
	if done, ok := r.loopOf(now, &r.nases[q.nas]).Offer(now+half, work); ok && q.done == 0 {
		if q.kind == access && r.place > 0 {
			done = r.askPlace(done)
		}
		q.done = done + half
	}
	if limit := now + int64(r.w.timeout); q.done != 0 && q.done <= limit {
		r.queue.push(event{max(now, q.done), answered, id})
	} else {
		r.queue.push(event{limit, timedOut, id})
	}
}

// askPlace gives when the database has counted a login's sessions. A node waits for a second at most, and does not ask
// for another one after it has waited in vain.
func (r *cell) askPlace(now int64) int64 {
	const wait = int64(time.Second)
	begin := max(now, r.free)
	switch {
	case now < r.pause:
		r.result.unasked++
		return now
	case begin+r.place > now+wait:
		r.result.unasked++
		r.pause = now + 2*wait
		return now + wait
	}
	r.free = begin + r.place
	return r.free
}

// loopOf gives where the balancer sends a NAS to.
func (r *cell) loopOf(now int64, n *nas) *loop {
	node := n.node
	if node == 0 && r.gone < now-int64(r.w.noticed) {
		node = n.spare
	}
	return &r.loops[node][n.loop]
}

func (r *cell) timeout(now int64, id int32) {
	q := &r.requests[id]
	if int(q.tries) < r.w.tries {
		r.send(now, id)
		return
	}
	if q.kind == access {
		r.result.gaveUp++
		n := &r.nases[q.nas]
		// Failures of a NAS come in the order of time, but chance moves when they come again.
		back := now + int64(r.w.redial) + r.chance.Int64N(int64(r.w.redial))
		i, _ := slices.BinarySearchFunc(n.again, back, func(a retry, at int64) int { return cmp.Compare(a.at, at) })
		n.again = slices.Insert(n.again, i, retry{back, q.began})
	} else {
		r.result.recordsLost++
	}
	r.close(now, id)
}

func (r *cell) finish(now int64, id int32) {
	q := &r.requests[id]
	o := &r.result
	o.last = now
	if q.kind == access {
		o.logins++
		o.worst = max(o.worst, now-q.began)
		count(&o.took, (now-q.began)/step)
		r.nases[q.nas].records++
	} else {
		o.records++
		count(&o.starts, now/1e9)
	}
	r.close(now, id)
}

func count(list *[]int, at int64) {
	for int64(len(*list)) <= at {
		*list = append(*list, 0)
	}
	(*list)[at]++
}

// close ends a request, and lets the next ones of its NAS out.
func (r *cell) close(now int64, id int32) {
	nas, kind := r.requests[id].nas, r.requests[id].kind
	r.nases[nas].out[kind]--
	r.unused = append(r.unused, id) // the next line may use it
	r.account(now, nas)
	if kind == access {
		r.dial(now, nas)
	}
}

// within gives the time within which a share of the logins was through, to a step.
func (o *outcome) within(share float64) int64 {
	rest := int(float64(o.logins) * share)
	for i, n := range o.took {
		if rest -= n; rest <= 0 {
			return int64(i+1) * step
		}
	}
	return o.worst
}

// dropped gives how many packets had no room, and how many went to a dead node.
func (r *cell) dropped() (full, dead int) {
	for _, node := range r.loops {
		for _, l := range node {
			full, dead = full+l.dropped, dead+l.lost
		}
	}
	return full, dead
}
