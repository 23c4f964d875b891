package module

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// Bounds of what a script may send, in octets.
const (
	maxRequestBody    = 1 << 20
	maxRequestHeaders = 16 << 10
	maxRequestPath    = 8 << 10
)

// httpRequest reads the arguments of a call: path and options.
func httpRequest(l *lua.LState, method string) *HTTPRequest {
	q := &HTTPRequest{Method: method, Path: sandbox.CheckString(l, 2)}
	if err := CheckPath(q.Path); err != nil {
		sandbox.RaiseMisuse(l, "client:%s: %v", strings.ToLower(method), err)
	}
	if l.Get(3) == lua.LNil {
		return q
	}
	body := ""
	optionsOf(l, 3, "client:"+strings.ToLower(method), func(key string, v lua.LValue) (err error) {
		switch key {
		case "query":
			q.Query, err = pairsOf(key, v)
			return err
		case "headers":
			given, err := headersOf(v)
			q.Headers = append(q.Headers, given...)
			return err
		case "json", "form", "body":
			if method == "GET" {
				return fmt.Errorf("%s: get sends no body; use query={…}, or post", key)
			}
			if body != "" {
				return fmt.Errorf("both %s and %s; expected one of json, form and body", body, key)
			}
			body = key
			return q.setBody(l, key, v)
		}
		return unknownOption(key, "query", "headers", "json", "form", "body")
	})
	noteSecrets(l, l.Get(3), 0)
	return q
}

// CheckPath refuses a path that would not be sent as it is meant: what has a meaning in an address, and what would
// lead elsewhere. All else is escaped.
func CheckPath(text string) error {
	switch {
	case !strings.HasPrefix(text, "/"):
		return fmt.Errorf("path %.40q; expected one that begins with /", text)
	case len(text) > maxRequestPath:
		return fmt.Errorf("a path of more than %d octets", maxRequestPath)
	case strings.ContainsAny(text, "?#"):
		return fmt.Errorf("path %.40q holds ? or #; give what follows as query={…}", text)
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return errors.New("path holds control characters")
	}
	for part := range strings.SplitSeq(text, "/") {
		if part == "." || part == ".." {
			return fmt.Errorf("path %.40q leads upwards", text)
		}
	}
	return nil
}

// setBody writes the body and its type, which headers may overwrite.
func (q *HTTPRequest) setBody(l *lua.LState, key string, v lua.LValue) (err error) {
	kind := "text/plain; charset=utf-8"
	switch key {
	case "json":
		kind, q.JSON = "application/json", true
		if v, err = revealedCopy(l, v, 0); err == nil {
			q.Body, err = appendJSON(l, nil, v, 0)
		}
	case "form":
		kind = "application/x-www-form-urlencoded"
		var pairs [][2]string
		pairs, err = pairsOf(key, v)
		q.Body = []byte(encodePairs(pairs))
	default:
		text, ok := textOf(v)
		if !ok {
			err = fmt.Errorf("body: got %s, expected text; json=… sends a table", shown(v))
		}
		q.Body = []byte(text)
	}
	if err == nil && len(q.Body) > maxRequestBody {
		err = fmt.Errorf("%s: a body of more than %d octets", key, maxRequestBody)
	}
	sandbox.Charge(l, len(q.Body)/64)
	q.Headers = append([][2]string{{"Content-Type", kind}}, q.Headers...)
	return err
}

func encodePairs(pairs [][2]string) string {
	values := url.Values{}
	for _, p := range pairs {
		values.Add(p[0], p[1])
	}
	return values.Encode()
}

// pairsOf reads {name=value, …}; a value is text, a number, a boolean, a secret, or a list of these.
func pairsOf(key string, v lua.LValue) (pairs [][2]string, err error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("%s: got %s, expected {name=value}", key, shown(v))
	}
	total := 0
	err = eachPair(t, func(name string, v lua.LValue) error {
		items := []lua.LValue{v}
		if list, ok := v.(*lua.LTable); ok {
			items = items[:0]
			for i := 1; i <= list.Len(); i++ {
				items = append(items, list.RawGetInt(i))
			}
		}
		for _, item := range items {
			text, ok := plainText(item)
			if !ok {
				return fmt.Errorf("%s: %s is %s, expected text, a number or a boolean", key, name, shown(item))
			}
			if total += len(name) + len(text); total > maxRequestBody {
				return fmt.Errorf("%s: more than %d octets", key, maxRequestBody)
			}
			pairs = append(pairs, [2]string{name, text})
		}
		return nil
	})
	return pairs, err
}

// plainText gives a value as text in a form.
func plainText(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LNumber, lua.LBool:
		return v.String(), true
	case *lua.LUserData:
		if n, ok := v.Value.(U64); ok {
			return fmt.Sprint(uint64(n)), true
		}
	}
	return textOf(v)
}

// headersOf reads {name=value}.
func headersOf(v lua.LValue) (headers [][2]string, err error) {
	pairs, err := pairsOf("headers", v)
	total := 0
	for _, p := range pairs {
		if err := CheckHeader(p[0], p[1]); err != nil {
			return nil, err
		}
		if total += len(p[0]) + len(p[1]); total > maxRequestHeaders {
			return nil, fmt.Errorf("headers: more than %d octets", maxRequestHeaders)
		}
	}
	return pairs, err
}

// revealedCopy gives plain data with the texts of secrets in their place.
func revealedCopy(l *lua.LState, v lua.LValue, depth int) (lua.LValue, error) {
	t, ok := v.(*lua.LTable)
	if text, secret := textOf(v); secret {
		return lua.LString(text), nil
	}
	if !ok {
		return v, nil
	}
	if depth == maxJSONDepth {
		return nil, fmt.Errorf("json: tables are nested more than %d deep, or hold themselves", maxJSONDepth)
	}
	sandbox.Charge(l, 1+t.Len()/4)
	out := l.CreateTable(t.Len(), 0)
	for k, item := t.Next(lua.LNil); k != lua.LNil; k, item = t.Next(k) {
		item, err := revealedCopy(l, item, depth+1)
		if err != nil {
			return nil, err
		}
		out.RawSet(k, item)
	}
	return out, nil
}

// noteSecrets tells the state of the secrets in the options of a call, so that no text shows what a server echoes.
func noteSecrets(l *lua.LState, v lua.LValue, depth int) {
	told := From(l).Revealed
	switch v := v.(type) {
	case *lua.LUserData:
		if s, ok := v.Value.(Secret); ok && told != nil {
			told(s.text)
		}
	case *lua.LTable:
		if depth == maxJSONDepth {
			return
		}
		for k, item := v.Next(lua.LNil); k != lua.LNil; k, item = v.Next(k) {
			noteSecrets(l, item, depth+1)
		}
	}
}
