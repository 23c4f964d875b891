package main

import (
	"bufio"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCrash kills a server under load, again and again at random moments, and lets the NASes go on with the next:
// every record that was answered is kept, none counts twice, and the sessions are what the NASes have told.
// PERILUNE_CRASHES sets the number of rounds.
func TestCrash(t *testing.T) {
	foreignTool(t, "sqlite3")
	c := newCampaign(t, "")
	for range crashRounds(3) {
		c.round(func(server *crashServer) { server.kill() })
	}
	c.finish()
	path := filepath.Join(c.dir, "state", "acct", "acct.db")
	c.check(func(query string) string {
		out, err := exec.Command("sqlite3", "-cmd", ".timeout 10000", path, query).CombinedOutput()
		if err != nil {
			t.Fatalf("sqlite3: %v: %s", err, out)
		}
		return string(out)
	})
}

// TestCrashPostgres does the same with a PostgreSQL that is stopped as well, before the server, after it or alone.
func TestCrashPostgres(t *testing.T) {
	p := newPostgres(t)
	c := newCampaign(t, fmt.Sprintf("[acct]\ndatabase = %q\n", p.url()))
	for i := range crashRounds(3) {
		c.round(func(server *crashServer) {
			p.kill()
			wait(50)
			if i%3 == 0 { // the server goes on with its spool
				p.start()
				wait(100)
			}
			server.kill()
			if i%3 != 0 {
				p.start()
			}
		})
	}
	c.finish()
	c.check(p.query)
}

// crashRounds gives the number of rounds.
func crashRounds(n int) int {
	if testing.Short() {
		n = 1
	}
	fmt.Sscan(os.Getenv("PERILUNE_CRASHES"), &n)
	return n
}

func wait(most int) { time.Sleep(time.Duration(10+rand.IntN(most)) * time.Millisecond) }

// A campaign is a tree, the NASes that use it and what they know.
type campaign struct {
	t       *testing.T
	dir     string
	address string // of the accounting port, the same in all rounds
	nases   []*crashNAS
	rounds  int
}

// crashNASes is how many sockets send at the same time.
const crashNASes = 24

func newCampaign(t *testing.T, config string) *campaign {
	c := &campaign{t: t, dir: loopTree(t, map[string]string{"raddb/config.toml": quietConfig + config})}
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.address = free.LocalAddr().String()
	free.Close()
	for i := range crashNASes {
		c.nases = append(c.nases, &crashNAS{t: t, name: fmt.Sprintf("nas%d", i), known: map[string]*crashSession{}})
	}
	return c
}

// round starts a server, lets the NASes work, and ends it in some way.
func (c *campaign) round(end func(*crashServer)) {
	c.rounds++
	server := startCrashServer(c.t, c.dir, c.address)
	stop := c.work(0)
	wait(600)
	end(server)
	stop()
}

// work makes the NASes send until stop is called: further sessions, or with a limit until those that are begun have ended.
func (c *campaign) work(limit time.Duration) (stop func()) {
	var ended atomic.Bool
	var all sync.WaitGroup
	for _, n := range c.nases {
		all.Go(func() { n.work(c.address, limit, &ended) })
	}
	return func() {
		if limit == 0 {
			ended.Store(true)
		}
		all.Wait()
	}
}

// finish sends what was not answered yet to a last server, and ends it well.
func (c *campaign) finish() {
	server := startCrashServer(c.t, c.dir, c.address)
	c.work(20 * time.Second)()
	server.p.Process.Signal(os.Interrupt)
	if err := server.p.Wait(); err != nil {
		c.t.Errorf("the last server: %v", err)
	}
}

// check compares the tables with what the NASes know.
func (c *campaign) check(ask func(string) string) {
	known := map[string]*crashSession{}
	for _, n := range c.nases {
		maps.Copy(known, n.known)
	}
	ids := map[string]string{} // acctuniqueid to Acct-Session-Id
	rows := map[string][]string{}
	for _, line := range strings.Fields(ask("SELECT acctuniqueid||'|'||acctsessionid||'|'||CASE WHEN acctstoptime IS NULL THEN 'open' ELSE 'closed' END||'|'||acctinputoctets||'|'||acctsessiontime||'|'||marks FROM radacct")) {
		f := strings.Split(line, "|")
		ids[f[0]] = f[1]
		rows[f[1]] = append(rows[f[1]], strings.Join(f[2:5], " "))
	}
	kept, repeated := map[string]int{}, 0
	for _, line := range strings.Fields(ask("SELECT coalesce(acctuniqueid,'-')||'|'||status||'|'||verdict FROM acctevent")) {
		f := strings.Split(line, "|")
		if f[2] == "repeated" {
			repeated++
			continue
		}
		kept[ids[f[0]]+" "+f[1]]++
	}
	answers := 0
	for id, s := range known {
		answers += s.answered
		s.check(c.t, id, rows[id], kept)
	}
	if len(rows) != len(known) {
		c.t.Errorf("%d sessions are in radacct, the NASes have begun %d", len(rows), len(known))
	}
	if answers < 100*c.rounds {
		c.t.Errorf("only %d answers in %d rounds", answers, c.rounds)
	}
	c.t.Logf("%d rounds, %d answered records, %d sessions, %d retransmissions that were marked as such", c.rounds, answers, len(known), repeated)
}

// A crashSession is what a NAS knows of a session: how many of its records were answered. The first is a Start, the last
// a Stop.
type crashSession struct{ answered int }

var crashStatuses = [...]string{"Start", "Interim-Update", "Interim-Update", "Stop"}

func (s *crashSession) check(t *testing.T, id string, rows []string, kept map[string]int) {
	want := map[string]int{}
	for _, status := range crashStatuses[:s.answered] {
		want[id+" "+status]++
	}
	for what, n := range want {
		if kept[what] != n {
			t.Errorf("%s: answered %d times, kept %d times", what, n, kept[what])
		}
	}
	row := fmt.Sprintf("open %d %d", 100*(s.answered-1), 60*(s.answered-1))
	if s.answered == len(crashStatuses) {
		row = "closed" + strings.TrimPrefix(row, "open")
	}
	if len(rows) != 1 || rows[0] != row {
		t.Errorf("%s: rows %q, want %q", id, rows, row)
	}
}

// A crashNAS sends the records of its sessions one after the other, each until it is answered: again as it is, and
// as a new packet with Acct-Delay-Time.
type crashNAS struct {
	t       *testing.T
	name    string
	known   map[string]*crashSession
	current string // the session that goes on
	begun   int
	first   time.Time // when the current record was sent first
	id      byte
}

func (n *crashNAS) work(address string, limit time.Duration, ended *atomic.Bool) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		n.t.Error(err)
		return
	}
	defer conn.Close()
	last := time.Now().Add(limit)
	for !ended.Load() && (limit == 0 || n.current != "" && time.Now().Before(last)) {
		if n.current == "" {
			n.begun++
			n.current, n.first = fmt.Sprintf("%s-%d", n.name, n.begun), time.Now()
			n.known[n.current] = &crashSession{}
		}
		s := n.known[n.current]
		if !n.send(conn, s, ended) {
			continue
		}
		n.first = time.Now()
		if s.answered++; s.answered == len(crashStatuses) {
			n.current = ""
		}
	}
}

