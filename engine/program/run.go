package program

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// A Job is one program to be run.
type Job struct {
	Args     []string // the first is its absolute path
	Account  Account
	Stdin    []byte    // what it reads; nil: nothing
	Output   int       // octets that it may print; 0: 64 KiB
	Errors   int       // octets of standard error that are kept; 0: 1 KiB
	Deadline time.Time // by when it must have ended
}

func (j *Job) path() string {
	if len(j.Args) == 0 {
		return ""
	}
	return j.Args[0]
}

// A Result is what a program that has ended leaves.
type Result struct {
	Exit   int    // status; 128 and the number of the signal that killed it
	Output []byte // what it printed
	Errors []byte // the beginning of what it printed on standard error; may hold secrets that were in its arguments
	Took   time.Duration
}

const (
	defaultOutput = 64 << 10
	keptErrors    = 1 << 10
	reapTime      = 200 * time.Millisecond // how long the end of a killed program is waited for
	flushTime     = 50 * time.Millisecond  // for output of a program that has ended, while another holds the pipe
)

// Run runs a program and waits for its end, at most until its deadline. The error is ErrBusy, ErrDeadline,
// ErrOutput, ErrClosed or a *StartError.
func (r *Runner) Run(j Job) (Result, error) {
	res, err := r.run(j)
	r.counters.count(res.Exit, err)
	return res, err
}

func (r *Runner) run(j Job) (Result, error) {
	if r.waiting.Add(1) > int64(r.o.Waiting) {
		r.waiting.Add(-1)
		return Result{}, ErrBusy
	}
	err := r.enter(r.turns, j.Deadline)
	r.waiting.Add(-1)
	if err != nil {
		return Result{}, err
	}
	return r.execute(j, r.turns)
}

// execute runs a program that has a turn, which is given back once the program has really ended.
func (r *Runner) execute(j Job, turns chan struct{}) (Result, error) {
	if !r.begin() {
		<-turns
		return Result{}, ErrClosed
	}
	began := time.Now()
	e := execution{job: j, runner: r}
	if err := e.start(); err != nil {
		<-turns
		r.work.Done()
		return Result{}, &StartError{j.path(), err}
	}
	go e.finish(turns)
	res, err := e.follow()
	res.Took = time.Since(began)
	return res, err
}

// begin counts one more goroutine; false once the Runner is closed.
func (r *Runner) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.work.Add(1)
	}
	return !r.closed
}

// finish waits for the end of the program, which may come after its deadline.
func (e *execution) finish(turns chan struct{}) {
	defer e.runner.work.Done()
	<-e.process.done
	if e.input != nil {
		e.input.SetWriteDeadline(time.Unix(1, 0))
		<-e.fed
	}
	e.output.SetReadDeadline(time.Now().Add(flushTime))
	e.errors.SetReadDeadline(time.Now().Add(flushTime))
	e.runner.remove(e.process)
	<-turns
}

// An execution is a Job at work.
type execution struct {
	job     Job
	runner  *Runner
	process *process
	input   *os.File // nil: it reads nothing
	output  *os.File
	errors  *os.File
	fed     chan struct{} // closed once all of its input is written, or will not be
}

// start starts the program with pipes for what it reads and prints.
func (e *execution) start() error {
	if !absolute(e.job.path()) {
		return ErrRelative
	}
	theirs, err := e.pipes()
	defer closeAll(theirs[:])
	if err == nil {
		e.process, err = start(e.job.Args, e.job.Account, theirs)
	}
	if err != nil {
		closeAll([]*os.File{e.input, e.output, e.errors})
		return err
	}
	e.output.SetReadDeadline(e.job.Deadline)
	e.errors.SetReadDeadline(e.job.Deadline)
	if e.input != nil {
		e.fed = make(chan struct{})
		go e.feed()
	}
	if !e.runner.add(e.process) {
		e.process.kill()
	}
	return nil
}

// pipes makes the pipes and gives the program's ends: standard input, nil if it reads nothing, output and error.
func (e *execution) pipes() (theirs [3]*os.File, err error) {
	if e.job.Stdin != nil {
		if theirs[0], e.input, err = os.Pipe(); err != nil {
			return theirs, err
		}
	}
	if e.output, theirs[1], err = os.Pipe(); err == nil {
		e.errors, theirs[2], err = os.Pipe()
	}
	return theirs, err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// feed writes the program's input. One that does not read it all is no error.
func (e *execution) feed() {
	defer close(e.fed)
	defer e.input.Close()
	e.input.SetWriteDeadline(e.job.Deadline)
	e.input.Write(e.job.Stdin)
}

func absolute(path string) bool { return path != "" && path[0] == '/' }

// follow reads what the program prints until it ends, its time is up, or it prints too much.
func (e *execution) follow() (Result, error) {
	defer e.output.Close()
	complaints := make(chan []byte, 1)
	go func() {
		defer e.errors.Close()
		complaints <- e.complaints()
	}()
	limit := e.job.Output
	if limit <= 0 {
		limit = defaultOutput
	}
	text, _ := io.ReadAll(io.LimitReader(e.output, int64(limit)+1))
	flood := len(text) > limit
	if flood {
		e.process.kill()
	}
	ended := e.await()
	res := Result{Errors: <-complaints}
	switch {
	case flood:
		return res, ErrOutput
	case !ended:
		return res, ErrDeadline
	}
	res.Output, res.Exit = text, e.process.exit()
	if res.Exit == killedExit && e.runner.stopping() {
		return Result{}, ErrClosed
	}
	return res, nil
}

const killedExit = 128 + int(syscall.SIGKILL)

// await waits for the end of the program; at the deadline it is killed. false: it had to be.
func (e *execution) await() bool {
	timer := time.NewTimer(time.Until(e.job.Deadline))
	defer timer.Stop()
	select {
	case <-e.process.done:
		return true
	case <-timer.C:
	}
	e.process.kill()
	timer.Reset(reapTime)
	select {
	case <-e.process.done:
	case <-timer.C: // it cannot be interrupted; whoever waits for it does not wait longer
		e.errors.SetReadDeadline(time.Unix(1, 0))
	}
	return false
}

func (r *Runner) stopping() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

// complaints reads standard error to its end and keeps the beginning.
func (e *execution) complaints() []byte {
	limit := e.job.Errors
	if limit <= 0 {
		limit = keptErrors
	}
	kept, _ := io.ReadAll(io.LimitReader(e.errors, int64(limit)))
	io.Copy(io.Discard, e.errors)
	return kept
}

// reason says in few words why a program does not start.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file (or its interpreter is missing)"
	case errors.Is(err, fs.ErrPermission):
		return "it is not executable, or the account may not run it"
	case errors.Is(err, syscall.ENOEXEC):
		return "it is no program; a script begins with #!"
	}
	return err.Error()
}
