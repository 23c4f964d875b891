package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"perilune/engine/radius"
)

// A slowWeb is a service that answers after 20 to 120 ms, one time in a hundred too late, and one time fails.
type slowWeb struct{ *httptest.Server }

func newSlowWeb(t *testing.T) *slowWeb {
	w := &slowWeb{httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pause := time.Duration(20+rand.IntN(100)) * time.Millisecond
		switch rand.IntN(100) {
		case 0:
			pause = 2 * time.Second
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		select {
		case <-time.After(pause):
			fmt.Fprint(w, "hello ", r.URL.Query().Get("user"))
		case <-r.Context().Done():
		}
	}))}
	t.Cleanup(w.Close)
	return w
}

// A moodyHome is a home server that is silent for a second out of five, answers users whose names begin with late only
// every other time, and those with never not at all.
type moodyHome struct {
	conn  *net.UDPConn
	begun time.Time
}

func newMoodyHome(t *testing.T) *moodyHome {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadBuffer(4 << 20)
	h := &moodyHome{conn: conn, begun: time.Now()}
	var running sync.WaitGroup
	running.Go(h.run)
	t.Cleanup(func() {
		conn.Close()
		running.Wait()
	})
	return h
}

// address is host:port:acct-port.
func (h *moodyHome) address() string {
	port := h.conn.LocalAddr().(*net.UDPAddr).Port
	return fmt.Sprintf("127.0.0.1:%d:%d", port, port+1)
}

func (h *moodyHome) run() {
	var s radius.Session
	s.Use(radius.NewSecret(loopSecret))
	buf := make([]byte, radius.MaxPacketLen)
	for n := 0; ; n++ {
		size, from, err := h.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if p, err := radius.Parse(buf[:size]); err == nil && !h.silent(&p, n) {
			h.conn.WriteToUDPAddrPort(h.reply(&s, &p), from)
		}
	}
}

func (h *moodyHome) silent(p *radius.Packet, n int) bool {
	user, _ := p.Attributes.Find(1)
	switch {
	case strings.HasPrefix(string(user), "never"):
		return true
	case strings.HasPrefix(string(user), "late"):
		return n%2 == 0
	}
	return int(time.Since(h.begun).Seconds())%5 == 4
}

// reply lets in, and names the user.
func (h *moodyHome) reply(s *radius.Session, p *radius.Packet) []byte {
	user, _ := p.Attributes.Find(1)
	b := append([]byte{byte(radius.CodeAccessAccept), p.Identifier, 0, 0}, make([]byte, 16)...)
	b = radius.AppendAttribute(b, radius.TypeMessageAuthenticator, make([]byte, 16))
	b = append(b, avp(18, "home of "+string(user))...)
	for t, value := range p.Attributes.All() {
		if t == radius.TypeProxyState {
			b = radius.AppendAttribute(b, t, value)
		}
	}
	radius.PutLength(b)
	s.SignReply(b, &p.Authenticator)
	return b
}
