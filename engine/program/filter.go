package program

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrBroken is what a filter gives that ended, printed what is no answer, or is not started again yet.
var ErrBroken = errors.New("the filter is broken")

// A FilterSpec says what a filter is. Equal specs share one process over generations.
type FilterSpec struct {
	Name     string
	Service  string // "auth" or "acct": each has a process of its own
	Command  string // its words, joined by NULs
	Account  Account
	ErrorLog string // absolute path of a file, "" for the server's own log, "none"
	Output   int    // octets of one answer; 0: 64 KiB
	Silent   bool   // it answers nothing: lines are written and that is all
}

// A Filter is a process that lives long: it reads lines and answers each with a line, a status and more. It is
// started when it is first asked, and again when it broke: at once the first time, then ever later.
type Filter struct {
	spec   FilterSpec
	runner *Runner
	turn   chan struct{}
	queued atomic.Int64

	// Of whoever has the turn.
	process *process
	in      *os.File
	out     *os.File
	reader  *bufio.Reader
	fails   int       // since the last good answer
	next    time.Time // no start before
	ended   bool

	refs   int // of the runner's mu
	linger *time.Timer
}

const (
	filterQueue = 64 // requests that may wait for one filter
	firstPause  = 100 * time.Millisecond
	longPause   = 30 * time.Second
	lingerTime  = time.Minute // a filter that no generation names lives on for so long
)

// Filter gives the filter of a spec, and keeps it until Release. It starts nothing.
func (r *Runner) Filter(spec FilterSpec) *Filter {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.filters[spec]
	if f == nil {
		f = &Filter{spec: spec, runner: r, turn: make(chan struct{}, 1), ended: r.closed}
		if !r.closed {
			r.filters[spec] = f
		}
	}
	f.refs++
	if f.linger != nil {
		f.linger.Stop()
		f.linger = nil
	}
	return f
}

// Release gives the filter back. When nobody has it its process lives on for a minute, for a reload, and is
// ended then.
func (f *Filter) Release() {
	r := f.runner
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.refs--; f.refs == 0 && !r.closed {
		f.linger = time.AfterFunc(lingerTime, f.retire)
	}
}

// retire ends a filter that is still nobody's.
func (f *Filter) retire() {
	r := f.runner
	r.mu.Lock()
	idle := f.refs == 0 && r.filters[f.spec] == f
	if idle {
		delete(r.filters, f.spec)
	}
	r.mu.Unlock()
	if idle {
		f.end()
	}
}

// end kills the process for good, after the question at hand.
func (f *Filter) end() {
	f.runner.mu.Lock()
	if f.linger != nil {
		f.linger.Stop()
	}
	f.runner.mu.Unlock()
	f.turn <- struct{}{}
	f.stop()
	f.ended = true
	<-f.turn
}

// Ask gives the filter a line, without its end, and waits for the answer until the deadline: the status and what
// follows it. The error is ErrBusy, ErrDeadline, ErrClosed, ErrOutput, ErrBroken or a *StartError; of a silent
// filter there is no answer but 0. A filter that has not answered in time is killed, for its next line would be
// taken for the answer to another question.
func (f *Filter) Ask(line []byte, deadline time.Time) (status int, rest []byte, err error) {
	if f.queued.Add(1) > filterQueue {
		f.queued.Add(-1)
		return 0, nil, ErrBusy
	}
	defer f.queued.Add(-1)
	if err := f.runner.enter(f.turn, deadline); err != nil {
		return 0, nil, err
	}
	defer func() { <-f.turn }()
	f.runner.counters.asked.Add(1)
	return f.ask(line, deadline)
}

func (f *Filter) ask(line []byte, deadline time.Time) (status int, rest []byte, err error) {
	text := append(bytes.Clone(line), '\n')
	fresh, err := f.ready()
	if err == nil {
		err = f.write(text, deadline)
	}
	if errors.Is(err, syscall.EPIPE) && !fresh { // it has just ended, and has not seen the line
		f.stop()
		if _, err = f.ready(); err == nil {
			err = f.write(text, deadline)
		}
	}
	if err != nil || f.spec.Silent {
		return 0, nil, f.settle(err)
	}
	f.out.SetReadDeadline(deadline)
	answer, err := f.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, f.settle(err)
	}
	status, rest, ok := cutStatus(answer)
	if !ok {
		err = ErrBroken
	}
	return status, bytes.Clone(rest), f.settle(err)
}

func (f *Filter) write(text []byte, deadline time.Time) error {
	f.in.SetWriteDeadline(deadline)
	_, err := f.in.Write(text)
	return err
}

// ready makes sure that a process runs and waits for a line. fresh: it was just started.
func (f *Filter) ready() (fresh bool, err error) {
	if f.ended {
		return false, ErrClosed
	}
	if f.process != nil {
		select {
		case <-f.process.done:
			f.stop()
		default:
			if f.spec.Silent || f.reader.Buffered() == 0 && !readable(f.out) {
				return false, nil
			}
			f.runner.log.Warn("the filter has printed more than it was asked, and is started anew", "filter", f.spec.Name)
			f.stop()
		}
	}
	if time.Now().Before(f.next) {
		return true, ErrBroken
	}
	return true, f.start()
}

// settle judges how a question went. After anything but a good answer the process is given up.
func (f *Filter) settle(err error) error {
	if err == nil {
		f.fails, f.next = 0, time.Time{}
		return nil
	}
	var start *StartError
	switch {
	case errors.Is(err, ErrClosed), errors.Is(err, ErrBroken) && f.process == nil:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = ErrDeadline
	case errors.Is(err, bufio.ErrBufferFull):
		err = ErrOutput
	case errors.As(err, &start):
	default:
		err = ErrBroken
	}
	f.stop()
	f.next = time.Now().Add(min(firstPause<<min(f.fails, 16), longPause))
	f.fails++
	f.runner.counters.broken.Add(1)
	f.runner.log.Warn("filter: "+err.Error(), "filter", f.spec.Name, "next", time.Until(f.next).Round(time.Millisecond).String())
	return err
}

// cutStatus parts an answer: a decimal status, white space, the rest.
func cutStatus(answer []byte) (status int, rest []byte, ok bool) {
	answer = bytes.TrimSpace(answer)
	word, rest, _ := bytes.Cut(answer, []byte(" "))
	if i := bytes.IndexByte(word, '\t'); i >= 0 {
		word, rest = answer[:i], answer[i:]
	}
	status, err := strconv.Atoi(string(word))
	return status, bytes.TrimSpace(rest), err == nil
}

// readable reports whether there is something to be read at once, or the other side has closed.
func readable(file *os.File) bool {
	conn, err := file.SyscallConn()
	if err != nil {
		return true
	}
	found := false
	conn.Control(func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		found = n > 0 || err != nil && err != unix.EINTR
	})
	return found
}
