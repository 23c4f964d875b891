package backend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/policy/module"
)

// HTTP implements module.Backends.
func (l *Lease) HTTP(name string, o *module.HTTPOptions) (module.HTTP, error) {
	s, err := l.httpSettings(name, o)
	if err != nil {
		return nil, err
	}
	return take(l, s.key(), func() (*httpPool, error) { return l.pools.openHTTP(s) })
}

// httpSettings are all that a pool is made of.
type httpSettings struct {
	config.BackendHTTP
	name    string
	base    *url.URL
	headers [][2]string
	files   tlsFiles
}

// httpSettings gives the settings of a name, or those that a script describes.
func (l *Lease) httpSettings(name string, o *module.HTTPOptions) (*httpSettings, error) {
	s := &httpSettings{name: name, BackendHTTP: config.DefaultHTTP()}
	if o == nil {
		c, ok := l.settings.Backend.HTTP[name]
		if !ok {
			return nil, notConfigured("http", name, raddb.DidYouMean(name, maps.Keys(l.settings.Backend.HTTP)))
		}
		s.BackendHTTP = *c
	} else {
		s.take(o)
	}
	var err error
	if s.base, err = module.ParseBase(s.Base); err != nil {
		return nil, err
	}
	if o != nil {
		s.name = s.base.Host
	}
	for _, line := range s.Headers {
		header, err := parseHeader(line.Text())
		if err != nil {
			return nil, err
		}
		s.headers = append(s.headers, header)
	}
	return s, l.httpFiles(s)
}

// take puts what a script says over the defaults.
func (s *httpSettings) take(o *module.HTTPOptions) {
	s.Base, s.CA, s.Cert, s.Key, s.Bearer = o.Base, o.CA, o.Cert, o.Key, config.Secret(o.Bearer)
	s.headers, s.Retry = slices.Clone(o.Headers), o.Retry
	if o.Timeout > 0 {
		s.Timeout = o.Timeout
	}
	if o.Cooldown > 0 {
		s.Cooldown = o.Cooldown
	}
	switch {
	case o.Fails > 0:
		s.Fails = o.Fails
	case o.Fails < 0:
		s.Fails = 0
	}
}

// parseHeader reads "NAME: VALUE". It may be secret: errors do not repeat it.
func parseHeader(line string) (h [2]string, err error) {
	name, value, ok := strings.Cut(line, ":")
	h = [2]string{strings.TrimSpace(name), strings.TrimSpace(value)}
	if !ok {
		return h, errors.New(`headers: a line is no header; expected "NAME: VALUE"`)
	}
	return h, module.CheckHeader(h[0], h[1])
}

// key names all that makes a difference, secrets as their hash.
func (s *httpSettings) key() string {
	h := sha256.New()
	for _, text := range []string{s.base.String(), s.Bearer.Text(), string(s.files.ca), string(s.files.cert), string(s.files.key), fmt.Sprint(
		s.Timeout, s.Retry, s.Fails, s.Cooldown, s.Connections, s.Waiting, s.MaxBody)} {
		fmt.Fprintf(h, "%d %s", len(text), text)
	}
	for _, header := range s.headers {
		fmt.Fprintf(h, "%q %q", header[0], header[1])
	}
	return fmt.Sprintf("http %s %x", s.name, h.Sum(nil))
}

// An httpPool is one server with its connections and its breaker.
type httpPool struct {
	*httpSettings
	client  *http.Client
	gate    *gate
	breaker *breaker
	calls   *calls
}

const (
	maxHeaders   = 64 << 10 // octets of an answer's headers
	maxRedirects = 5
	idleTime     = 90 * time.Second
)

func (p *Pools) openHTTP(s *httpSettings) (*httpPool, error) {
	tls, err := s.files.config()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: s.Timeout}
	h := &httpPool{
		httpSettings: s,
		client: &http.Client{CheckRedirect: s.redirect, Transport: &http.Transport{ // without Proxy: the environment's does not count
			DialContext: dialer.DialContext, TLSClientConfig: tls, TLSHandshakeTimeout: s.Timeout,
			MaxConnsPerHost: s.Connections, MaxIdleConns: s.Connections, MaxIdleConnsPerHost: s.Connections, IdleConnTimeout: idleTime,
			MaxResponseHeaderBytes: maxHeaders, DisableCompression: true,
		}},
		gate:    newGate(s.Connections, s.Waiting),
		breaker: &breaker{fails: s.Fails, cooldown: s.Cooldown, now: p.now},
		calls:   p.counter("http", s.name),
	}
	h.calls.guardedBy(h.breaker)
	return h, nil
}

