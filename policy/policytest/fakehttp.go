package policytest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy"
	"perilune/policy/module"
)

// HTTP implements module.Backends.
func (k *fakes) HTTP(name string, o *module.HTTPOptions) (module.HTTP, error) {
	if o != nil {
		name = o.Base
	}
	return &fakeHTTP{k, name}, nil
}

// A fakeHTTP is what mock.http answers.
type fakeHTTP struct {
	*fakes
	name string // or base
}

// Do implements module.HTTP.
func (h *fakeHTTP) Do(_ context.Context, q *module.HTTPRequest) (*module.HTTPResponse, error) {
	answer, err := h.ask("http", h.name, q.Method+" "+q.Path, h.shown(q))
	if err != nil {
		return nil, err
	}
	r, err := h.response(answer)
	if err != nil {
		return nil, h.unmocked("http", fmt.Errorf("mock.http %s: %s %s: %w", h.name, q.Method, q.Path, err))
	}
	if r.Status >= 500 {
		return nil, &module.Failure{Kind: "status", Err: errors.New(strconv.Itoa(r.Status))}
	}
	return r, nil
}

// shown gives a request as m:calls() and functions of a mock see it.
func (h *fakeHTTP) shown(q *module.HTTPRequest) lua.LValue {
	l := h.f.calling
	t := l.NewTable()
	t.RawSetString("method", lua.LString(q.Method))
	t.RawSetString("path", lua.LString(q.Path))
	t.RawSetString("body", lua.LString(q.Body))
	pairs := func(list [][2]string) *lua.LTable {
		t := l.NewTable()
		for _, p := range list {
			t.RawSetString(p[0], lua.LString(p[1]))
		}
		return t
	}
	t.RawSetString("query", pairs(q.Query))
	t.RawSetString("headers", pairs(q.Headers))
	if v, err := module.FromJSON(l, string(q.Body)); err == nil && q.JSON {
		t.RawSetString("json", v)
	}
	return t
}

// response reads {status=, headers=, json= or body=}.
func (h *fakeHTTP) response(v lua.LValue) (*module.HTTPResponse, error) {
	r := &module.HTTPResponse{Status: 200, Headers: map[string]string{}}
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("got a %s, expected {status=200, json={…}} or mock.fail", v.Type())
	}
	return r, policy.Each(t, func(k, v lua.LValue) (err error) {
		switch key := k.String(); key {
		case "status":
			n, ok := v.(lua.LNumber)
			if !ok || n < 100 || n > 599 || n != lua.LNumber(int(n)) {
				return fmt.Errorf("status is %v, expected 100 to 599", v)
			}
			r.Status = int(n)
		case "body":
			text, ok := v.(lua.LString)
			if !ok {
				return fmt.Errorf("body is a %s, expected text; json=… gives a document", v.Type())
			}
			r.Body = []byte(text)
		case "json":
			r.Headers["content-type"] = "application/json"
			r.Body, err = module.ToJSON(h.f.calling, v)
		case "headers":
			err = fakeHeaders(r, v)
		default:
			err = fmt.Errorf("no field %q; expected status, headers, json or body", key)
		}
		return err
	})
}

func fakeHeaders(r *module.HTTPResponse, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return fmt.Errorf("headers is a %s, expected {name=value}", v.Type())
	}
	return policy.Each(t, func(k, v lua.LValue) error {
		r.Headers[strings.ToLower(k.String())] = v.String()
		return nil
	})
}