// send sends the session's next record, once or twice, and waits a little for the answer.
func (n *crashNAS) send(conn net.Conn, s *crashSession, ended *atomic.Bool) bool {
	n.id++
	packet := n.packet(s.answered)
	buffer := make([]byte, 4096)
	for range 2 {
		if _, err := conn.Write(packet); err != nil { // nobody listens
			time.Sleep(time.Millisecond)
		}
		conn.SetReadDeadline(time.Now().Add(80 * time.Millisecond))
		for !ended.Load() {
			size, err := conn.Read(buffer)
			if err != nil {
				time.Sleep(time.Millisecond)
				break
			}
			if answers(buffer[:size], packet) {
				return true
			}
		}
	}
	return false
}

// packet makes the record number i of the current session.
func (n *crashNAS) packet(i int) []byte {
	p := make([]byte, 20, 200)
	p[0], p[1] = 4, n.id
	text := func(kind byte, v string) { p = append(append(p, kind, byte(2+len(v))), v...) }
	number := func(kind byte, v int) { p = binary.BigEndian.AppendUint32(append(p, kind, 6), uint32(v)) }
	number(40, [...]int{1, 3, 3, 2}[i])
	text(44, n.current)
	text(1, "user of "+n.name)
	text(32, n.name)
	number(42, 100*i)
	number(46, 60*i)
	if n.begun%2 == 0 {
		number(55, int(n.first.Unix()))
	}
	if delay := int(time.Since(n.first) / time.Second); delay > 0 {
		number(41, delay)
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	sum := md5.Sum(append(p[:len(p):len(p)], loopSecret...))
	copy(p[4:], sum[:])
	return p
}

// answers reports a valid Accounting-Response to a packet.
func answers(reply, packet []byte) bool {
	if len(reply) < 20 || reply[0] != 5 || reply[1] != packet[1] {
		return false
	}
	var got [16]byte
	copy(got[:], reply[4:])
	copy(reply[4:], packet[4:20])
	return md5.Sum(append(reply[:len(reply):len(reply)], loopSecret...)) == got
}

// A crashServer is `perilune serve` in a process of its own.
type crashServer struct{ p *exec.Cmd }

func (s *crashServer) kill() {
	s.p.Process.Kill()
	s.p.Wait()
}

func startCrashServer(t *testing.T, dir, address string) *crashServer {
	t.Helper()
	s := &crashServer{p: exec.Command(os.Args[0], "-test.run=^TestServeHelper$", "-test.timeout=120s")}
	s.p.Env = append(os.Environ(), "PERILUNE_SERVE="+filepath.Join(dir, "raddb"), "PERILUNE_ACCT="+address)
	out, err := s.p.StdoutPipe()
	if err == nil {
		s.p.Stderr = s.p.Stdout
		err = s.p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "perilune serves ") {
			go io.Copy(io.Discard, out)
			return s
		}
	}
	t.Fatalf("serve does not start:\n%s", said.String())
	return nil
}

