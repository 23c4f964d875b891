package backend

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"perilune/engine/config"
	"perilune/policy/module"
)

// A redisPool is a Redis or Valkey with its connections and its breaker. Tables with the same settings share it. A
// server that refuses connections is found out by the pool, one that is silent by the breaker.
type redisPool struct {
	*pool[*respConn]
	timeout time.Duration // of one call
	breaker *breaker
}

// redisSettings are all that a pool is made of.
type redisSettings struct {
	*config.BackendKV
	ca, cert, pin []byte
}

// redisSettings reads the files that the settings name.
func (l *Lease) redisSettings(b *config.BackendKV) (s redisSettings, err error) {
	s.BackendKV = b
	for _, f := range []struct {
		key, name string
		to        *[]byte
	}{{"ca", b.CA, &s.ca}, {"cert", b.Cert, &s.cert}, {"key", b.Key, &s.pin}} {
		if f.name == "" {
			continue
		}
		if *f.to, err = l.file(f.name); err != nil {
			return s, fmt.Errorf("%s: %w", f.key, err)
		}
	}
	return s, nil
}

// key names all that makes a difference, secrets as their hash.
func (s redisSettings) key() string {
	h := sha256.New()
	for _, text := range []string{s.Address, s.User, s.Password.Text(), string(s.ca), string(s.cert), string(s.pin), fmt.Sprint(
		s.Database, s.TLS, s.Timeout, s.Fails, s.Cooldown, s.Connections, s.Waiting)} {
		fmt.Fprintf(h, "%d %s", len(text), text)
	}
	return fmt.Sprintf("redis %x", h.Sum(nil))
}

// redisIdle is how long a connection is kept that nobody uses.
const redisIdle = time.Minute

// openRedis makes a pool, which connects when it is asked first. what names it to people.
func openRedis(what string, s redisSettings) (*redisPool, error) {
	var c *tls.Config
	if s.TLS {
		var err error
		if c, err = tlsOf(s.ca, s.cert, s.pin); err != nil {
			return nil, err
		}
		c.ServerName, _, _ = net.SplitHostPort(s.Address) // the configuration was checked
	}
	b := poolBounds{connections: s.Connections, waiting: s.Waiting, connect: s.Timeout, retry: s.Cooldown, idle: redisIdle}
	return &redisPool{
		pool:    newPool(what, b, func(ctx context.Context) (*respConn, error) { return dialRESP(ctx, s, c) }),
		timeout: s.Timeout,
		breaker: &breaker{fails: s.Fails, cooldown: s.Cooldown, now: time.Now},
	}, nil
}

// alive implements conn.
func (r *respConn) alive() bool { return quiet(r.conn) }

// ask makes one call on a connection. It ends with the caller's context, or after the time of one call.
func (p *redisPool) ask(ctx context.Context, call func(context.Context, *respConn) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	trial, err := p.breaker.allow()
	if err != nil {
		return err
	}
	began := time.Now()
	err = p.on(ctx, call)
	p.breaker.done(trial, p.judge(err, time.Since(began)))
	return err
}

// on makes a call on a connection of the pool.
func (p *redisPool) on(ctx context.Context, call func(context.Context, *respConn) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	err = c.refusal(call(ctx, c))
	if c.bad {
		p.drop(c)
	} else {
		p.put(c)
	}
	return err
}

// judge says what the end of a call tells of the server.
func (p *redisPool) judge(err error, took time.Duration) outcome {
	var misuse *module.Misuse
	if err == nil || errors.As(err, &misuse) {
		return good
	}
	switch kind := module.AsFailure(err).Kind; {
	case kind == "busy", kind == "timeout" && took < min(fairTime, p.timeout):
		return mute
	}
	return bad
}
