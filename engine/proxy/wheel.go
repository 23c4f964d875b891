package proxy

import "time"

const (
	tick       = 10 * time.Millisecond // how fine timers are
	wheelSlots = 512                   // with tick, about five seconds; later timers stay for another turn
)

// A wheel holds the timers of one home server: lists of exchanges by the tick when they are due. Adding and
// removing cost the same with ten requests and with ten thousand. The home's mutex protects it.
type wheel struct {
	turned int64 // the last tick that was looked at
	slots  [wheelSlots]*Exchange
}

func tickOf(at int64) int64 { return at / int64(tick) }

// add takes an exchange whose due is set.
func (w *wheel) add(x *Exchange) {
	// One that is due already goes where the next turn looks.
	x.due = max(x.due, (w.turned+1)*int64(tick))
	head := &w.slots[tickOf(x.due)%wheelSlots]
	x.prev, x.next = nil, *head
	if x.next != nil {
		x.next.prev = x
	}
	*head = x
}

func (w *wheel) remove(x *Exchange) {
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		w.slots[tickOf(x.due)%wheelSlots] = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	}
	x.next, x.prev = nil, nil
}

// turn calls expire with each exchange that is due, n of them at most; more says that others are due, too. It
// has been removed, and expire may add it again.
func (w *wheel) turn(now int64, n int, expire func(*Exchange)) (more bool) {
	last := tickOf(now)
	for at := max(w.turned+1, last-wheelSlots+1); at <= last; at++ {
		for x := w.slots[at%wheelSlots]; x != nil; {
			next := x.next
			if tickOf(x.due) <= last {
				if n == 0 {
					w.turned = at - 1 // so that the next call begins here
					return true
				}
				n--
				w.remove(x)
				expire(x)
			}
			x = next
		}
	}
	w.turned = max(w.turned, last)
	return false
}
