package backend

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// foreign gives a program of Debian's, or ends the test where it is missing.
func foreign(t testing.TB, pattern string) string {
	t.Helper()
	found, _ := filepath.Glob(pattern)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	if os.Getenv("PERILUNE_TOOLS") == "require" {
		t.Fatalf("%s is not installed, and PERILUNE_TOOLS=require", pattern)
	}
	t.Skipf("%s is not installed", pattern)
	return ""
}

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// A cluster is a PostgreSQL of the test's own, on a socket.
type cluster struct {
	t   testing.TB
	bin string
	dir string
	as  *syscall.Credential // PostgreSQL refuses to run as root
	p   *exec.Cmd
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	bin := filepath.Dir(foreign(t, "/usr/lib/postgresql/*/bin/initdb"))
	dir, err := os.MkdirTemp("", "pg") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &cluster{t: t, bin: bin, dir: dir}
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("there is no user postgres to run it")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		c.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		os.Chown(dir, uid, gid)
	}
	if out, err := c.command("initdb", "-D", c.data(), "-U", "crm", "-A", "trust", "-N", "--locale=C.UTF-8", "-E", "UTF8").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	c.start()
	t.Cleanup(c.stop)
	return c
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	p := exec.Command(filepath.Join(c.bin, name), args...)
	p.Dir = c.dir
	p.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	return p
}

func (c *cluster) start() {
	c.t.Helper()
	c.p = c.command("postgres", "-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20")
	if err := c.p.Start(); err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, "PostgreSQL is ready", func() bool { return c.command("pg_isready", "-h", c.dir, "-q", "-t", "1").Run() == nil })
}

// stop ends it as an operator does who is in a hurry.
func (c *cluster) stop() {
	if c.p != nil {
		c.p.Process.Signal(syscall.SIGQUIT)
		c.p.Wait()
		c.p = nil
	}
}

func (c *cluster) url() string { return "postgres://crm@/postgres?host=" + c.dir }

func (c *cluster) query(sql string) string {
	c.t.Helper()
	out, err := c.command("psql", "-h", c.dir, "-U", "crm", "-d", "postgres", "-Atc", sql).CombinedOutput()
	if err != nil {
		c.t.Fatalf("psql: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}
