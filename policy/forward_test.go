package policy

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"perilune/engine/proxy"
	"perilune/engine/radius"
)

const homeSecret = "a secret of the home server"

// startHome answers Access-Requests on loopback once n of them wait, the last first. It gives its address.
func startHome(t *testing.T, n int) string {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var replies [][]byte
		var to []*net.UDPAddr
		buf := make([]byte, radius.MaxPacketLen)
		for {
			size, from, err := conn.ReadFromUDP(buf)
			if err != nil {
				return
			}
			if _, err := s.VerifyRequest(buf[:size]); err != nil {
				t.Error(err)
				continue
			}
			replies, to = append(replies, homeReply(buf[:size], &s)), append(to, from)
			if len(replies) < n {
				continue
			}
			for i := len(replies) - 1; i >= 0; i-- {
				conn.WriteToUDP(replies[i], to[i])
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	return conn.LocalAddr().String()
}

func homeReply(request []byte, s *radius.Session) []byte {
	q, err := radius.Parse(request)
	if err != nil {
		panic(err) // it was verified
	}
	p := radius.Packet{Code: radius.CodeAccessAccept, Identifier: q.Identifier}
	p.Attributes = radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
	if name, ok := q.Attributes.Find(radius.TypeUserName); ok {
		p.Attributes = radius.AppendAttribute(p.Attributes, 25, name) // Class
	}
	for t, value := range q.Attributes.All() {
		if t == radius.TypeProxyState {
			p.Attributes = radius.AppendAttribute(p.Attributes, t, value)
		}
	}
	out, err := p.AppendTo(nil)
	if err != nil {
		panic(err)
	}
	s.SignReply(out, &q.Authenticator)
	return out
}

// TestParkedRequests: many requests wait for a home server at once, in few Lua states, and each finds its own
// context again.
func TestParkedRequests(t *testing.T) {
	const users = 60
	h := load(t, `
huntgroup("odd", function(req) req.ctx.asked = (req.ctx.asked or 0) + 1 return req.stripped:match("[13579]$") ~= nil end)
on("route", function(req)
  req.ctx.who, req.ctx.odd = req.user, req:huntgroup("odd")
  return proxy{realm="example.net"}
end)
on("pre_proxy", function(req) req["Class"], req.ctx.sent = "hidden", req.user end)
on("post_proxy", {when={proxy="accept"}}, function(req)
  local c = req.ctx
  if c.who == req.received_user and c.sent == req.stripped and c.odd == req:huntgroup("odd") and c.asked == 1 and
    req.proxy.reply["Class"] == req.stripped and req.realm == "example.net" and not req:has("Class") then return end
  return reject{reason="mixed up"}
end)`)
	realms := testRealms(t, fmt.Sprintf("example.net %s timeout=30 secret=%q\n", startHome(t, users), homeSecret))
	h.forwarder, h.gen.Realms = proxy.NewForwarder(proxy.ForwarderOptions{}), realms
	h.forwarder.Configure(realms)
	t.Cleanup(h.forwarder.Close)
	to := h.serve()
	var all sync.WaitGroup
	for i := range users {
		all.Go(func() {
			if got := ask(t, to, fmt.Sprintf("user%d@example.net", i)); got != radius.CodeAccessAccept {
				t.Errorf("user%d: %v", i, got)
			}
		})
	}
	all.Wait()
	h.pr.mu.Lock()
	defer h.pr.mu.Unlock()
	if n := len(h.pr.idle); n > users/2 {
		t.Errorf("%d Lua states for %d requests that only waited", n, users)
	}
}
