package client

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

const testSecret = "xyzzy5461"

// peer is a server of tests on loopback. Its handler sends what it likes, valid or not.
type peer struct {
	t       *testing.T
	conn    *net.UDPConn
	secret  radius.Secret
	mu      sync.Mutex // protects packets
	packets [][]byte
	done    chan struct{}
}

// ask is one datagram that the peer got.
type ask struct {
	*peer
	radius.Packet
	n    int // its number, from 1
	from *net.UDPAddr
}

// newPeer answers at addr, "127.0.0.1:0" or "[::1]:0", until the test ends.
func newPeer(t *testing.T, addr string, handle func(*ask)) *peer {
	t.Helper()
	at, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		t.Skip("this machine has no", addr)
	}
	conn.SetReadBuffer(4 << 20) // on a busy machine it may be long till the next read
	p := &peer{t: t, conn: conn, secret: radius.NewSecret(testSecret), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.serve(handle)
	}()
	t.Cleanup(p.stop)
	return p
}

// stop ends the peer, so that what its handler noted can be read.
func (p *peer) stop() {
	p.conn.Close()
	<-p.done
}

func (p *peer) serve(handle func(*ask)) {
	for {
		buf := make([]byte, radius.MaxPacketLen)
		n, from, err := p.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		packet, err := radius.Parse(buf[:n])
		if err != nil {
			p.t.Errorf("the client sent %x: %v", buf[:n], err)
			continue
		}
		p.mu.Lock()
		p.packets = append(p.packets, buf[:n])
		count := len(p.packets)
		p.mu.Unlock()
		if handle != nil {
			handle(&ask{p, packet, count, from})
		}
	}
}

// got gives the datagrams so far.
func (p *peer) got() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packets
}

// await waits until the peer has read n packets, which a busy machine may do late, and gives all.
func (p *peer) await(n int) [][]byte {
	for last := time.Now().Add(5 * time.Second); len(p.got()) < n && time.Now().Before(last); {
		time.Sleep(time.Millisecond)
	}
	return p.got()
}

func (p *peer) address() string { return p.conn.LocalAddr().String() }

// server is the peer as radius.conf would name it.
func (p *peer) server(timeout time.Duration, tries int) Server {
	return Server{Address: p.address(), Secret: p.secret, Timeout: timeout, Tries: tries}
}

// datagram is what the client sent.
func (a *ask) datagram() []byte { return a.got()[a.n-1] }

// reply makes a signed reply. Attributes are in wire form.
func (a *ask) reply(code radius.Code, attrs ...byte) []byte {
	p := radius.Packet{Code: code, Identifier: a.Identifier, Attributes: attrs}
	raw, err := p.AppendTo(nil)
	if err != nil {
		a.t.Error(err)
	}
	var s radius.Session
	s.Use(a.secret)
	s.SignReply(raw, &a.Authenticator)
	return raw
}

func (a *ask) send(raw []byte) { a.conn.WriteToUDP(raw, a.from) }

// messageAuthenticator is an attribute for SignReply to fill in.
func messageAuthenticator() []byte {
	return radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
}

// words has the attributes that the tests speak of.
func words(t testing.TB) *dictionary.Dictionary {
	t.Helper()
	var errs raddb.List
	d := dictionary.Load(raddb.Open("../../raddb"), "dictionary", &errs)
	if errs.Failed() {
		t.Fatal(errs)
	}
	d.Freeze()
	return d
}

func pairs(t testing.TB, d *dictionary.Dictionary, texts ...string) (l dictionary.List) {
	t.Helper()
	for _, text := range texts {
		p, err := d.ParsePair(text)
		if err != nil {
			t.Fatal(err)
		}
		l.AddShared(p)
	}
	return l
}

// text gives a reply as an administrator would note it down.
func text(r *Reply) string {
	if r == nil {
		return "no reply"
	}
	s := fmt.Sprintf("%v tries=%d signed=%v", r.Code, r.Tries, r.MessageAuthenticator)
	for i := range r.Attributes.Pairs {
		s += " " + string(r.Attributes.Pairs[i].AppendText(nil, false))
	}
	return s
}
