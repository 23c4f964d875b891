package server

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A writer is the goroutine behind a Log. Callers only copy into its buffer.
type writer struct {
	sink    io.Writer
	handler slog.Handler
	room    int
	lost    *atomic.Uint64

	mu      sync.Mutex
	buf     []byte
	n       int // lines in buf
	records []slog.Record
	again   bool // the sink shall reopen its file
	ended   bool
	wake    chan struct{}
	ending  chan struct{} // closed by close
	done    chan struct{}
}

// maxRecords bounds what waits for a slow Handler.
const maxRecords = 4096

func newWriter(o LogOptions, lost *atomic.Uint64) *writer {
	w := &writer{sink: o.Writer, handler: o.Handler, room: o.Room, lost: lost,
		wake: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{})}
	if w.sink == nil {
		w.sink = io.Discard
	}
	go w.run()
	return w
}

// add copies lines into the buffer, or counts them as lost.
func (w *writer) add(ls *lines) {
	w.mu.Lock()
	full := w.ended || len(w.buf)+len(ls.buf) > w.room || len(w.records)+len(ls.records) > maxRecords
	if !full {
		w.buf = append(w.buf, ls.buf...)
		w.records = append(w.records, ls.records...)
		w.n += ls.n
	}
	w.mu.Unlock()
	if full {
		w.lost.Add(uint64(ls.n))
		return
	}
	w.signal()
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) reopen() {
	w.mu.Lock()
	w.again = true
	w.mu.Unlock()
	w.signal()
}

// run writes until close.
func (w *writer) run() {
	defer close(w.done)
	var buf []byte
	var records []slog.Record
	for range w.wake {
		w.mu.Lock()
		buf, w.buf = w.buf, buf[:0]
		records, w.records = w.records, records[:0]
		n, again, ended := w.n, w.again, w.ended
		w.n, w.again = 0, false
		w.mu.Unlock()
		if r, ok := w.sink.(interface{ Reopen() error }); ok && again {
			r.Reopen()
		}
		w.write(buf, n, records)
		if ended {
			return
		}
		w.rest(n)
	}
}

// gather is how long the writer lets lines gather under load: one write for all of them costs the packets
// less than one for each batch.
const gather = 2 * time.Millisecond

// rest waits after a write of many lines. Single lines appear at once.
func (w *writer) rest(n int) {
	if n < 16 {
		return
	}
	select {
	case <-time.After(gather):
	case <-w.ending:
	}
}

func (w *writer) write(buf []byte, n int, records []slog.Record) {
	if len(buf) > 0 {
		if _, err := w.sink.Write(buf); err != nil {
			w.lost.Add(uint64(n))
		}
	}
	for i := range records {
		if err := w.handler.Handle(context.Background(), records[i]); err != nil {
			w.lost.Add(1)
		}
	}
	clear(records)
}

func (w *writer) close(ctx context.Context) error {
	w.mu.Lock()
	if !w.ended {
		w.ended = true
		close(w.ending)
	}
	w.mu.Unlock()
	w.signal()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
