package program

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// start starts the process with its pipes.
func (w *worker) start() error {
	args := strings.Split(w.spec.Command, "\x00")
	p, err := w.open(args)
	if err != nil {
		return &StartError{args[0], err}
	}
	w.process = p
	if !w.runner.add(p) {
		w.stop()
		return ErrClosed
	}
	w.runner.log.Info("filter started", "filter", w.spec.Name, "service", w.spec.Service, "pid", p.p.Pid)
	return nil
}

func (w *worker) open(args []string) (*process, error) {
	if !absolute(args[0]) {
		return nil, ErrRelative
	}
	var mine pipes
	defer mine.closeOthers()
	theirs, err := mine.open(&w.spec)
	if err != nil {
		mine.closeOwn()
		return nil, err
	}
	p, err := start(args, w.spec.Account, theirs)
	if err != nil {
		mine.closeOwn()
		return nil, err
	}
	w.in, w.out = mine.in, mine.out
	limit := w.spec.Output
	if limit <= 0 {
		limit = defaultOutput
	}
	w.reader = bufio.NewReaderSize(w.out, limit)
	if mine.errors != nil {
		w.listen(mine.errors, p)
	}
	return p, nil
}

// stop kills the process, if there is one, and waits for its end for a moment.
func (w *worker) stop() {
	p := w.process
	if p == nil {
		return
	}
	p.kill()
	timer := time.NewTimer(reapTime)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	w.in.Close()
	if w.out != nil {
		w.out.Close()
	}
	w.runner.remove(p)
	w.process, w.in, w.out, w.reader = nil, nil, nil, nil
}

// listen takes the standard error of a filter.
func (w *worker) listen(from *os.File, p *process) {
	w.runner.tells.Go(func() { w.tell(from, p) })
}

// tell logs what the filter prints on standard error, some lines a minute.
func (w *worker) tell(from *os.File, p *process) {
	defer from.Close()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-p.done:
			from.SetReadDeadline(time.Now().Add(flushTime))
		case <-over:
		}
	}()
	lines := bufio.NewReaderSize(from, keptErrors)
	var window time.Time
	told := 0
	for {
		line, err := lines.ReadSlice('\n')
		if now := time.Now(); now.Sub(window) > time.Minute {
			window, told = now, 0
		}
		if told++; len(bytes.TrimSpace(line)) > 0 && told <= toldLines {
			w.runner.log.Warn("filter says: "+string(bytes.TrimSpace(line)), "filter", w.spec.Name)
		}
		if err != nil && err != bufio.ErrBufferFull {
			io.Copy(io.Discard, from)
			return
		}
	}
}

const toldLines = 20

// pipes are the ends of a filter's pipes.
type pipes struct {
	in, out, errors *os.File   // the server's; errors only for the server's own log
	others          []*os.File // the process's
}

// open makes the files of a process: input, output, error.
func (p *pipes) open(spec *FilterSpec) (theirs [3]*os.File, err error) {
	if theirs[0], p.in, err = os.Pipe(); err != nil {
		return theirs, err
	}
	p.others = append(p.others, theirs[0])
	if !spec.Silent {
		if p.out, theirs[1], err = os.Pipe(); err != nil {
			return theirs, err
		}
		p.others = append(p.others, theirs[1])
	}
	switch spec.ErrorLog {
	case "none":
		return theirs, nil
	case "":
		p.errors, theirs[2], err = os.Pipe()
	default:
		theirs[2], err = os.OpenFile(spec.ErrorLog, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o640)
	}
	if err == nil {
		p.others = append(p.others, theirs[2])
	}
	return theirs, err
}

func (p *pipes) closeOthers() {
	for _, f := range p.others {
		f.Close()
	}
}

func (p *pipes) closeOwn() {
	for _, f := range []*os.File{p.in, p.out, p.errors} {
		if f != nil {
			f.Close()
		}
	}
}
