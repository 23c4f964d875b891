package server

import (
	"slices"
	"sync"
	"sync/atomic"
)

// observers are those who look at live requests. While there is none a request pays one atomic load.
type observers[T comparable] struct {
	list atomic.Pointer[[]T] // nil: nobody; never changed in place
	mu   sync.Mutex          // held by those who exchange the list
}

// all gives them. The list must not be changed.
func (o *observers[T]) all() []T {
	if list := o.list.Load(); list != nil {
		return *list
	}
	return nil
}

// add adds one, or reports false if there are as many as may be.
func (o *observers[T]) add(one T, most int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.all()
	if len(list) >= most {
		return false
	}
	list = append(list[:len(list):len(list)], one)
	o.list.Store(&list)
	return true
}

// remove takes one away, if it is there.
func (o *observers[T]) remove(one T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.all()
	at := slices.Index(list, one)
	switch {
	case at < 0:
	case len(list) == 1:
		o.list.Store(nil)
	default:
		list = slices.Delete(slices.Clone(list), at, at+1)
		o.list.Store(&list)
	}
}
