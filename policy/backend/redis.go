package backend

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"perilune/engine/config"
	"perilune/policy/module"
)

// A redisPool is a Redis or Valkey with its connections and its breaker. Tables with the same settings share it.
type redisPool struct {
	client  *redis.Client // with its connections
	end     context.CancelFunc
	timeout time.Duration // of one call
	breaker *breaker
	room    int // calls at once: those that have a connection and those that wait for one

	mu    sync.Mutex // protects calls and over
	calls int        // under way
	over  bool
}

// redisSettings are all that a pool is made of.
type redisSettings struct {
	*config.BackendKV
	files tlsFiles
}

// redisSettings reads the files that the settings name.
func (l *Lease) redisSettings(b *config.BackendKV) (redisSettings, error) {
	files, err := l.tlsFiles(b.CA, b.Cert, b.Key)
	return redisSettings{b, files}, err
}

// key names all that makes a difference, secrets as their hash.
func (s redisSettings) key() string {
	h := sha256.New()
	for _, text := range []string{s.Address, s.User, s.Password.Text(), string(s.files.ca), string(s.files.cert), string(s.files.key), fmt.Sprint(
		s.Database, s.TLS, s.Timeout, s.Fails, s.Cooldown, s.Connections, s.Waiting)} {
		fmt.Fprintf(h, "%d %s", len(text), text)
	}
	return fmt.Sprintf("redis %x", h.Sum(nil))
}

// redisIdle is how long a connection may be unused and is used again.
const redisIdle = time.Minute

// openRedis makes a pool, which connects when it is asked first.
func openRedis(s redisSettings) (*redisPool, error) {
	redis.SetLogger(&logging.VoidLogger{}) // all that it tells comes back as errors, too
	var c *tls.Config
	if s.TLS {
		var err error
		if c, err = s.files.config(); err != nil {
			return nil, err
		}
		c.ServerName, _, _ = net.SplitHostPort(s.Address) // the configuration was checked
	}
	life, end := context.WithCancel(context.Background())
	return &redisPool{
		client: redis.NewClient(s.options(life, c)), end: end, timeout: s.Timeout, room: s.Connections + s.Waiting,
		breaker: &breaker{fails: s.Fails, cooldown: s.Cooldown, now: time.Now},
	}, nil
}

// options are those of the library. Nothing is tried twice, nothing is asked for but what we ask for.
func (s redisSettings) options(life context.Context, c *tls.Config) *redis.Options {
	network := "tcp"
	if strings.HasPrefix(s.Address, "/") {
		network = "unix"
	}
	return &redis.Options{
		Network: network, Addr: s.Address, Dialer: s.dialer(life, c), Protocol: 2,
		Username: s.User, Password: s.Password.Text(), DB: s.Database,
		DialTimeout: s.Timeout, ReadTimeout: s.Timeout, WriteTimeout: s.Timeout, ContextTimeoutEnabled: true, MaxRetries: -1,
		PoolSize: s.Connections, MaxActiveConns: s.Connections, PipelinePoolSize: -1, ConnMaxIdleTime: redisIdle,
		ReadBufferSize: redisBuffer, WriteBufferSize: redisBuffer,
		DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// redisBuffer is what a connection reads and writes at once, in octets; longer values take several turns.
const redisBuffer = 4096

// Close ends the pool: connections at once if no call is under way, else with the last one.
func (p *redisPool) Close() error {
	p.mu.Lock()
	p.over = true
	idle := p.calls == 0
	p.mu.Unlock()
	if idle {
		return p.shut()
	}
	return nil
}

func (p *redisPool) shut() error {
	p.end()
	return p.client.Close()
}

// enter lets a call in. Whoever gets in leaves.
func (p *redisPool) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
		return errClosed
	case p.calls >= p.room:
		return module.ErrBusy
	}
	p.calls++
	return nil
}

func (p *redisPool) leave() {
	p.mu.Lock()
	p.calls--
	last := p.over && p.calls == 0
	p.mu.Unlock()
	if last {
		p.shut()
	}
}

// askRedis makes one call. It ends with the caller's context, or after the time of one call.
func askRedis[T any](ctx context.Context, p *redisPool, call func(context.Context, *redis.Client) (T, error)) (v T, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	return guarded(p.breaker, p.timeout, func() (T, error) {
		if err := p.enter(); err != nil {
			return v, err
		}
		defer p.leave()
		return await(ctx, p, call)
	})
}

// await makes a call where nobody waits for it: the library looks at deadlines, but not at a context that is cancelled.
// What nobody waits for any more ends at its deadline or with the pool.
func await[T any](ctx context.Context, p *redisPool, call func(context.Context, *redis.Client) (T, error)) (v T, err error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := call(ctx, p.client)
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.v, redisFailure(ctx, a.err)
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

// redisFailure gives what a script is told of an error of the library.
func redisFailure(ctx context.Context, err error) error {
	var said redis.Error
	var slow net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil): // no value where one must be
		return errRESP
	case errors.As(err, &said):
		return redisRefusal(said.Error())
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &slow) && slow.Timeout():
		return context.DeadlineExceeded
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it closed the connection")
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return module.ErrBusy
	}
	return err
}

// redisRefusal is for what the server says about a call that it does not do.
func redisRefusal(text string) error {
	switch {
	case strings.Contains(text, scriptNoNumber):
		return errNoNumber
	case strings.Contains(text, scriptTooLarge):
		return errTooLarge
	}
	return &module.Failure{Kind: "refused", Err: fmt.Errorf("it says %q", text)}
}
