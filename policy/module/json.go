package module

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// Bounds of documents.
const (
	maxJSONDepth = 64
	maxJSONList  = 65_000 // entries of an array: what the list part of a table holds
)

// null stands for JSON's null, since nil cannot be in a table.
var null = &lua.LUserData{Metatable: methods(nil, "null", map[string]lua.LGFunction{
	"__tostring": func(l *lua.LState) int { return pushedText(l, "null") },
})}

// Null gives json.null, one value for all states: it equals itself alone.
func Null() lua.LValue { return null }

func jsonFunctions() []Function {
	return []Function{
		{Module: "json", Name: "encode", Signature: "json.encode(value)", Doc: "Text of plain data; a table with entries 1 to n is an array, an empty one an object. nil and why if a string is not UTF-8.", call: jsonEncode},
		{Module: "json", Name: "decode", Signature: "json.decode(text)", Doc: "Value of a document; null is json.null, whole numbers above 2^53 are u64. nil and why if it is none.", call: jsonDecode},
		{Module: "json", Name: "null", Signature: "json.null", Doc: "What null becomes, and what becomes null."},
	}
}

var errNotUTF8 = errors.New("json: a string is not UTF-8; use bytes.base64 or bytes.hex")

func jsonEncode(l *lua.LState) int {
	out, err := appendJSON(l, nil, sandbox.CheckAny(l, 1), 0)
	if errors.Is(err, errNotUTF8) {
		return failed(l, err.Error())
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "%v", err)
	}
	return pushedText(l, string(out))
}

func appendJSON(l *lua.LState, out []byte, v lua.LValue, depth int) ([]byte, error) {
	sandbox.CheckRoom(l, len(out))
	switch v := v.(type) {
	case *lua.LNilType:
		return append(out, "null"...), nil
	case lua.LBool:
		return strconv.AppendBool(out, bool(v)), nil
	case lua.LNumber:
		return appendJSONNumber(out, float64(v))
	case lua.LString:
		return appendJSONText(out, string(v))
	case *lua.LUserData:
		if v == null {
			return append(out, "null"...), nil
		}
		if n, ok := v.Value.(U64); ok {
			return strconv.AppendUint(out, uint64(n), 10), nil
		}
	case *lua.LTable:
		if depth == maxJSONDepth {
			return nil, fmt.Errorf("json: tables are nested more than %d deep, or hold themselves", maxJSONDepth)
		}
		sandbox.Charge(l, 1+v.Len()/4)
		return appendJSONTable(l, out, v, depth+1)
	}
	return nil, fmt.Errorf("json: found a %s, expected plain data", v.Type())
}

func appendJSONNumber(out []byte, n float64) ([]byte, error) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, fmt.Errorf("json: %v is no number of JSON", n)
	}
	if n == math.Trunc(n) && math.Abs(n) <= maxExact {
		return strconv.AppendInt(out, int64(n), 10), nil
	}
	return strconv.AppendFloat(out, n, 'g', -1, 64), nil
}

func appendJSONText(out []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return nil, err
	}
	return append(out, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

func appendJSONTable(l *lua.LState, out []byte, t *lua.LTable, depth int) (_ []byte, err error) {
	keys, n := tableKeys(t)
	switch {
	case n > 0 && len(keys) > 0:
		return nil, fmt.Errorf("json: a table has both entries 1 to %d and key %q", n, keys[0])
	case n > 0:
		out = append(out, '[')
		for i := 1; i <= n; i++ {
			if i > 1 {
				out = append(out, ',')
			}
			if out, err = appendJSON(l, out, t.RawGetInt(i), depth); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	}
	out = append(out, '{')
	for i, key := range keys {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendJSONText(out, key); err != nil {
			return nil, err
		}
		out = append(out, ':')
		if out, err = appendJSON(l, out, t.RawGetString(key), depth); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// tableKeys gives the sorted keys of a table that are not entries 1 to n, and n. Keys that are no strings are
// given in brackets, which RawGetString does not find: they count as mixed.
func tableKeys(t *lua.LTable) (keys []string, n int) {
	n = t.Len()
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		switch k := k.(type) {
		case lua.LString:
			keys = append(keys, string(k))
		case lua.LNumber:
			if f := float64(k); f < 1 || f > float64(n) || f != math.Trunc(f) {
				keys, n = append(keys, "["+k.String()+"]"), max(n, 1)
			}
		}
	}
	slices.Sort(keys)
	return keys, n
}

func jsonDecode(l *lua.LState) int { return decodeJSON(l, sandbox.CheckString(l, 1)) }

// decodeJSON pushes the value of a document, or nil and why it is none.
func decodeJSON(l *lua.LState, text string) int {
	v, err := FromJSON(l, text)
	if err != nil {
		return failed(l, err.Error())
	}
	return pushed(l, v)
}

// FromJSON gives the value of a document.
func FromJSON(l *lua.LState, text string) (lua.LValue, error) {
	sandbox.Charge(l, len(text)/4)
	d := &jsonDecoder{l: l, in: json.NewDecoder(strings.NewReader(text))}
	d.in.UseNumber()
	v, err := d.value(0)
	if err == nil {
		if _, more := d.in.Token(); more != io.EOF {
			err = errors.New("text after the document")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("json: %v (at octet %d)", err, d.in.InputOffset())
	}
	return v, nil
}

// ToJSON gives the document of plain data.
func ToJSON(l *lua.LState, v lua.LValue) ([]byte, error) { return appendJSON(l, nil, v, 0) }

type jsonDecoder struct {
	l  *lua.LState
	in *json.Decoder
}

func (d *jsonDecoder) value(depth int) (lua.LValue, error) {
	token, err := d.in.Token()
	if err == io.EOF {
		err = errors.New("the document ends too early")
	}
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case nil:
		return null, nil
	case bool:
		return lua.LBool(t), nil
	case string:
		return lua.LString(t), nil
	case json.Number:
		return jsonNumber(string(t))
	}
	if depth == maxJSONDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxJSONDepth)
	}
	if token == json.Delim('[') {
		return d.array(depth + 1)
	}
	return d.object(depth + 1)
}

func jsonNumber(text string) (lua.LValue, error) {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return NewU64(n), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("number %s is too great", text)
	}
	return lua.LNumber(f), nil
}

func (d *jsonDecoder) array(depth int) (lua.LValue, error) {
	t := d.l.CreateTable(0, 0)
	for i := 1; d.in.More(); i++ {
		if i > maxJSONList {
			return nil, fmt.Errorf("an array of more than %d entries", maxJSONList)
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		t.RawSetInt(i, v)
	}
	_, err := d.in.Token()
	return t, early(err)
}

func (d *jsonDecoder) object(depth int) (lua.LValue, error) {
	t := d.l.CreateTable(0, 0)
	for d.in.More() {
		key, err := d.in.Token()
		if err != nil {
			return nil, early(err)
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		t.RawSetString(key.(string), v)
	}
	_, err := d.in.Token()
	return t, early(err)
}

func early(err error) error {
	if err == io.EOF {
		return errors.New("the document ends too early")
	}
	return err
}
