package policy

import (
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
)

const serveSecret = "a secret for the loopback"

// serve answers on loopback with a script's policy until the test ends.
func (h *house) serve() netip.AddrPort {
	h.t.Helper()
	var errs raddb.List
	tree := raddb.OpenFS(fstest.MapFS{"clients": {Data: []byte(`127.0.0.0/8 "` + serveSecret + `" here`)}})
	h.gen.Clients = nas.Load(tree, "clients", &errs)
	core, err := server.NewCore(server.CoreOptions{Forwarder: h.forwarder})
	if err != nil {
		h.t.Fatal(err, errs)
	}
	o := h.listening
	o.Listeners = []server.Listener{{Kind: "auth", Addr: netip.MustParseAddrPort("127.0.0.1:0"), ReceiveBuffer: 4 << 20}}
	s, err := server.New(core, o)
	if err != nil {
		h.t.Fatal(err)
	}
	s.Swap(h.gen)
	h.server = s
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
		core.Close()
	})
	return s.Addrs()[0]
}

// ask sends one Access-Request and gives the code of the verified reply, 0 if none came.
func ask(t *testing.T, to netip.AddrPort, user string) radius.Code {
	var s radius.Session
	s.Use(radius.NewSecret(serveSecret))
	p := radius.Packet{Code: radius.CodeAccessRequest, Identifier: 1}
	rand.Read(p.Authenticator[:])
	p.Attributes = radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
	p.Attributes = radius.AppendAttribute(p.Attributes, radius.TypeUserName, []byte(user))
	p.Attributes = radius.AppendAttribute(p.Attributes, radius.TypeUserPassword, s.HidePassword(nil, []byte("pw"), &p.Authenticator))
	out, err := p.AppendTo(nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	s.SignRequest(out)
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer conn.Close()
	conn.Write(out)
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	in := make([]byte, radius.MaxPacketLen)
	n, err := conn.Read(in)
	if err != nil {
		return 0
	}
	if _, err := s.VerifyReply(in[:n], &p.Authenticator); err != nil {
		t.Error(err)
	}
	reply, _ := radius.Parse(in[:n])
	return reply.Code
}

// TestServe: on a real socket, hooks that burn their whole budget cost their own requests and no other.
func TestServe(t *testing.T) {
	h := load(t, `
on("authorize", {when={user="burn*"}, timeout="60s"}, function() while true do end end)
on("authorize", {when={user="hash*"}, timeout="60s"}, function(req)
  if req:check_password("$2a$04$xJFDiADGRSPbb3vWLDGkDeXJBAR1kF/w1gQ9WJgJmWPgIyOJjy3ua") then return accept{} end
  return reject{reason="hash"}
end)
on("authorize", function(req) return accept{["Reply-Message"]=req.user:upper()} end)`)
	h.gen.Settings.AccessDeadline = time.Minute // the steps are to end it, also on a slow machine
	to := h.serve()
	var all sync.WaitGroup
	for i := range 24 {
		user, want := "good", radius.CodeAccessAccept
		switch i % 3 {
		case 0:
			user, want = "burn", radius.CodeAccessReject
		case 1:
			user, want = "hash", radius.CodeAccessReject
		}
		all.Go(func() {
			if got := ask(t, to, user); got != want {
				t.Errorf("%s: %v, want %v", user, got, want)
			}
		})
	}
	all.Wait()
}