// Close implements io.Closer.
func (h *httpPool) Close() error {
	h.client.CloseIdleConnections()
	return nil
}

// redirect follows what stays at the server. Another one would get our credentials.
func (s *httpSettings) redirect(to *http.Request, via []*http.Request) error {
	switch {
	case via[0].Method != http.MethodGet:
		return http.ErrUseLastResponse
	case to.URL.Scheme != s.base.Scheme || to.URL.Host != s.base.Host:
		return errors.New("it redirects to another server, which is not asked")
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	return nil
}

// Do implements module.HTTP.
func (h *httpPool) Do(ctx context.Context, q *module.HTTPRequest) (*module.HTTPResponse, error) {
	tries := 1
	if q.Method != http.MethodPost { // RFC 9110 s9.2.2: the others may be sent twice
		tries += h.Retry
	}
	for try := 1; ; try++ {
		r, err := h.try(ctx, q)
		h.calls.count(err)
		if err == nil || try == tries || !again(ctx, err, try) {
			return r, err
		}
	}
}

// tryPause is the pause before the second try; it doubles for each further one.
const tryPause = 50 * time.Millisecond

// again waits before the next try; false if it would make no sense, or no time is left.
func again(ctx context.Context, err error, try int) bool {
	switch module.AsFailure(err).Kind {
	case "busy", "breaker":
		return false
	}
	pause := time.NewTimer(tryPause << (try - 1))
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// try makes one try.
func (h *httpPool) try(ctx context.Context, q *module.HTTPRequest) (*module.HTTPResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	req, err := h.request(ctx, q)
	if err != nil {
		return nil, &module.Misuse{Err: err}
	}
	if err := h.gate.enter(ctx); err != nil {
		return nil, err
	}
	defer h.gate.leave()
	return guarded(h.breaker, h.Timeout, func() (*module.HTTPResponse, error) { return h.ask(req) })
}

// ask sends the request and reads the answer whole.
func (h *httpPool) ask(req *http.Request) (*module.HTTPResponse, error) {
	res, err := h.client.Do(req)
	if err != nil {
		return nil, failure(req.Context(), err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 500 {
		return nil, &module.Failure{Kind: "status", Err: errors.New(strconv.Itoa(res.StatusCode))}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(h.MaxBody)+1))
	switch {
	case err != nil:
		return nil, failure(req.Context(), err)
	case len(body) > int(h.MaxBody):
		return nil, &module.Failure{Kind: "refused", Err: fmt.Errorf("the answer is longer than %s", h.MaxBody)}
	}
	out := &module.HTTPResponse{Status: res.StatusCode, Headers: make(map[string]string, len(res.Header)), Body: body}
	for name, values := range res.Header {
		out.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out, nil
}

func (h *httpPool) request(ctx context.Context, q *module.HTTPRequest) (*http.Request, error) {
	to := *h.base
	to.Path = strings.TrimSuffix(to.Path, "/") + q.Path
	query := url.Values{}
	for _, pair := range q.Query {
		query.Add(pair[0], pair[1])
	}
	to.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, q.Method, to.String(), bytes.NewReader(q.Body))
	if err != nil {
		return nil, errors.New("the address cannot be written")
	}
	req.Header.Set("User-Agent", "perilune")
	if h.Bearer != "" {
		req.Header.Set("Authorization", "Bearer "+h.Bearer.Text())
	}
	for _, pair := range slices.Concat(h.headers, q.Headers) {
		req.Header.Set(pair[0], pair[1])
	}
	return req, nil
}

// failure gives the cause of an error without the address, which may hold secrets.
func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	f := module.AsFailure(err)
	text := f.Err.Error()
	for _, of := range []string{"net/http: HTTP/1.x transport connection broken: ", "net/http: ", "readLoopPeekFailLocked: "} {
		text = strings.TrimPrefix(text, of) // what the library says of itself
	}
	if len(text) > maxCause {
		text = text[:maxCause] + "…"
	}
	f.Err = errors.New(text)
	return f
}

// maxCause bounds the text of a failure, in octets: it may repeat what a server has sent.
const maxCause = 200
