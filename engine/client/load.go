package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"perilune/engine/radius"
)

// What a Load asks for (Load.Method).
const (
	MethodPAP  = "pap"  // Access-Requests with User-Password
	MethodCHAP = "chap" // Access-Requests with CHAP-Password, the challenge being the authenticator
	MethodAcct = "acct" // Accounting-Requests: whole sessions of Start, Interim-Update and Stop
)

// A Load measures a server of any make: many requests from several sockets, either with a fixed number
// outstanding (closed loop) or at a fixed rate (open loop, latency counted from the time at which a request
// was due, to when the kernel took its reply in). Every reply's authenticator is checked.
type Load struct {
	Address     string        // host:port
	Secret      radius.Secret //
	Method      string        // one of the constants above; "" is MethodPAP
	Duration    time.Duration
	Sockets     int    // at least 1
	Outstanding int    // closed loop: requests in flight over all sockets, at most 256 for each
	Rate        int    // open loop: requests a second over all sockets; 0: closed loop
	Users       int    // names are made by NameFormat with numbers from 0 to Users-1
	NameFormat  string // like "user%07d@example.org"; one without %d is used as it is
	Password    string // like "pw%07d", with the same number; MethodAcct sends none
	Sign        bool   // send Message-Authenticator
	Wait        time.Duration

	// Sources, if not 0, is the number of clients that are played: requests leave in turns from so many
	// addresses, Source and those that follow it. All must be this machine's own, as all of 127.0.0.0/8 are.
	// Identifiers are counted for each socket, so few sockets play many clients. Linux only.
	Sources int
	Source  netip.Addr

	// Expect, if not 0, is the code that right requests must be answered with; another counts as Wrong.
	Expect radius.Code
	// WrongPasswords of 1000 Access-Requests have a password that is not the user's: an answer to them that
	// is not Access-Reject counts as Wrong.
	WrongPasswords int
}

// Run sends until Duration is over or ctx ends, then waits for what is still out.
func (l *Load) Run(ctx context.Context) (*LoadResult, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	server, err := net.ResolveUDPAddr("udp", l.Address)
	if err != nil {
		return nil, err
	}
	var shooters []*shooter
	n := l.shooters()
	for i := range n {
		s, err := l.shooter(server.AddrPort(), i, n)
		if err != nil {
			return nil, err
		}
		defer s.burst.close()
		shooters = append(shooters, s)
	}
	began := time.Now()
	var wg sync.WaitGroup
	for _, s := range shooters {
		wg.Go(func() { s.run(ctx, began) })
	}
	wg.Wait()
	result := &LoadResult{Replies: map[radius.Code]uint64{}}
	for _, s := range shooters {
		result.add(s, began)
	}
	return result, nil
}

// check refuses what could not be sent or measured.
func (l *Load) check() error {
	name, password := parseNumbered(l.NameFormat), parseNumbered(l.Password)
	switch {
	case l.Sockets < 1 || l.Users < 1 || l.Duration <= 0 || l.Wait <= 0:
		return errors.New("sockets, users, duration and wait must be positive")
	case l.Rate < 0 || l.Rate > 1e9:
		return errors.New("the rate must be 1 to 1000000000 requests a second, or 0 for a closed loop")
	case l.Rate == 0 && (l.Outstanding < 1 || l.Outstanding > 256*l.Sockets):
		return errors.New("the requests in flight must be 1 to 256 for each socket")
	case name.longest(l.Users) == 0 || name.longest(l.Users) > radius.MaxValueLen:
		return fmt.Errorf("the user name must have 1 to %d octets", radius.MaxValueLen)
	case password.longest(l.Users) > radius.MaxPasswordLen:
		return fmt.Errorf("the password must have at most %d octets", radius.MaxPasswordLen)
	}
	return errors.Join(l.checkSources(), l.checkMethod())
}

// mostSources keeps numbers of sources in four octets, and IPv4 addresses within a network like 127.0.0.0/8.
const mostSources = 1 << 24

func (l *Load) checkSources() error {
	switch {
	case l.Sources < 0 || l.Sources > mostSources:
		return fmt.Errorf("the sources must be 0 to %d", mostSources)
	case l.Sources > 0 && !l.Source.IsValid():
		return errors.New("the first source address is missing")
	case l.Sources > 0 && !l.lastSource().IsValid():
		return fmt.Errorf("there are no %d addresses from %v on", l.Sources, l.Source)
	}
	return nil
}

// lastSource gives Source + Sources - 1, the zero address if there is no such one.
func (l *Load) lastSource() netip.Addr {
	octets := l.Source.AsSlice()
	low := octets[len(octets)-4:]
	n := binary.BigEndian.Uint32(low)
	if n+uint32(l.Sources-1) < n {
		return netip.Addr{}
	}
	binary.BigEndian.PutUint32(low, n+uint32(l.Sources-1))
	last, _ := netip.AddrFromSlice(octets)
	return last
}

func (l *Load) checkMethod() error {
	switch l.Method {
	case "", MethodPAP, MethodCHAP:
		if l.Expect != 0 && !l.Expect.Answers(radius.CodeAccessRequest) {
			return fmt.Errorf("%v never answers an Access-Request", l.Expect)
		}
		if l.WrongPasswords < 0 || l.WrongPasswords > 1000 {
			return errors.New("wrong passwords must be 0 to 1000 of a thousand")
		}
		return nil
	case MethodAcct:
		if l.Expect != 0 && l.Expect != radius.CodeAccountingResponse || l.WrongPasswords != 0 {
			return errors.New("accounting is answered by Accounting-Response alone, and has no passwords")
		}
		return nil
	}
	return fmt.Errorf("the method %q is none; expected %s, %s or %s", l.Method, MethodPAP, MethodCHAP, MethodAcct)
}

// code gives what is asked.
func (l *Load) code() radius.Code {
	if l.Method == MethodAcct {
		return radius.CodeAccountingRequest
	}
	return radius.CodeAccessRequest
}

// wrongly reports whether a reply's code is not what its request should bring.
func (l *Load) wrongly(code radius.Code, wrongPassword bool) bool {
	if wrongPassword {
		return code != radius.CodeAccessReject
	}
	return l.Expect != 0 && code != l.Expect
}
