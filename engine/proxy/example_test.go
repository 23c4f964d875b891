package proxy_test

import (
	"fmt"
	"net/netip"

	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// A desk is what serves one request: its Exchange is part of it, and its two functions are made once.
type desk struct {
	exchange proxy.Exchange
	received radius.Packet
	user     []byte
	over     chan struct{}
}

func newDesk() *desk {
	d := &desk{over: make(chan struct{})}
	d.exchange.Encode = func(dst []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error) {
		dst = radius.AppendAttribute(dst, radius.TypeUserName, d.user)
		return radius.AppendAttribute(dst, radius.TypeUserPassword, s.HidePassword(nil, []byte("hello"), auth)), nil
	}
	d.exchange.Done = func(*proxy.Exchange) { close(d.over) } // a server goes on with the request here
	return d
}

func ExampleForwarder() {
	realm := &proxy.Realm{Name: "example.net", Servers: []proxy.Server{
		{Name: "home", Auth: netip.MustParseAddrPort("127.0.0.1:1812"), Secret: radius.NewSecret("a secret of the two of us")}}}
	f := proxy.NewForwarder(proxy.ForwarderOptions{})
	defer f.Close()
	f.Bind(realm) // a server calls Configure with all realms of a generation

	d := newDesk()
	d.user = []byte("bob")
	x := &d.exchange
	x.Code, x.Realm, x.Received, x.Serial = radius.CodeAccessRequest, realm, &d.received, 1

	s := f.NewSender() // each loop has one
	if outcome := s.Forward(x); outcome != proxy.Pending {
		fmt.Println("not sent:", outcome) // Done is not called
		return
	}
	s.Flush() // with the replies of the batch
	<-d.over
	fmt.Println(x.Outcome, x.Reply.Code, x.Server, x.Attempts, x.Took)
}
