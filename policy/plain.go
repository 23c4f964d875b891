package policy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/module"
)

// maxPlainDepth bounds the nesting of plain data, maxPlainValues its size: it is checked after each handler.
const (
	maxPlainDepth  = 16
	maxPlainValues = 10_000
)

// each calls fn for the pairs of a table in their order of insertion, until it gives false.
func each(t *lua.LTable, fn func(k, v lua.LValue) bool) {
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !fn(k, v) {
			return
		}
	}
}

// checkPlain reports what makes a value more than plain data: text, numbers, booleans and tables of these,
// not nested too deep and not too many. A table that stands in several places counts in each.
func checkPlain(v lua.LValue) error {
	left := maxPlainValues
	return plainValue(v, 0, &left)
}

func plainValue(v lua.LValue, depth int, left *int) (err error) {
	if *left--; *left < 0 {
		return fmt.Errorf("more than %d values", maxPlainValues)
	}
	switch v := v.(type) {
	case lua.LString, lua.LNumber, lua.LBool, *lua.LNilType:
		return nil
	case *lua.LUserData:
		if lua.LValue(v) == module.Null() { // what a server answers may hold it anywhere
			return nil
		}
	case *lua.LTable:
		if depth >= maxPlainDepth {
			return fmt.Errorf("tables are nested more than %d deep", maxPlainDepth)
		}
		each(v, func(k, item lua.LValue) bool {
			if err = plainValue(k, depth+1, left); err == nil {
				err = plainValue(item, depth+1, left)
			}
			if err != nil && depth == 0 {
				err = fmt.Errorf("%v: %w", k, err)
			}
			return err == nil
		})
		return err
	}
	return fmt.Errorf("a %s is no plain data (text, numbers, booleans and tables of these)", v.Type())
}

// The tags of plain data in octets.
const (
	plainNil byte = iota
	plainFalse
	plainTrue
	plainWhole // varint
	plainFloat
	plainText
	plainTable
	plainNull // json.null
)

// appendPlain appends plain data as octets, which readPlain reads.
func appendPlain(dst []byte, v lua.LValue) []byte {
	switch v := v.(type) {
	case lua.LBool:
		if v {
			return append(dst, plainTrue)
		}
		return append(dst, plainFalse)
	case lua.LNumber:
		f := float64(v)
		if f == math.Trunc(f) && math.Abs(f) <= maxExact && !(f == 0 && math.Signbit(f)) {
			return binary.AppendVarint(append(dst, plainWhole), int64(f))
		}
		return binary.BigEndian.AppendUint64(append(dst, plainFloat), math.Float64bits(f))
	case lua.LString:
		dst = binary.AppendUvarint(append(dst, plainText), uint64(len(v)))
		return append(dst, v...)
	case *lua.LTable:
		count := uint64(0)
		each(v, func(lua.LValue, lua.LValue) bool { count++; return true })
		dst = binary.AppendUvarint(append(dst, plainTable), count)
		each(v, func(k, item lua.LValue) bool {
			dst = appendPlain(appendPlain(dst, k), item)
			return true
		})
		return dst
	}
	if v == module.Null() {
		return append(dst, plainNull)
	}
	return append(dst, plainNil)
}

var errPlain = errors.New("policy: plain data is malformed")

// readPlain reads what appendPlain wrote. The whole of b must be one value.
func readPlain(b []byte) (lua.LValue, error) {
	v, rest, err := readPlainValue(b, 0)
	if err == nil && len(rest) > 0 {
		err = errPlain
	}
	return v, err
}

func readPlainValue(b []byte, depth int) (lua.LValue, []byte, error) {
	if len(b) == 0 || depth > maxPlainDepth {
		return lua.LNil, nil, errPlain
	}
	tag, b := b[0], b[1:]
	switch tag {
	case plainNil:
		return lua.LNil, b, nil
	case plainNull:
		return module.Null(), b, nil
	case plainFalse, plainTrue:
		return lua.LBool(tag == plainTrue), b, nil
	case plainWhole:
		n, size := binary.Varint(b)
		if size <= 0 {
			return lua.LNil, nil, errPlain
		}
		return lua.LNumber(n), b[size:], nil
	case plainFloat:
		if len(b) < 8 {
			return lua.LNil, nil, errPlain
		}
		return lua.LNumber(math.Float64frombits(binary.BigEndian.Uint64(b))), b[8:], nil
	case plainText:
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return lua.LNil, nil, errPlain
		}
		return lua.LString(b[size : size+int(n)]), b[size+int(n):], nil
	case plainTable:
		return readPlainTable(b, depth)
	}
	return lua.LNil, nil, errPlain
}

func readPlainTable(b []byte, depth int) (lua.LValue, []byte, error) {
	count, size := binary.Uvarint(b)
	// Each pair takes at least two octets, so a count beyond that is a lie.
	if size <= 0 || count > uint64(len(b)) {
		return lua.LNil, nil, errPlain
	}
	b = b[size:]
	t := &lua.LTable{Metatable: lua.LNil}
	for range count {
		k, rest, err := readPlainValue(b, depth+1)
		if err != nil {
			return lua.LNil, nil, err
		}
		v, rest, err := readPlainValue(rest, depth+1)
		if err != nil {
			return lua.LNil, nil, err
		}
		if f, ok := k.(lua.LNumber); k == lua.LNil || ok && math.IsNaN(float64(f)) {
			return lua.LNil, nil, errPlain
		}
		t.RawSet(k, v)
		b = rest
	}
	return t, b, nil
}
