package backend

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"perilune/policy/module"
)

// A respConn speaks RESP2, the protocol of Redis and Valkey, over one connection: one call after the other.
type respConn struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	bad  bool // what comes next on it is not known
}

// A respReply is a text, a number or nothing.
type respReply struct {
	text   string
	number int64
	none   bool
}

// A respError is what the server says about a call that it does not do.
type respError string

// Error gives the server's words.
func (e respError) Error() string { return string(e) }

// maxReply bounds one text of a reply, in octets. No value of ours is as long.
const maxReply = 1 << 20

var errRESP = errors.New("what it sent is no answer of a Redis")

// dialRESP connects and logs in.
func dialRESP(ctx context.Context, s redisSettings, c *tls.Config) (*respConn, error) {
	network := "tcp"
	if strings.HasPrefix(s.Address, "/") {
		network = "unix"
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, s.Address)
	if err != nil {
		return nil, err
	}
	r := newRESP(conn)
	if c != nil {
		over := tls.Client(conn, c)
		if err := over.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		r.in.Reset(over)
		r.conn = over
	}
	if err := r.login(ctx, s); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func newRESP(conn net.Conn) *respConn { return &respConn{conn: conn, in: bufio.NewReader(conn)} }

func (r *respConn) login(ctx context.Context, s redisSettings) error {
	if s.Password != "" {
		call := []string{"AUTH", s.User, s.Password.Text()}
		if s.User == "" {
			call = []string{"AUTH", s.Password.Text()}
		}
		if _, err := r.do(ctx, call...); err != nil {
			return err
		}
	}
	if s.Database != 0 {
		_, err := r.do(ctx, "SELECT", strconv.Itoa(s.Database))
		return err
	}
	return nil
}

func (r *respConn) close() { r.conn.Close() }

// do makes one call. The end of ctx ends it at once; then, and after what is no answer, the connection is bad.
func (r *respConn) do(ctx context.Context, call ...string) (respReply, error) {
	done := context.AfterFunc(ctx, func() { r.conn.SetDeadline(time.Unix(1, 0)) })
	reply, err := r.exchange(call)
	if !done() {
		r.bad = true // its deadline is over, or is about to be
	}
	var said respError
	if err != nil && !errors.As(err, &said) {
		r.bad = true
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	return reply, err
}

func (r *respConn) exchange(call []string) (reply respReply, err error) {
	r.out = append(r.out[:0], '*')
	r.out = append(strconv.AppendInt(r.out, int64(len(call)), 10), '\r', '\n')
	for _, word := range call {
		r.out = strconv.AppendInt(append(r.out, '$'), int64(len(word)), 10)
		r.out = append(r.out, '\r', '\n')
		r.out = append(append(r.out, word...), '\r', '\n')
	}
	if _, err := r.conn.Write(r.out); err != nil {
		return reply, err
	}
	return readRESP(r.in)
}

// readRESP reads a reply that is one value.
func readRESP(in *bufio.Reader) (reply respReply, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return reply, cutOff(err)
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return reply, errRESP
	}
	kind, rest := line[0], string(line[1:len(line)-2])
	switch kind {
	case '+':
		reply.text = rest
	case '-':
		return reply, respError(rest)
	case ':':
		reply.number, err = strconv.ParseInt(rest, 10, 64)
	case '$':
		return readBulk(in, rest)
	default:
		err = errRESP
	}
	if err != nil {
		err = errRESP
	}
	return reply, err
}

// readBulk reads a text whose length was read.
func readBulk(in *bufio.Reader, length string) (reply respReply, err error) {
	n, err := strconv.Atoi(length)
	switch {
	case err == nil && n == -1:
		return respReply{none: true}, nil
	case err != nil || n < 0 || n > maxReply:
		return reply, errRESP
	}
	text := make([]byte, n+2)
	if _, err := io.ReadFull(in, text); err != nil {
		return reply, cutOff(err)
	}
	if string(text[n:]) != "\r\n" {
		return reply, errRESP
	}
	reply.text = string(text[:n])
	return reply, nil
}

// cutOff names the end of a connection, and a line beyond all bounds.
func cutOff(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it closed the connection")
	case errors.Is(err, bufio.ErrBufferFull):
		return errRESP
	}
	return err
}

// A respScript is a script that runs in the server, known there by its digest.
type respScript struct{ source, digest string }

func newScript(source string) respScript {
	sum := sha1.Sum([]byte(source))
	return respScript{source, hex.EncodeToString(sum[:])}
}

// run runs a script on one key.
func (s respScript) run(ctx context.Context, r *respConn, key string, args ...string) (respReply, error) {
	reply, err := r.do(ctx, append([]string{"EVALSHA", s.digest, "1", key}, args...)...)
	var said respError
	if errors.As(err, &said) && strings.HasPrefix(string(said), "NOSCRIPT") {
		return r.do(ctx, append([]string{"EVAL", s.source, "1", key}, args...)...)
	}
	return reply, err
}

// refusal gives what a script is told of an error of a call.
func (r *respConn) refusal(err error) error {
	var said respError
	if !errors.As(err, &said) {
		return err
	}
	switch {
	case strings.Contains(string(said), scriptNoNumber):
		return errNoNumber
	case strings.Contains(string(said), scriptTooLarge):
		return errTooLarge
	}
	return &module.Failure{Kind: "refused", Err: fmt.Errorf("it says %q", string(said))}
}
