package server

// A desk is all that one request needs: buffers, lists, digest scratch, Lua state.
type desk struct{}

// Detach lets the request wait or compute for long without delaying others: the loop passes to a spare
// goroutine, this one goes on with the request alone. It is called before anything that may block; further
// calls are free. It fails with ErrBusy if too many requests wait already.
func (r *Request) Detach() error { panic("server.Detach") }
