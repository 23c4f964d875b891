package program

import (
	"os"
	"sync"
	"syscall"
)

// environment is all that a program knows of the server's surroundings.
var environment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

// A process is one that was started, with its group.
type process struct {
	p     *os.Process
	done  chan struct{} // closed once it has ended and is reaped
	state *os.ProcessState

	mu    sync.Mutex // protects all below
	ended bool       // the number may be another's from now on
}

// start starts a program in a group of its own. files are its standard input, output and error; nil is
// /dev/null.
func start(args []string, a Account, files [3]*os.File) (*process, error) {
	sys, err := a.attributes()
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	for i := range files {
		if files[i] == nil {
			files[i] = null
		}
	}
	p, err := os.StartProcess(args[0], args, &os.ProcAttr{Dir: os.TempDir(), Env: environment, Files: files[:], Sys: sys})
	if err != nil {
		return nil, err
	}
	pr := &process{p: p, done: make(chan struct{})}
	go pr.wait()
	return pr, nil
}

// wait reaps the process. What it leaves behind in its group is killed before: until then the number of the
// group is surely its own.
func (p *process) wait() {
	defer close(p.done)
	if awaitExit(p.p.Pid) {
		p.kill()
	}
	state, _ := p.p.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.ended = state, true
}

// kill kills the whole group.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		syscall.Kill(-p.p.Pid, syscall.SIGKILL)
	}
}

// exit gives the exit status; 128 and the number of the signal that has ended it, as shells do.
func (p *process) exit() int {
	if p.state == nil {
		return 255
	}
	if status, ok := p.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.state.ExitCode()
}
