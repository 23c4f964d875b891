package replay

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/server"
)

// A Recorder writes requests that are over into files that it rotates. It is a server.Captor: a queue takes what the
// packet path gives, and what has no room there is counted and lost. Its methods are safe for use by many goroutines.
type Recorder struct {
	from Traffic
	log  *slog.Logger
	key  *Key

	settings atomic.Pointer[RecorderSettings] // nil: off
	in       chan *server.Captured
	count    atomic.Uint64 // of requests that were asked about, for the sample
	counters RecorderCounters

	mu   sync.Mutex // protects stop, and is held for a change of settings
	stop func()     // ends the capture; nil: there is none

	ended chan struct{}
	over  chan struct{}

	// Of the writer alone.
	file    *os.File
	open    RecorderSettings // of file
	size    int64
	buf     []byte
	trouble bool
	retry   time.Time
}

// Traffic is what requests are taken from: a server.Core, or a server.Offline.
type Traffic interface {
	Capture(to server.Captor) (stop func(), ok bool)
}

// RecorderSettings say where and how much. An empty File switches the record off.
type RecorderSettings struct {
	File    string // path; older ones have .1, .2 … behind it
	Size    int64  // octets of one file
	Keep    int    // older files
	Sample  int    // one of so many requests is written; 1: each
	Answers bool   // of backends, sealed
}

// RecorderCounters count requests.
type RecorderCounters struct {
	Written atomic.Uint64
	Lost    atomic.Uint64 // no room in the queue
	Failed  atomic.Uint64 // the file could not be written
}

// recordQueue bounds the requests that wait for the writer.
const recordQueue = 4096

// recordRetry is how long the writer leaves a file alone that it could not write.
const recordRetry = 5 * time.Second

// NewRecorder makes a recorder that is off. key seals answers of backends; nil leaves them out. Close ends it.
func NewRecorder(from Traffic, log *slog.Logger, key *Key) *Recorder {
	r := &Recorder{from: from, log: log, key: key, in: make(chan *server.Captured, recordQueue), ended: make(chan struct{}), over: make(chan struct{})}
	go r.run()
	return r
}

// Configure takes settings over. It does not wait for the writer.
func (r *Recorder) Configure(s RecorderSettings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Sample = max(s.Sample, 1)
	if s.File == "" {
		r.settings.Store(nil)
		if r.stop != nil {
			r.stop()
			r.stop = nil
		}
		return
	}
	r.settings.Store(&s)
	if r.stop == nil {
		if stop, ok := r.from.Capture(r); ok {
			r.stop = stop
		}
	}
}

// Close writes what waits, and ends the recorder.
func (r *Recorder) Close() {
	r.mu.Lock()
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
	r.mu.Unlock()
	close(r.ended)
	<-r.over
}

// Wants implements server.Captor.
func (r *Recorder) Wants(*server.Request) bool {
	s := r.settings.Load()
	return s != nil && (s.Sample == 1 || r.count.Add(1)%uint64(s.Sample) == 0)
}

// Take implements server.Captor.
func (r *Recorder) Take(k *server.Captured) {
	select {
	case r.in <- k:
	default:
		r.counters.Lost.Add(1)
	}
}

// Counters gives how many requests were written, lost for want of room, and lost to a file in trouble.
func (r *Recorder) Counters() (written, lost, failed uint64) {
	return r.counters.Written.Load(), r.counters.Lost.Load(), r.counters.Failed.Load()
}

// File gives the path of the file, "" while nothing is recorded.
func (r *Recorder) File() string {
	if s := r.settings.Load(); s != nil {
		return s.File
	}
	return ""
}

// run is the writer. What has come together is written together.
func (r *Recorder) run() {
	defer close(r.over)
	defer r.closeFile()
	for {
		select {
		case k := <-r.in:
			r.write(k)
		case <-r.ended:
			for {
				select {
				case k := <-r.in:
					r.write(k)
				default:
					return
				}
			}
		}
	}
}

// recordBurst bounds the lines of one write.
const recordBurst = 64

