package backend

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"
)

// Bounds of one answer: its octets, and the values in its lists. No value of ours is as long; the longest list is the
// server's greeting.
const (
	maxReply = 1 << 20
	maxItems = 4096
)

var errRESP = errors.New("what it sent is no answer of a Redis")

// A redisConn is a connection that lets only such answers through as are bounded: the library makes room for all that
// a server announces before it has come. They are of RESP2, the protocol that is asked for.
type redisConn struct {
	net.Conn
	line  []byte // the part of a line that has come
	body  int    // octets of a text that are still to come
	room  int    // octets that the answer to the last call may still have
	items int    // values that its lists may still have
}

// Write begins a call.
func (c *redisConn) Write(b []byte) (int, error) {
	c.room, c.items = maxReply, maxItems
	return c.Conn.Write(b)
}

// Read gives what has come if it may be the next part of an answer.
func (c *redisConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.follow(b[:n]) {
		return 0, errRESP
	}
	return n, err
}

// follow reports that what comes next is bounded.
func (c *redisConn) follow(b []byte) bool {
	if c.room -= len(b); c.room < 0 {
		return false
	}
	for len(b) > 0 {
		if c.body > 0 {
			n := min(c.body, len(b))
			c.body, b = c.body-n, b[n:]
			continue
		}
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if c.line = append(c.line, line...); !whole {
			return true
		}
		if !c.begin(string(c.line)) {
			return false
		}
		c.line, b = c.line[:0], rest
	}
	return true
}

// begin takes the line that a value begins with.
func (c *redisConn) begin(line string) bool {
	if len(line) < 2 || line[len(line)-1] != '\r' {
		return false
	}
	switch line[0] {
	case '+', '-', ':':
		return true
	case '$', '*':
	default:
		return false
	}
	n, err := strconv.Atoi(line[1 : len(line)-1])
	switch {
	case err == nil && n == -1: // none
		return true
	case err != nil || n < 0 || n > maxReply:
		return false
	case line[0] == '*':
		c.items -= n
		return c.items >= 0
	}
	c.body = n + len("\r\n")
	return true
}

// SyscallConn gives the library a look at what lies beneath, so that it finds out that an unused connection was closed.
func (c *redisConn) SyscallConn() (syscall.RawConn, error) {
	inner := c.Conn
	if t, ok := inner.(*tls.Conn); ok {
		inner = t.NetConn()
	}
	if s, ok := inner.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// A noConn stands for a connection that could not be made: the first call on it fails with the reason. The library
// would try again in the background after errors of its dialer, for ever; whether a dead server is asked is the
// breaker's affair.
type noConn struct {
	net.Conn
	reason error
}

func newNoConn(reason error) noConn {
	end, _ := net.Pipe()
	end.Close()
	return noConn{end, reason}
}

// SetWriteDeadline comes before all that is written.
func (c noConn) SetWriteDeadline(time.Time) error { return c.reason }

// Write gives the reason, too.
func (c noConn) Write([]byte) (int, error) { return 0, c.reason }

// dialer gives what connects. It ends with life, too.
func (s redisSettings) dialer(life context.Context, c *tls.Config) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, s.Timeout)
		defer cancel()
		defer context.AfterFunc(life, cancel)()
		conn, err := s.connect(ctx, network, address, c)
		if err != nil {
			return newNoConn(fmt.Errorf("no connection: %w", err)), nil // the library unwraps it once
		}
		return &redisConn{Conn: conn}, nil
	}
}

func (s redisSettings) connect(ctx context.Context, network, address string, c *tls.Config) (net.Conn, error) {
	if c != nil {
		return (&tls.Dialer{Config: c}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}
