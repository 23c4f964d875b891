package module

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

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
	tagNull   // json.null, which documents of others may hold anywhere
)

// appendPlain writes text, numbers, booleans, u64, json.null and tables of these as octets.
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
		if v == 0 {
			v = 0 // not the negative zero, which equals it
		}
		return binary.BigEndian.AppendUint64(append(out, tagNumber), math.Float64bits(float64(v))), nil
	case lua.LString:
		out = binary.AppendUvarint(append(out, tagText), uint64(len(v)))
		return append(out, v...), nil
	case *lua.LUserData:
		if v == null {
			return append(out, tagNull), nil
		}
		if n, ok := v.Value.(U64); ok {
			return binary.BigEndian.AppendUint64(append(out, tagU64), uint64(n)), nil
		}
	case *lua.LTable:
		return appendPlainTable(out, v, depth+1)
	}
	return nil, fmt.Errorf("found a %s, expected plain data", v.Type())
}

// appendPlainTable writes the pairs in the order of their octets, so that equal tables are equal octets.
func appendPlainTable(out []byte, t *lua.LTable, depth int) ([]byte, error) {
	if depth > maxPlainDepth {
		return nil, fmt.Errorf("tables are nested more than %d deep, or hold themselves", maxPlainDepth)
	}
	count := 0
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		count++
	}
	out = binary.AppendUvarint(append(out, tagTable), uint64(count))
	from, last, sorted := len(out), 0, true
	ends := make([]int, 0, 16)
	var err error
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		begin := len(out)
		if out, err = appendPlain(out, k, depth); err != nil {
			return nil, err
		}
		if out, err = appendPlain(out, v, depth); err != nil {
			return nil, err
		}
		sorted = sorted && (len(ends) == 0 || bytes.Compare(out[last:begin], out[begin:]) < 0)
		last, ends = begin, append(ends, len(out))
	}
	if !sorted {
		sortPairs(out, from, ends)
	}
	return out, nil
}

// sortPairs puts the pairs that end at ends into order; the first begins at from.
func sortPairs(out []byte, from int, ends []int) {
	octets, pairs := bytes.Clone(out[from:]), make([][]byte, len(ends))
	begin := 0
	for i, end := range ends {
		pairs[i], begin = octets[begin:end-from], end-from
	}
	slices.SortFunc(pairs, bytes.Compare)
	out = out[:from]
	for _, p := range pairs {
		out = append(out, p...)
	}
}

// EncodePlain gives plain data as octets: equal values are equal octets.
func EncodePlain(v lua.LValue) ([]byte, error) { return appendPlain(nil, v, 0) }

// EncodeNumber gives a number as EncodePlain does.
func EncodeNumber(f float64) string {
	octets, _ := appendPlain(make([]byte, 0, numberLen), lua.LNumber(f), 0) // a number is plain data
	return string(octets)
}

// DecodeNumber reads what EncodeNumber wrote; false for all else.
func DecodeNumber(octets string) (float64, bool) {
	if len(octets) != numberLen || octets[0] != tagNumber {
		return 0, false
	}
	return math.Float64frombits(binary.BigEndian.Uint64([]byte(octets[1:]))), true
}

// numberLen is the length of a number with its tag.
const numberLen = 9

// readPlain reads what appendPlain wrote and gives what follows.
func readPlain(l *lua.LState, in []byte, depth int) (v lua.LValue, rest []byte, ok bool) {
	if len(in) == 0 || depth > maxPlainDepth {
		return nil, nil, false
	}
	tag, in := in[0], in[1:]
	switch tag {
	case tagNil:
		return lua.LNil, in, true
	case tagNull:
		return null, in, true
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
