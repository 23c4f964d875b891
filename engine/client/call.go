package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"perilune/engine/radius"
)

// call is one server's part of an exchange: its signed packet and its connected socket, through which the
// kernel lets nobody else's datagrams. A late reply to an earlier try is still there for the next one.
type call struct {
	server  Server
	session radius.Session
	packet  []byte
	tries   int       // used so far
	due     time.Time // the end of the last try, and the earliest begin of the next
	addrs   []string  // of the server's name, each with the port; resolved at the first try
	at      int       // the address in use
	conn    net.Conn  // to it; nil before the first try
	last    error
}

func (c *call) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// try sends once and waits as long as the server's line says. A port that refuses ends the try early, for
// the next server's sake; the refusing server's own next try keeps its time, so that a server that is just
// being restarted does not lose all its tries in a millisecond.
func (x *exchange) try(ctx context.Context, c *call) (*Reply, error) {
	if err := pause(ctx, time.Until(c.due)); err != nil {
		return nil, err
	}
	c.due = time.Now().Add(c.server.Timeout)
	if err := c.resolve(ctx); err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) && dns.IsNotFound {
			c.due = time.Time{} // to wait would not make the name better
		}
		return nil, err
	}
	for {
		reply, err := x.ask(ctx, c)
		if reply != nil || !errors.Is(err, syscall.ECONNREFUSED) || !c.nextAddress() {
			return reply, err
		}
	}
}

// pause waits, or gives the error of ctx if that ends first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *call) resolve(ctx context.Context) error {
	if c.addrs != nil {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, c.due)
	defer cancel()
	host, port, err := net.SplitHostPort(c.server.Address)
	if err != nil {
		return err
	}
	hosts, err := net.DefaultResolver.LookupHost(ctx, host)
	for _, h := range hosts {
		c.addrs = append(c.addrs, net.JoinHostPort(h, port))
	}
	return err
}

// nextAddress goes on to the next address of a name like localhost, which may be ::1 and 127.0.0.1 where
// the server listens on one of them only. false if there is none; the next try begins with the first again.
func (c *call) nextAddress() bool {
	if len(c.addrs) == 1 {
		return false
	}
	c.close()
	c.at = (c.at + 1) % len(c.addrs)
	return c.at != 0
}

// ask sends the packet to the address in use and waits for a valid reply until the end of the try.
func (x *exchange) ask(ctx context.Context, c *call) (*Reply, error) {
	if err := c.connect(ctx); err != nil {
		return nil, plain(err)
	}
	conn := c.conn
	conn.SetDeadline(c.due)
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	sent := time.Now()
	if err := c.send(); err != nil {
		return nil, plain(err)
	}
	reply, err := x.await(c)
	if reply != nil {
		reply.Took = time.Since(sent)
	}
	return reply, err
}

func (c *call) connect(ctx context.Context) (err error) {
	if c.conn == nil {
		c.conn, err = new(net.Dialer).DialContext(ctx, "udp", c.addrs[c.at])
	}
	return err
}

// send sends once more if the first attempt only brought the refusal of an earlier try to light: the kernel
// keeps an ICMP error for the next call on the socket, and that call sends nothing.
func (c *call) send() error {
	_, err := c.conn.Write(c.packet)
	if errors.Is(err, syscall.ECONNREFUSED) {
		_, err = c.conn.Write(c.packet)
	}
	return err
}

// await reads until a valid reply, a refusal or the deadline.
func (x *exchange) await(c *call) (*Reply, error) {
	var buf [radius.MaxPacketLen + 1]byte
	var refused error
	for {
		n, err := c.conn.Read(buf[:])
		if err != nil {
			return nil, c.nothing(err, refused)
		}
		reply, err := x.check(c, buf[:n])
		if err == nil {
			reply.Server = c.server.Address
			return reply, nil
		}
		refused = err
		if x.client.Refused != nil {
			x.client.Refused(c.server.Address, err)
		}
	}
}

// nothing says why a try ended without a reply, and what came instead of one: most often a reply that the
// wrong secret signed.
func (c *call) nothing(err, refused error) error {
	if !os.IsTimeout(err) {
		return plain(err)
	}
	if refused != nil {
		return fmt.Errorf("nothing valid within %v; refused was: %w", c.server.Timeout, refused)
	}
	return fmt.Errorf("nothing within %v", c.server.Timeout)
}

// plain takes off what package net wraps around the kernel's word.
func plain(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}