// TestServeHelper is the process that is killed.
func TestServeHelper(t *testing.T) {
	raddb := os.Getenv("PERILUNE_SERVE")
	if raddb == "" {
		t.Skip("runs only as a process of TestCrash")
	}
	args := []string{"serve", "-d", raddb, "-auth-listen", "127.0.0.1:0", "-acct-listen", os.Getenv("PERILUNE_ACCT"), "-log-format", "text"}
	os.Exit(run(args, streams{strings.NewReader(""), os.Stdout, os.Stdout}))
}

// A crashPostgres is a PostgreSQL of the test's own.
type crashPostgres struct {
	t   *testing.T
	bin string
	dir string
	as  []string // the beginning of each command: another user, as PostgreSQL does not run as root
	p   *exec.Cmd
}

func newPostgres(t *testing.T) *crashPostgres {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		without(t, "PostgreSQL is not installed")
	}
	dir, err := os.MkdirTemp("", "pg") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &crashPostgres{t: t, bin: found[len(found)-1], dir: dir}
	if os.Getuid() == 0 {
		p.as = []string{foreignTool(t, "setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups"}
		if out, err := exec.Command("chown", "postgres", dir).CombinedOutput(); err != nil {
			without(t, "there is no user postgres: %s", out)
		}
	}
	p.run("initdb", "-D", p.data(), "-U", "acct", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8")
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *crashPostgres) data() string { return filepath.Join(p.dir, "data") }
func (p *crashPostgres) url() string  { return "postgres://acct@/postgres?host=" + p.dir }

func (p *crashPostgres) run(name string, args ...string) string {
	p.t.Helper()
	out, err := p.command(name, args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

func (p *crashPostgres) query(sql string) string {
	return p.run("psql", "-h", p.dir, "-U", "acct", "-d", "postgres", "-Atc", sql)
}

func (p *crashPostgres) command(name string, args ...string) *exec.Cmd {
	args = append(append(p.as[:len(p.as):len(p.as)], filepath.Join(p.bin, name)), args...)
	c := exec.Command(args[0], args[1:]...)
	c.Dir = p.dir
	return c
}

// start waits for the processes of one that was killed to end: they hold its memory.
func (p *crashPostgres) start() {
	p.t.Helper()
	for range 200 {
		p.p = p.command("postgres", "-D", p.data(), "-k", p.dir, "-c", "listen_addresses=", "-c", "shared_buffers=16MB")
		if err := p.p.Start(); err != nil {
			p.t.Fatal(err)
		}
		ended := make(chan struct{})
		go func(c *exec.Cmd) { c.Wait(); close(ended) }(p.p)
		for alive := true; alive; {
			if p.command("pg_isready", "-h", p.dir, "-q", "-t", "1").Run() == nil {
				return
			}
			select {
			case <-ended:
				alive = false
			case <-time.After(20 * time.Millisecond):
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatal("PostgreSQL does not start")
}

// kill is SIGKILL to its first process; the others notice.
func (p *crashPostgres) kill() { p.p.Process.Kill() }
