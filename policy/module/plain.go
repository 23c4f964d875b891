package module

import (
	"encoding/binary"
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of plain data: tables within each other, and octets in all.
const (
	maxPlainDepth = 32
	maxPlain      = 1 << 20
)

// The tags of plain data in octets.
const (
	tagNil byte = iota
	tagFalse
	tagTrue
	tagNumber // 8 octets
	tagText   // uvarint, octets
	tagTable  // uvarint, pairs of key and value
	tagU64    // 8 octets
)

// appendPlain writes text, numbers, booleans, u64 and tables of these as octets.
func appendPlain(out []byte, v lua.LValue, depth int) ([]byte, error) {
	if len(out) > maxPlain {
		return nil, fmt.Errorf("more than %d octets of data", maxPlain)
	}
	switch v := v.(type) {
	case *lua.LNilType:
		return append(out, tagNil), nil
	case lua.LBool:
		if v {
			return append(out, tagTrue), nil
		}
		return append(out, tagFalse), nil
	case lua.LNumber:
		return binary.BigEndian.AppendUint64(append(out, tagNumber), math.Float64bits(float64(v))), nil
	case lua.LString:
		out = binary.AppendUvarint(append(out, tagText), uint64(len(v)))
		return append(out, v...), nil
	case *lua.LUserData:
		if n, ok := v.Value.(U64); ok {
			return binary.BigEndian.AppendUint64(append(out, tagU64), uint64(n)), nil
		}
	case *lua.LTable:
		return appendPlainTable(out, v, depth+1)
	}
	return nil, fmt.Errorf("found a %s, expected plain data", v.Type())
}

func appendPlainTable(out []byte, t *lua.LTable, depth int) ([]byte, error) {
	if depth > maxPlainDepth {
		return nil, fmt.Errorf("tables are nested more than %d deep, or hold themselves", maxPlainDepth)
	}
	count := 0
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		count++
	}
	out = binary.AppendUvarint(append(out, tagTable), uint64(count))
	var err error
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if out, err = appendPlain(out, k, depth); err != nil {
			return nil, err
		}
		if out, err = appendPlain(out, v, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readPlain reads what appendPlain wrote and gives what follows.
func readPlain(l *lua.LState, in []byte, depth int) (v lua.LValue, rest []byte, ok bool) {
	if len(in) == 0 || depth > maxPlainDepth {
		return nil, nil, false
	}
	tag, in := in[0], in[1:]
	switch tag {
	case tagNil:
		return lua.LNil, in, true
	case tagFalse, tagTrue:
		return lua.LBool(tag == tagTrue), in, true
	case tagNumber, tagU64:
		if len(in) < 8 {
			return nil, nil, false
		}
		n := binary.BigEndian.Uint64(in)
		if tag == tagU64 {
			return boxU64(n), in[8:], true
		}
		return lua.LNumber(math.Float64frombits(n)), in[8:], true
	}
	n, size := binary.Uvarint(in)
	if size <= 0 || n > uint64(len(in)-size) {
		return nil, nil, false
	}
	in = in[size:]
	switch tag {
	case tagText:
		return lua.LString(in[:n]), in[n:], true
	case tagTable:
		return readPlainTable(l, in, int(n), depth+1)
	}
	return nil, nil, false
}

func readPlainTable(l *lua.LState, in []byte, count, depth int) (lua.LValue, []byte, bool) {
	t := l.NewTable()
	for range count {
		k, rest, ok := readPlain(l, in, depth)
		if n, number := k.(lua.LNumber); !ok || k == lua.LNil || number && n != n {
			return nil, nil, false
		}
		v, rest, ok := readPlain(l, rest, depth)
		if !ok {
			return nil, nil, false
		}
		t.RawSet(k, v)
		in = rest
	}
	return t, in, true
}
