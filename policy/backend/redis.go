package backend

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"perilune/engine/config"
	"perilune/policy/module"
)

// A redisPool is a Redis or Valkey with its connections and its breaker. Tables with the same settings share it.
type redisPool struct {
	client  *redis.Client
	timeout time.Duration
	gate    *gate
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

// openRedis makes a pool, which connects when it is asked first.
func openRedis(s redisSettings) (*redisPool, error) {
	o := &redis.Options{
		Network: "tcp", Addr: s.Address, Username: s.User, Password: s.Password.Text(), DB: s.Database,
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, // a call that was sent may have been done
		DialerRetries:            1,
		DialTimeout:              s.Timeout, ReadTimeout: s.Timeout, WriteTimeout: s.Timeout,
		PoolSize: s.Connections, PoolTimeout: s.Timeout, ConnMaxIdleTime: idleTime,
	}
	if strings.HasPrefix(s.Address, "/") {
		o.Network = "unix"
	}
	if s.TLS {
		c, err := tlsOf(s.ca, s.cert, s.pin)
		if err != nil {
			return nil, err
		}
		o.TLSConfig = named(c, s.Address)
	}
	return &redisPool{
		client: redis.NewClient(o), timeout: s.Timeout, gate: newGate(s.Connections, s.Waiting),
		breaker: &breaker{fails: s.Fails, cooldown: s.Cooldown, now: time.Now},
	}, nil
}

// named says whose certificate is expected.
func named(c *tls.Config, address string) *tls.Config {
	c.ServerName, _, _ = net.SplitHostPort(address) // the configuration was checked
	return c
}

// Close implements io.Closer.
func (p *redisPool) Close() error { return p.client.Close() }

// ask makes one call. Its context ends with the caller's, or after the time of one call.
func (p *redisPool) ask(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := p.gate.enter(ctx); err != nil {
		return err
	}
	defer p.gate.leave()
	trial, err := p.breaker.allow()
	if err != nil {
		return err
	}
	began := time.Now()
	err = redisFailure(ctx, call(ctx))
	p.breaker.done(trial, p.judge(err, time.Since(began)))
	return err
}

// judge says what the end of a call tells of the server.
func (p *redisPool) judge(err error, took time.Duration) outcome {
	var misuse *module.Misuse
	switch {
	case err == nil, errors.As(err, &misuse):
		return good
	case module.AsFailure(err).Kind == "timeout" && took < min(fairTime, p.timeout):
		return mute
	}
	return bad
}

// redisFailure gives what a script is told of an error.
func redisFailure(ctx context.Context, err error) error {
	var said redis.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &said):
		return saidFailure(said.Error())
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return module.ErrBusy
	}
	return err
}

// saidFailure gives the failure behind what the server says.
func saidFailure(text string) error {
	switch {
	case strings.Contains(text, scriptNoNumber):
		return errNoNumber
	case strings.Contains(text, scriptTooLarge):
		return errTooLarge
	}
	return &module.Failure{Kind: "refused", Err: errors.New(text)}
}
