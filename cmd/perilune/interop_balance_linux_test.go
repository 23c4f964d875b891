package main

import (
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

// The network of these tests. The test itself stands where the NASes are, 10.1.0.1 to 10.1.0.8; the balancer is 10.1.0.254 and
// 10.2.N.1; node N is 10.2.N.2. NASes ask 192.0.2.1.
const (
	fleetAddress = "192.0.2.1"
	fleetNASes   = 8
)

// A place is a network of its own that processes can be started in.
type place struct {
	t   *testing.T
	pid string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := exec.Command("sleep", "300")
	p.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := p.Start(); err != nil {
		without(t, "a network of the test's own cannot be made: %v", err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	return &place{t, strconv.Itoa(p.Process.Pid)}
}

func (p *place) command(args ...string) *exec.Cmd {
	c := exec.Command("nsenter", append([]string{"--net=/proc/" + p.pid + "/ns/net", "--"}, args...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// do runs lines as a shell script.
func (p *place) do(script string) {
	p.t.Helper()
	if out, err := p.command("sh", "-ec", script).CombinedOutput(); err != nil {
		without(p.t, "%s: %v %s", script, err, out)
	}
}

// A balanced is two nodes behind a balancer, with one PostgreSQL and one Redis.
type balanced struct {
	t        *testing.T
	dir      string
	program  string
	here     *place // where the NASes are
	balancer *place
	nodes    [2]*node
	pg       *crashPostgres
}

// A node is a machine with a server.
type node struct {
	*place
	name, address string
	raddb         string
	log           *watchedLog
	server        *exec.Cmd
}

const balancedScript = `
local here = readfile("node.txt"):match("%w+")
local seen = kv.open("seen")
on("authorize", {when = {user = "otp"}}, function(req)
  return challenge{next = "code", message = "Code:", timeout = "2m"}
end)
answer("code", function(req, text)
  if text == "123456" then return accept{} end
  return reject{message = "wrong code"}
end)
on("authorize", {when = {user = "count"}}, function(req)
  req.reply:add("Reply-Message", "seen " .. seen:incr("x"))
end)
on("reply", function(req) req.reply:add("Reply-Message", "node " .. here) end)
`

const balancedConfig = `
[listen]
auth = ["192.0.2.1:1812", "%[1]s:1812"]
acct = ["192.0.2.1:1813", "%[1]s:1813"]
[server]
reject-delay = 0
[policy]
api = 1
scripts = "../scripts"
[state]
dir = "../state"
key-file = "key"
kv = "fleet"
[acct]
database = %[2]q
node = %[3]q
[http]
listen = []
[backend.kv.fleet]
address = %[4]q
[backend.kv.seen]
address = %[4]q
`

const balancedUsers = `$DIALECT freeradius
bob   Cleartext-Password := "hello"
one   Cleartext-Password := "hello", Simultaneous-Use := 1
count Cleartext-Password := "hello"
`

// newBalanced makes the networks, the databases and the nodes; nobody balances yet.
func newBalanced(t *testing.T) *balanced {
	t.Helper()
	b := &balanced{t: t, dir: t.TempDir(), here: &place{t, strconv.Itoa(os.Getpid())}, balancer: newPlace(t), pg: newPostgres(t)}
	b.program = filepath.Join(b.dir, "perilune")
	if out, err := exec.Command("go", "build", "-o", b.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	socket := filepath.Join(b.pg.dir, "redis")
	redis := exec.Command(foreignTool(t, "redis-server"), "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", b.dir)
	if err := redis.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { redis.Process.Kill(); redis.Wait() })

	script := "ip link set lo up; ip link add nas type veth peer name nases netns " + b.balancer.pid + "; ip link set nas up\n"
	for i := range fleetNASes {
		script += fmt.Sprintf("ip addr add 10.1.0.%d/24 dev nas\n", i+1)
	}
	b.here.do(script + "ip route add 10.2.0.0/16 via 10.1.0.254")
	b.balancer.do("ip link set lo up; ip addr add 10.1.0.254/24 dev nases; ip link set nases up; echo 1 >/proc/sys/net/ipv4/ip_forward")
	for i := range b.nodes {
		b.nodes[i] = b.newNode(i+1, socket)
	}
	return b
}

func (b *balanced) newNode(i int, redis string) *node {
	n := &node{place: newPlace(b.t), name: fmt.Sprint("n", i), address: fmt.Sprintf("10.2.%d.2", i)}
	b.balancer.do(fmt.Sprintf("ip link add node%[1]d type veth peer name eth0 netns %[2]s; ip addr add 10.2.%[1]d.1/24 dev node%[1]d; ip link set node%[1]d up", i, n.pid))
	n.do(fmt.Sprintf("ip link set lo up; ip addr add %s/32 dev lo; ip addr add %s/24 dev eth0; ip link set eth0 up; ip route add default via 10.2.%d.1", fleetAddress, n.address, i))
	dir := loopTree(b.t, map[string]string{
		"raddb/config.toml": fmt.Sprintf(balancedConfig, n.address, b.pg.url(), n.name, redis),
		"raddb/clients":     fmt.Sprintf("10.1.0.0/16 %[1]q nas\n10.2.0.0/16 %[1]q balancer\n192.0.2.1 %[1]q itself\n", loopSecret),
		"raddb/users":       balancedUsers, "raddb/key": strings.Repeat("0123456789abcdef", 4) + "\n",
		"scripts/fleet.lua": balancedScript, "scripts/node.txt": n.name,
	})
	n.raddb = filepath.Join(dir, "raddb")
	b.start(n)
	return n
}

// start starts the server of a node.
func (b *balanced) start(n *node) {
	b.t.Helper()
	n.log = newWatchedLog()
	n.server = n.command(b.program, "serve", "-d", n.raddb, "-log-format", "text")
	n.server.Stdout, n.server.Stderr = n.log, n.log
	if err := n.server.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { n.server.Process.Kill(); n.server.Wait() })
	if !n.log.wait("perilune serves ", make(chan int, 1)) {
		b.t.Fatalf("%s does not start:\n%s", n.name, n.log)
	}
}

// end ends the server of a node by a signal.
func (n *node) end(signal syscall.Signal) {
	n.server.Process.Signal(signal)
	n.server.Wait()
}

// background starts a program in a network, which ends with the test, and gives what it says.
func (b *balanced) background(p *place, args ...string) *watchedLog {
	b.t.Helper()
	c, log := p.command(args...), newWatchedLog()
	c.Env = append(os.Environ(), "PERILUNE="+b.program, "PAUSE=0.2", "FAILURES=4")
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Process.Signal(syscall.SIGTERM); c.Wait() })
	return log
}

// ask sends a request as a NAS does, repeating the same packet if it has more than one try, and gives what came.
func (b *balanced) ask(nas int, tries int, args ...string) string {
	b.t.Helper()
	b.here.do(fmt.Sprintf("ip route replace %s via 10.1.0.254 src 10.1.0.%d", fleetAddress, nas+1))
	timeout := "250ms"
	if tries == 1 {
		timeout = "3s" // slow is not lost
	}
	args = append([]string{"send", args[0], "-server", fleetAddress, "-secret", loopSecret, "-timeout", timeout, "-tries", fmt.Sprint(tries)}, args[1:]...)
	var out strings.Builder
	run(args, streams{strings.NewReader(""), &out, &out})
	return out.String()
}

var saidNode = regexp.MustCompile(`Reply-Message = "node n(\d)"`)

// login logs bob in and gives the number of the node that has answered, or fails.
func (b *balanced) login(nas int) int {
	b.t.Helper()
	text := b.ask(nas, 1, "auth", "User-Name=bob", "User-Password=hello")
	m := saidNode.FindStringSubmatch(text)
	if m == nil || !strings.Contains(text, "Access-Accept") {
		b.t.Fatalf("NAS %d: %s\n%s\n%s", nas, text, b.nodes[0].log, b.nodes[1].log)
	}
	n, _ := strconv.Atoi(m[1])
	return n - 1
}

// homes gives the node of each NAS, each looked at several times.
func (b *balanced) homes() (homes [fleetNASes]int) {
	b.t.Helper()
	for i := range homes {
		homes[i] = b.login(i)
		for range 2 {
			if n := b.login(i); n != homes[i] {
				b.t.Errorf("NAS %d goes from node %d to %d", i, homes[i], n)
			}
		}
	}
	return homes
}

// firstOf gives a NAS of a node.
func firstOf(t *testing.T, homes [fleetNASes]int, node int) int {
	t.Helper()
	for i, n := range homes {
		if n == node {
			return i
		}
	}
	t.Fatalf("node %d has no NAS: %v", node, homes)
	return 0
}

// TestBalance: two nodes behind the balancer of examples/fleet.
func TestBalance(t *testing.T) {
	for _, tool := range []string{"nft", "nsenter", "redis-server"} {
		foreignTool(t, tool)
	}
	if !inOwnNetwork(t) {
		return
	}
	b := newBalanced(t)
	nodes, secret := filepath.Join(b.dir, "nodes"), filepath.Join(b.dir, "secret")
	writeFiles(t, b.dir, map[string]string{"nodes": "10.2.1.2\n10.2.2.2\n", "secret": loopSecret + "\n"})
	log := b.background(b.balancer, "../../examples/fleet/balance", fleetAddress, nodes, secret)
	if !log.wait("in use: 0 1", make(chan int, 1)) {
		t.Fatalf("nothing is balanced: %s\n%s\n%s", log, b.nodes[0].log, b.nodes[1].log)
	}
	homes := b.homes()
	b.shares(homes)
	b.loses(homes, func() { b.nodes[0].end(syscall.SIGKILL) }, func() { b.start(b.nodes[0]) })

	// Drained: no login waits, none is lost.
	for range 2 {
		writeFiles(t, b.dir, map[string]string{"nodes": "10.2.1.2\n- 10.2.2.2\n"})
		b.follow(homes, 1, 0)
		writeFiles(t, b.dir, map[string]string{"nodes": "10.2.1.2\n10.2.2.2\n"})
		b.follow(homes, 1, 1)
	}
}

// follow logs in at a NAS of a node, each try once, until another node answers.
func (b *balanced) follow(homes [fleetNASes]int, of, to int) {
	b.t.Helper()
	nas := firstOf(b.t, homes, of)
	for late := time.Now().Add(10 * time.Second); b.login(nas) != to; {
		if time.Now().After(late) {
			b.t.Fatalf("NAS %d does not go to node %d", nas, to)
		}
	}
}

// shares looks at what the nodes share.
func (b *balanced) shares(homes [fleetNASes]int) {
	b.t.Helper()
	one, two := firstOf(b.t, homes, 0), firstOf(b.t, homes, 1)
	for i, want := range []string{"seen 1", "seen 2", "seen 3"} {
		contains(b.t, b.ask([]int{one, two, one}[i], 1, "auth", "User-Name=count", "User-Password=hello"), want)
	}
	login := func(nas int) string {
		return b.ask(nas, 1, "auth", "User-Name=one", "User-Password=hello", "NAS-Port=1")
	}
	contains(b.t, login(one), "Access-Accept")
	contains(b.t, login(two), "Access-Reject") // its place is booked
	contains(b.t, b.ask(one, 1, "acct", "User-Name=one", "Acct-Status-Type=Start", "Acct-Session-Id=s1", "NAS-Port=1"), "Accounting-Response")
	contains(b.t, login(two), "Access-Reject")
}

// loses takes a node away while a conversation and a session are open at it, and puts it back.
func (b *balanced) loses(homes [fleetNASes]int, away, back func()) {
	t := b.t
	t.Helper()
	nas, other := firstOf(t, homes, 0), firstOf(t, homes, 1)
	m := regexp.MustCompile(`State = "?(0x[0-9a-f]+)`).FindStringSubmatch(b.ask(nas, 1, "auth", "User-Name=otp", "User-Password=x"))
	if m == nil {
		t.Fatal("no challenge")
	}
	contains(t, b.ask(nas, 1, "acct", "User-Name=late", "Acct-Status-Type=Start", "Acct-Session-Id=s2"), "Accounting-Response")
	away()
	began := time.Now()
	if n := b.login(other); n != 1 {
		t.Errorf("NAS %d was moved to node %d", other, n)
	}
	text := b.ask(nas, 40, "auth", "User-Name=otp", "User-Password=123456", "State="+m[1])
	contains(t, text, "Access-Accept", `"node n2"`)
	t.Logf("the answer to the challenge came after %v", time.Since(began).Round(10*time.Millisecond))
	contains(t, b.ask(nas, 1, "auth", "User-Name=otp", "User-Password=123456", "State="+m[1]), "Access-Reject") // it is spent
	contains(t, b.ask(nas, 1, "auth", "User-Name=one", "User-Password=hello", "NAS-Port=2"), "Access-Reject")   // and still on
	for i, home := range homes {
		if home == 0 && b.login(i) != 1 {
			t.Errorf("NAS %d is at a dead node", i)
		}
	}
	contains(t, b.ask(nas, 1, "acct", "User-Name=one", "Acct-Status-Type=Stop", "Acct-Session-Id=s1", "NAS-Port=1", "Acct-Session-Time=9"), "Accounting-Response")
	contains(t, b.ask(nas, 1, "auth", "User-Name=one", "User-Password=hello", "NAS-Port=2"), "Access-Accept")

	back()
	b.follow(homes, 0, 0)
	// What the dead node had answered is in the database, once.
	for late := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := strings.TrimSpace(b.pg.query("SELECT username, count(*), count(acctstoptime) FROM radacct GROUP BY 1 ORDER BY 1"))
		if got == "late|1|0\none|1|1" {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("rows: %s", got)
		}
	}
	if got := b.homes(); got != homes {
		t.Errorf("NASes have moved: %v, then %v", homes, got)
	}
}

// TestAnycast: two nodes announce one address by BGP, with the files of examples/fleet.
func TestAnycast(t *testing.T) {
	for _, tool := range []string{"bird", "birdc", "nsenter", "redis-server"} {
		foreignTool(t, tool)
	}
	if !inOwnNetwork(t) {
		return
	}
	b := newBalanced(t)
	writeFiles(t, b.dir, map[string]string{"secret": loopSecret + "\n"})
	secret := filepath.Join(b.dir, "secret")
	b.bird(b.balancer, "router.conf", "10.2.1.")
	for i, n := range b.nodes {
		socket := b.bird(n.place, "bird.conf", fmt.Sprintf("10.2.%d.", i+1))
		log := b.background(n.place, "env", "BIRD="+socket, "../../examples/fleet/announce", fleetAddress, secret, filepath.Join(n.raddb, "drain"))
		if !log.wait("enable", make(chan int, 1)) {
			t.Fatalf("%s announces nothing: %s\n%s", n.name, log, n.log)
		}
	}
	b.routes(2)
	homes := b.homes()
	b.shares(homes)
	b.loses(homes, func() { b.nodes[0].end(syscall.SIGKILL) }, func() { b.start(b.nodes[0]); b.routes(2) })

	// Drained: no login waits, none is lost.
	for range 2 {
		writeFiles(t, b.nodes[1].raddb, map[string]string{"drain": ""})
		b.follow(homes, 1, 0)
		os.Remove(filepath.Join(b.nodes[1].raddb, "drain"))
		b.follow(homes, 1, 1)
	}
	// A machine whose wire is cut.
	b.nodes[1].do("ip link set eth0 down")
	nas, began := firstOf(t, homes, 1), time.Now()
	contains(t, b.ask(nas, 40, "auth", "User-Name=bob", "User-Password=hello"), "Access-Accept", `"node n1"`)
	t.Logf("a login was answered by the other machine after %v", time.Since(began).Round(10*time.Millisecond))
}

// bird starts BIRD with a file of examples/fleet in which the first three numbers of addresses of node 1 are put in the place of its
// own, and gives its socket.
func (b *balanced) bird(p *place, file, prefix string) (socket string) {
	b.t.Helper()
	text, err := os.ReadFile("../../examples/fleet/" + file)
	if err != nil {
		b.t.Fatal(err)
	}
	if file == "bird.conf" {
		text = []byte(strings.ReplaceAll(string(text), "10.2.1.", prefix))
	}
	name := "bird." + p.pid
	writeFiles(b.t, b.dir, map[string]string{name: string(text)})
	socket = filepath.Join(b.pg.dir, name) // the path of a socket is short
	log := b.background(p, "bird", "-f", "-c", filepath.Join(b.dir, name), "-s", socket, "-P", filepath.Join(b.dir, name+".pid"))
	for late := time.Now().Add(10 * time.Second); exec.Command("birdc", "-s", socket, "show", "status").Run() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			b.t.Fatalf("bird: %s", log)
		}
	}
	return socket
}

// routes waits until the router knows so many ways to the address.
func (b *balanced) routes(n int) {
	b.t.Helper()
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, _ := b.balancer.command("ip", "route", "show", fleetAddress).CombinedOutput()
		if strings.Count(string(out), "via ") == n {
			return
		}
		if time.Now().After(late) {
			b.t.Fatalf("want %d ways: %s", n, out)
		}
	}
}
