package module

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/net/http/httpguts"

	"perilune/policy/sandbox"
)

// An HTTP is one server, or one balancer, that is asked by HTTP: its pool of connections and its breaker.
type HTTP interface {
	// Do sends a request. An answer with a status of 5xx is a Failure of kind status.
	Do(ctx context.Context, q *HTTPRequest) (*HTTPResponse, error)
}

// HTTPOptions describe a server that a script opens by http.open{…}. A zero field means the default.
type HTTPOptions struct {
	Base          string        // "https://otp.example.net/v1"
	Timeout       time.Duration // of one try
	CA, Cert, Key string        // files of the tree
	Bearer        string
	Headers       [][2]string
	Retry         int
	Fails         int // of the breaker; -1: it has none
	Cooldown      time.Duration
}

// An HTTPRequest is one request of a script.
type HTTPRequest struct {
	Method, Path string
	Query        [][2]string
	Headers      [][2]string
	Body         []byte // nil: none
	JSON         bool   // the body was given as json=
}

// An HTTPResponse is an answer, its body read whole.
type HTTPResponse struct {
	Status  int
	Headers map[string]string // names in lower case
	Body    []byte
}

func httpFunctions() []Function {
	return append([]Function{{Module: "http", Name: "open", Signature: "http.open(name)",
		Doc:  "The server that [backend.http.NAME] describes, or http.open{base=, timeout=, ca=, cert=, key=, bearer=, headers=, retry=, breaker={fails=, cooldown=}}.",
		call: httpOpen}}, append(clientMethods(), responseMethods()...)...)
}

func clientMethods() (list []Function) {
	for _, m := range []struct{ name, doc string }{
		{"get", "Asks for path, which follows base. Options: query={…}, headers={…}. Gives {status, headers, body} with r:json(); a status of 5xx is a failure."},
		{"post", "Sends to path; options as get and one of json=value, form={…}, body=text."},
		{"put", "As post."},
		{"delete", "As post."},
	} {
		list = append(list, waits("http", "client", m.name, "(path [, options])", m.doc, httpCall(strings.ToUpper(m.name)))...)
	}
	return list
}

func responseMethods() []Function {
	return []Function{{Module: "http", Of: "response", Name: "json", Signature: "response:json()",
		Doc: "Value of the body; nil and why if it is no JSON.", call: responseJSON}}
}

var (
	clientMeta   = methods(clientMethods(), "client", nil)
	responseMeta = methods(responseMethods(), "response", nil)
)

// client is what http.open gives.
type client struct{ HTTP }

func httpOpen(l *lua.LState) int {
	b := backends(l, "http.open")
	name, named := l.Get(1).(lua.LString)
	var o *HTTPOptions
	if !named {
		o = &HTTPOptions{}
		optionsOf(l, 1, "http.open", o.take)
		if _, err := ParseBase(o.Base); err != nil {
			sandbox.RaiseMisuse(l, "http.open: %v", err)
		}
	}
	h, err := b.HTTP(string(name), o)
	return opened(l, "http.open", &client{h}, clientMeta, err)
}

// take reads one option of http.open{…}.
func (o *HTTPOptions) take(key string, v lua.LValue) (err error) {
	switch key {
	case "base":
		o.Base, err = someText(key, v)
	case "bearer":
		o.Bearer, err = someText(key, v)
	case "timeout":
		o.Timeout, err = Duration(key, v)
	case "ca", "cert", "key":
		to := map[string]*string{"ca": &o.CA, "cert": &o.Cert, "key": &o.Key}[key]
		*to, err = fileBelow(key, v)
	case "headers":
		o.Headers, err = headersOf(v)
	case "retry":
		o.Retry, err = wholeNumber(key, v, 0, 5)
	case "breaker":
		err = o.breaker(v)
	default:
		err = unknownOption(key, "base", "timeout", "ca", "cert", "key", "bearer", "headers", "retry", "breaker")
	}
	return err
}

