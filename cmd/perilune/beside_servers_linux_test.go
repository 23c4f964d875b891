package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A subject is a server that is measured.
type subject struct {
	name    string   // in metrics
	address string   // that is asked
	load    []string // options of perilune bench
	due     string   // the right reply
	below   bool     // ours is compared with it, not it with ours
	tail    time.Duration
	shots   []shot

	processors string // "" is serverProcessor
	dir        string
	said       string // file with its messages
	process    *exec.Cmd
	ended      chan struct{}
	ready      time.Duration // from start
}

// start runs a command on the servers' processor and waits until a text stands in its messages.
func (s *subject) start(b *testing.B, ready string, command ...string) {
	b.Helper()
	out, err := os.OpenFile(filepath.Join(s.dir, "output"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	if s.said == "" {
		s.said = out.Name()
	}
	on := cmp.Or(s.processors, serverProcessor())
	s.process = exec.Command("taskset", append([]string{"-c", on}, command...)...)
	s.process.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", 1+strings.Count(on, ",")))
	s.process.Stdout, s.process.Stderr = out, out
	s.ended = make(chan struct{})
	began := time.Now()
	if err := s.process.Start(); err != nil {
		b.Fatal(err)
	}
	go func() {
		s.process.Wait()
		close(s.ended)
	}()
	b.Cleanup(s.stop)
	for late := began.Add(2 * time.Minute); !strings.Contains(s.log(), ready); time.Sleep(time.Millisecond) {
		select {
		case <-s.ended:
			b.Fatalf("%s has ended:\n%s", s.name, s.log())
		default:
		}
		if time.Now().After(late) {
			b.Fatalf("%s does not start:\n%s", s.name, s.log())
		}
	}
	s.ready = time.Since(began)
}

// stop ends the server, if it has not been ended.
func (s *subject) stop() {
	s.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		s.process.Process.Kill()
		<-s.ended
	}
}

// log gives the first of its messages: what stands there before requests come.
func (s *subject) log() string {
	f, err := os.Open(s.said)
	if err != nil {
		return ""
	}
	defer f.Close()
	text := make([]byte, 64<<10)
	n, _ := f.Read(text)
	return string(text[:n])
}

// used gives the processor time that the server has taken.
func (s *subject) used(b *testing.B) time.Duration {
	b.Helper()
	used, err := processorTime(s.process.Process.Pid)
	if err != nil {
		b.Fatalf("%s: %v\n%s", s.name, err, s.log())
	}
	return used
}

// resident gives the memory in MiB that the server has now.
func (s *subject) resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		b.Fatalf("%s: %v", s.name, err)
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		b.Fatalf("no VmRSS:\n%s", text)
	}
	kib, _ := strconv.Atoi(string(m[1]))
	return float64(kib) / 1024
}

// besideConfig is the default configuration but for addresses and places.
const besideConfig = `
[listen]
auth = ["127.0.0.1:0"]
acct = ["127.0.0.1:0"]
[policy]
api = 1
scripts = "../scripts"
[state]
dir = "../state"
[http]
listen = []
`

// ours starts the program with files as for loopTree. It logs into a file, a line for each request.
func (k *kit) ours(b *testing.B, name string, files map[string]string, load ...string) *subject {
	b.Helper()
	return k.oursOn(b, serverProcessor(), name, files, load...)
}

// oursOn is ours on other processors.
func (k *kit) oursOn(b *testing.B, processors, name string, files map[string]string, load ...string) *subject {
	b.Helper()
	all := map[string]string{"raddb/config.toml": besideConfig}
	for path, text := range files {
		if path == "raddb/config.toml" {
			text = besideConfig + text
		}
		all[path] = text
	}
	s := &subject{name: name, due: "Access-Accept", load: load, processors: processors, dir: loopTree(b, all)}
	s.start(b, "perilune serves ", k.program, "serve", "-d", filepath.Join(s.dir, "raddb"))
	s.address = s.listens(b, "auth")
	return s
}

// listens gives our address of a kind.
func (s *subject) listens(b *testing.B, kind string) string {
	b.Helper()
	m := regexp.MustCompile(`msg=listening kind=` + kind + ` address=(\S+)`).FindStringSubmatch(s.log())
	if m == nil {
		b.Fatalf("no listener for %s:\n%s", kind, s.log())
	}
	return m[1]
}

// bare starts the least that Go can do, with the digests that ours makes: it signs all that it answers.
func (k *kit) bare(b *testing.B, users int, load ...string) *subject {
	b.Helper()
	s := &subject{name: "floor", due: "Access-Accept", below: true, load: load, dir: b.TempDir()}
	s.start(b, "listening ", k.floor, "-sign", "-secret", loopSecret, "-users", strconv.Itoa(users))
	s.address = strings.TrimSpace(strings.TrimPrefix(s.log(), "listening "))
	return s
}

// freeRADIUS starts a FreeRADIUS. It has one thread, or two workers beside the one that reads.
func freeRADIUS(b *testing.B, name string, threaded bool, c peerConfig, load ...string) *subject {
	b.Helper()
	tool := foreignTool(b, "freeradius")
	s := &subject{name: name, due: "Access-Accept", load: load, dir: b.TempDir()}
	s.address = c.write(b, s.dir)
	s.said = filepath.Join(s.dir, "radius.log")
	command := []string{tool, "-f", "-l", s.said, "-d", s.dir, "-D", "/usr/share/freeradius", "-n", "radiusd"}
	if !threaded {
		command = append(command, "-s")
	}
	s.start(b, "Ready to process requests", command...)
	return s
}

// bothFreeRADIUS starts FreeRADIUS in its two modes.
func bothFreeRADIUS(b *testing.B, name string, c peerConfig, load ...string) []*subject {
	b.Helper()
	return []*subject{freeRADIUS(b, name+"-s", false, c, load...), freeRADIUS(b, name+"-threaded", true, c, load...)}
}

// write writes the configuration into a directory and gives the address.
func (c peerConfig) write(b *testing.B, dir string) string {
	b.Helper()
	address := unusedPort(b)
	_, c.Port, _ = strings.Cut(address, ":")
	c.Dir, c.Secret = dir, loopSecret
	if c.Kind == "" {
		c.Kind = "auth"
	}
	var text bytes.Buffer
	if err := peerTemplate.Execute(&text, c); err != nil {
		b.Fatal(err)
	}
	files := map[string]string{"radiusd.conf": text.String(), "users": c.Users}
	for name, text := range c.Files {
		files[name] = text
	}
	writeFiles(b, dir, files)
	return address
}
