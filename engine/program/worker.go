package program

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ask asks one question and judges the answer.
func (w *worker) ask(line []byte, deadline time.Time) (status int, rest []byte, err error) {
	text := append(bytes.Clone(line), '\n')
	fresh, err := w.ready()
	if err == nil {
		err = w.write(text, deadline)
	}
	if errors.Is(err, syscall.EPIPE) && !fresh { // it has just ended, and has not seen the line
		w.stop()
		if _, err = w.ready(); err == nil {
			err = w.write(text, deadline)
		}
	}
	if err != nil || w.spec.Silent {
		return 0, nil, w.settle(err)
	}
	w.out.SetReadDeadline(deadline)
	answer, err := w.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, w.settle(err)
	}
	status, rest, ok := cutStatus(answer)
	if !ok {
		err = ErrBroken
	}
	return status, bytes.Clone(rest), w.settle(err)
}

func (w *worker) write(text []byte, deadline time.Time) error {
	w.in.SetWriteDeadline(deadline)
	_, err := w.in.Write(text)
	return err
}

// ready makes sure that a process runs and waits for a line. fresh: it was just started.
func (w *worker) ready() (fresh bool, err error) {
	if w.ended {
		return false, ErrClosed
	}
	if w.process != nil {
		select {
		case <-w.process.done:
			w.stop()
		default:
			if w.spec.Silent || w.reader.Buffered() == 0 && !readable(w.out) {
				return false, nil
			}
			w.runner.log.Warn("the filter has printed more than it was asked, and is started anew", "filter", w.spec.Name)
			w.stop()
		}
	}
	if time.Now().Before(w.next) {
		return true, ErrBroken
	}
	return true, w.start()
}

// settle judges how a question went. After anything but a good answer the process is given up.
func (w *worker) settle(err error) error {
	if err == nil {
		w.fails, w.next = 0, time.Time{}
		return nil
	}
	var start *StartError
	switch {
	case errors.Is(err, ErrClosed), errors.Is(err, ErrBroken) && w.process == nil:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = ErrDeadline
	case errors.Is(err, bufio.ErrBufferFull):
		err = ErrOutput
	case errors.As(err, &start):
	default:
		err = ErrBroken
	}
	w.stop()
	w.next = time.Now().Add(min(firstPause<<min(w.fails, 16), longPause))
	w.fails++
	w.runner.counters.broken.Add(1)
	w.runner.log.Warn("filter: "+err.Error(), "filter", w.spec.Name, "next", time.Until(w.next).Round(time.Millisecond).String())
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