// breaker reads breaker={fails=, cooldown=}, or false for none.
func (o *HTTPOptions) breaker(v lua.LValue) error {
	if v == lua.LFalse {
		o.Fails = -1
		return nil
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		return fmt.Errorf(`breaker: got %s, expected {fails=5, cooldown="10s"}, or false`, shown(v))
	}
	return eachPair(t, func(key string, v lua.LValue) (err error) {
		switch key {
		case "fails":
			o.Fails, err = wholeNumber("breaker.fails", v, 1, 1000)
		case "cooldown":
			o.Cooldown, err = Duration("breaker.cooldown", v)
		default:
			err = unknownOption(key, "fails", "cooldown")
		}
		return err
	})
}

// eachPair gives the pairs of a table of options, which has text alone for keys.
func eachPair(t *lua.LTable, take func(key string, v lua.LValue) error) error {
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		key, ok := k.(lua.LString)
		if !ok {
			return fmt.Errorf("got the key %v, expected names", k)
		}
		if err := take(string(key), v); err != nil {
			return err
		}
	}
	return nil
}

// someText reads text, also of a secret, that is not empty.
func someText(key string, v lua.LValue) (string, error) {
	text, ok := textOf(v)
	if !ok || text == "" {
		return "", fmt.Errorf("%s: got %s, expected text", key, shown(v))
	}
	return text, nil
}

func wholeNumber(key string, v lua.LValue, low, high int) (int, error) {
	n, ok := v.(lua.LNumber)
	if !ok || n != lua.LNumber(int(n)) || int(n) < low || int(n) > high {
		return 0, fmt.Errorf("%s: got %s, expected a whole number from %d to %d", key, shown(v), low, high)
	}
	return int(n), nil
}

// fileBelow reads the name of a file that scripts may name: below the tree, not beside it.
func fileBelow(key string, v lua.LValue) (string, error) {
	name, ok := v.(lua.LString)
	if !ok || !isBelow(string(name)) {
		return "", fmt.Errorf("%s: got %s, expected the name of a file below the directory of config.toml", key, shown(v))
	}
	return string(name), nil
}

func isBelow(name string) bool {
	return name != "" && !path.IsAbs(name) && path.Clean(name) == name && name != ".." && !strings.HasPrefix(name, "../")
}

// ParseBase reads the address of a server.
func ParseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	const expected = `expected one like "https://otp.example.net/v1"`
	switch {
	case text == "":
		return nil, errors.New("base is missing; " + expected)
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, errors.New("base is no address of HTTP; " + expected)
	case u.User != nil:
		return nil, errors.New("base holds a user; send it in headers or as bearer")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, errors.New("base holds a query; give it to each request as query={…}")
	}
	return u, nil
}

// ownHeaders are those that the client itself writes.
var ownHeaders = map[string]bool{"host": true, "content-length": true, "transfer-encoding": true, "connection": true,
	"upgrade": true, "te": true, "trailer": true, "keep-alive": true, "proxy-connection": true, "expect": true}

// CheckHeader refuses what cannot be sent as a header of a request. It does not repeat the value.
func CheckHeader(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("headers: %.40q is no name of a header", name)
	case ownHeaders[strings.ToLower(name)]:
		return fmt.Errorf("headers: %s is written by the server alone", name)
	case !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("headers: the value of %s has characters that no header may have", name)
	}
	return nil
}

func httpCall(method string) waiting {
	return func(l *lua.LState) (lua.LValue, error) {
		h := self[*client](l, "client")
		q := httpRequest(l, method)
		r, err := block(l, func(ctx context.Context) (*HTTPResponse, error) { return h.Do(ctx, q) })
		if err != nil {
			return nil, err
		}
		return responseTable(l, r), nil
	}
}

// responseTable gives an answer as scripts see it.
func responseTable(l *lua.LState, r *HTTPResponse) lua.LValue {
	sandbox.Charge(l, 16+len(r.Body)/64)
	headers := l.CreateTable(0, len(r.Headers))
	for name, value := range r.Headers {
		headers.RawSetString(name, lua.LString(value))
	}
	t := l.CreateTable(0, 3)
	t.RawSetString("status", lua.LNumber(r.Status))
	t.RawSetString("headers", headers)
	t.RawSetString("body", lua.LString(r.Body))
	t.Metatable = responseMeta
	return t
}

func responseJSON(l *lua.LState) int {
	body, ok := sandbox.CheckTable(l, 1).RawGetString("body").(lua.LString)
	if !ok {
		sandbox.RaiseMisuse(l, "response:json: the body is gone")
	}
	return decodeJSON(l, string(body))
}
