//go:build unix

package policy

import (
	"encoding/binary"
	"net"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// A lane is one server on loopback with its own script, and the requests that it is sent.
type lane struct {
	conn    net.Conn
	packets [][]byte
	serial  uint64
	in      []byte

	user   []float64 // ns of user time for a request, by round
	allocs float64
}

// newLane starts a server whose users file accepts everybody; without a script it has no policy.
func newLane(b *testing.B, script string) *lane {
	h := load(b, script)
	var errs raddb.List
	tree := raddb.OpenFS(fstest.MapFS{"users": {Data: []byte("$DIALECT freeradius\nDEFAULT Auth-Type := Accept\n\tReply-Message = \"hello\"\n")}})
	h.gen.Users = users.Load(tree, "users", users.Options{Dictionary: h.gen.Dictionary, Names: h.pr}, &errs)
	if err := errs.Err(); err != nil {
		b.Fatal(err)
	}
	if script == "" {
		h.gen.Policy = nil
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(h.serve()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	l := &lane{conn: conn, in: make([]byte, radius.MaxPacketLen)}
	for _, name := range rotatingNames() {
		p := radius.Packet{Code: radius.CodeAccessRequest}
		p.Attributes = radius.AppendAttribute(nil, radius.TypeUserName, name)
		p.Attributes = radius.AppendAttribute(p.Attributes, radius.TypeUserPassword, make([]byte, 16))
		p.Attributes = radius.AppendAttribute(p.Attributes, 5 /* NAS-Port */, []byte{0, 0, 0, 3})
		out, err := p.AppendTo(nil)
		if err != nil {
			b.Fatal(err)
		}
		l.packets = append(l.packets, out)
	}
	return l
}

// ask sends n requests, 64 at a time, and waits for all answers.
func (l *lane) ask(b *testing.B, n int) {
	l.conn.SetDeadline(time.Now().Add(time.Minute))
	sent := 0
	for back := 0; back < n; back++ {
		for ; sent < n && sent-back < 64; sent++ {
			p := l.packets[l.serial%uint64(len(l.packets))]
			l.serial++
			p[1] = byte(l.serial)
			binary.BigEndian.PutUint64(p[4:], l.serial)
			l.conn.Write(p)
		}
		if _, err := l.conn.Read(l.in); err != nil || radius.Code(l.in[0]) != radius.CodeAccessAccept {
			b.Fatal(err, radius.Code(l.in[0]))
		}
	}
}

func userTime() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano())
}

// round measures one round of a lane. The sender's work is part of it, in all lanes alike.
func (l *lane) round(b *testing.B, n int) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := userTime()
	l.ask(b, n)
	l.user = append(l.user, float64(userTime()-begun)/float64(n))
	runtime.ReadMemStats(&after)
	l.allocs += float64(after.Mallocs-before.Mallocs) / float64(n)
}

// over gives the median of what a lane takes more than another in the same round.
func (l *lane) over(base *lane) float64 {
	var more []float64
	for i := range l.user {
		more = append(more, l.user[i]-base.user[i])
	}
	slices.Sort(more)
	return more[len(more)/2]
}

// BenchmarkWay sends requests with changing names through whole servers on loopback, in turns: without policy, with a
// hook whose condition does not hold, and with a usual hook. What a hook adds in user time and allocations is the
// median over the rounds; 20 rounds and more (-benchtime 20x) say something.
func BenchmarkWay(b *testing.B) {
	lanes := []*lane{
		newLane(b, ""),
		newLane(b, `on("hints", {when={client="sw-*"}}, function(req) end)`),
		newLane(b, matchAndSet),
	}
	const requests = 20_000
	for _, l := range lanes {
		l.ask(b, requests)
	}
	for b.Loop() {
		for _, l := range lanes {
			l.round(b, requests)
		}
	}
	native, miss, hook := lanes[0], lanes[1], lanes[2]
	n := float64(len(native.user))
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(native.over(&lane{user: make([]float64, len(native.user))}), "user-ns/native")
	b.ReportMetric(miss.over(native), "user-ns/miss")
	b.ReportMetric(hook.over(native), "user-ns/hook")
	b.ReportMetric((hook.allocs-native.allocs)/n, "allocs/hook")
}
