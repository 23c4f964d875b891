package server

import (
	"net"
	"testing"
	"time"

	"perilune/engine/radius"
)

// startEcho is a home server that accepts all, with as little work as possible: its answers are not allocated.
func startEcho(b testing.TB) *away {
	b.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	conn.SetReadBuffer(8 << 20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var s radius.Session
		s.Use(radius.NewSecret(awaySecret))
		in, out := make([]byte, radius.MaxPacketLen), make([]byte, 0, radius.MaxPacketLen)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(in)
			if err != nil {
				return
			}
			out = append(out[:0], byte(radius.CodeAccessAccept), in[1], 0, 0)
			out = append(out, in[4:radius.HeaderLen]...)
			for t, v := range radius.Attributes(in[radius.HeaderLen:n]).All() {
				if t == radius.TypeProxyState {
					out = radius.AppendAttribute(out, t, v)
				}
			}
			radius.PutLength(out)
			auth := radius.Authenticator(in[4:radius.HeaderLen])
			s.SignReply(out, &auth)
			conn.WriteToUDPAddrPort(out, from)
		}
	}()
	b.Cleanup(func() {
		conn.Close()
		<-done
	})
	return &away{conn: conn}
}

// BenchmarkForward answers logins here, and by a home server: the whole way on loopback, client and home server
// included. 128 requests are under way at a time.
func BenchmarkForward(b *testing.B) {
	for _, user := range []string{"bob", "bob@net"} {
		name := "local"
		if user != "bob" {
			name = "home"
		}
		b.Run(name, func(b *testing.B) {
			g := load(b, "bob Cleartext-Password := \"hello\"\n", nil)
			g.Realms = realmsOf(b, "net 127.0.0.1:%d require-message-authenticator=no SECRET\n", startEcho(b))
			f := startForwarding(b, g, CoreOptions{})
			var conns [8]*net.UDPConn
			for i := range conns {
				conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.auth))
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				conns[i] = conn
			}
			datagrams, reply, lost, sent := manyLogins(user), make([]byte, radius.MaxPacketLen), 0, 0
			read := func(i int) {
				conns[i%len(conns)].SetReadDeadline(time.Now().Add(time.Second))
				if _, err := conns[i%len(conns)].Read(reply); err != nil {
					lost++
				}
			}
			turn := func(n int) {
				for i := range n {
					conns[i%len(conns)].Write(datagrams[sent/len(conns)%len(datagrams)])
					if sent++; i >= 128 {
						read(i)
					}
				}
				for i := range min(n, 128) {
					read(i)
				}
			}
			turn(2048) // warm
			b.ReportAllocs()
			b.ResetTimer()
			turn(b.N)
			b.ReportMetric(float64(lost), "lost")
		})
	}
}

// manyLogins makes requests that differ in their authenticators, so that none is a duplicate of another.
func manyLogins(user string) (list [][]byte) {
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	for i := range 1 << 13 {
		auth := radius.Authenticator{byte(i), byte(i >> 8)}
		attrs := radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
		attrs = radius.AppendAttribute(attrs, radius.TypeUserName, []byte(user))
		attrs = radius.AppendAttribute(attrs, radius.TypeUserPassword, s.HidePassword(nil, []byte("hello"), &auth))
		p := radius.Packet{Code: radius.CodeAccessRequest, Identifier: byte(i), Authenticator: auth, Attributes: attrs}
		d, _ := p.AppendTo(nil) // it is short
		s.SignRequest(d)
		list = append(list, d)
	}
	return list
}