// write writes a request and those that wait behind it.
func (r *Recorder) write(k *server.Captured) {
	s := r.settings.Load()
	if s == nil {
		r.closeFile()
		return
	}
	r.buf = r.buf[:0]
	n := uint64(0)
	for k != nil {
		r.buf = r.add(r.buf, k, s)
		k = nil
		if n++; n < recordBurst {
			select {
			case k = <-r.in:
			default:
			}
		}
	}
	if err := r.put(s); err != nil {
		r.counters.Failed.Add(n)
		r.tell(err)
		return
	}
	r.counters.Written.Add(n)
	if r.trouble {
		r.trouble = false
		r.log.Info("requests are recorded again", "file", s.File)
	}
}

func (r *Recorder) add(dst []byte, k *server.Captured, s *RecorderSettings) []byte {
	key := r.key
	if !s.Answers {
		key = nil
	}
	out, err := appendLine(dst, k, key)
	if err != nil || len(out)-len(dst) > maxLine {
		return dst
	}
	return out
}

// tell logs the begin of trouble, once.
func (r *Recorder) tell(err error) {
	if !r.trouble {
		r.trouble = true
		r.log.Error("requests cannot be recorded; they are answered all the same", "error", err)
	}
}

var errResting = errors.New("the file was in trouble a moment ago")

// put writes buf to the file. A write that fails is taken back, so that no line is cut off in the middle of a file.
func (r *Recorder) put(s *RecorderSettings) error {
	if time.Now().Before(r.retry) {
		return errResting
	}
	err := r.ready(s)
	if err == nil {
		_, err = r.file.Write(r.buf)
		if err != nil {
			r.file.Truncate(r.size)
		}
	}
	if err != nil {
		r.closeFile()
		r.retry = time.Now().Add(recordRetry)
		return err
	}
	r.size += int64(len(r.buf))
	return nil
}

// ready opens the file, and begins a new one where buf has no room in it, or where it was taken away.
func (r *Recorder) ready(s *RecorderSettings) error {
	if r.file != nil && (r.open.File != s.File || r.gone()) {
		r.closeFile()
	}
	if r.file == nil {
		if err := r.openFile(s); err != nil {
			return err
		}
	}
	r.open = *s
	if r.size > 0 && r.size+int64(len(r.buf)) > s.Size {
		r.closeFile()
		if err := rotate(s); err != nil {
			return err
		}
		return r.openFile(s)
	}
	return nil
}

// gone reports whether the path leads to another file than the one that is open.
func (r *Recorder) gone() bool {
	is, err := os.Stat(r.open.File)
	mine, own := r.file.Stat()
	return err != nil || own != nil || !os.SameFile(is, mine)
}

func (r *Recorder) openFile(s *RecorderSettings) error {
	if err := os.MkdirAll(filepath.Dir(s.File), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(s.File, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", s.File)
	}
	if err == nil {
		err = f.Chmod(0o600)
	}
	if err != nil {
		f.Close()
		return err
	}
	r.file, r.size, r.open = f, info.Size(), *s
	return r.endLine()
}

// endLine ends a line that a crash has cut off, so that the next one is whole.
func (r *Recorder) endLine() error {
	if r.size == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := r.file.ReadAt(last, r.size-1); err != nil || last[0] == '\n' {
		return err
	}
	n, err := r.file.Write([]byte{'\n'})
	r.size += int64(n)
	return err
}

func (r *Recorder) closeFile() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}

// rotate moves each file one number up; the last one goes.
func rotate(s *RecorderSettings) error {
	name := func(i int) string {
		if i == 0 {
			return s.File
		}
		return fmt.Sprintf("%s.%d", s.File, i)
	}
	for i := s.Keep; ; i++ { // more were kept before
		if err := os.Remove(name(max(i, 0))); err != nil {
			if errors.Is(err, fs.ErrNotExist) && i > s.Keep {
				break
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	for i := s.Keep - 1; i >= 0; i-- {
		if err := os.Rename(name(i), name(i+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

var _ server.Captor = (*Recorder)(nil)
