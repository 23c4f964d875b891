package module

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// maxItems bounds the values of one pack or unpack.
const maxItems = 256

// A packItem is one value of a format.
type packItem struct {
	kind   byte // 'i' signed, 'I' unsigned, 'f' 'd' floats, 's' counted, 'z' up to a zero, 'c' fixed, 'x' padding
	size   int  // octets; of the count for 's'
	little bool
}

// integerSizes are those of Lua 5.3 on a machine of 64 bits.
var integerSizes = map[byte]int{'b': 1, 'h': 2, 'i': 4, 'l': 8, 'j': 8}

// parseFormat takes a format apart; the error is misuse.
func parseFormat(format string) ([]packItem, error) {
	var items []packItem
	little := false
	for i := 0; i < len(format); {
		c := format[i]
		i++
		digits := len(format[i:]) - len(strings.TrimLeft(format[i:], "0123456789"))
		size, hasSize := 0, digits > 0
		if hasSize {
			if digits > 6 {
				return nil, fmt.Errorf("a size of %d digits in the format", digits)
			}
			size, _ = strconv.Atoi(format[i : i+digits])
			i += digits
		}
		switch c {
		case ' ':
			continue
		case '<', '>', '=', '!':
			little = c == '<'
			continue
		}
		it, err := packOf(c, size, hasSize)
		if err != nil {
			return nil, err
		}
		it.little = little
		if items = append(items, it); len(items) > maxItems {
			return nil, fmt.Errorf("more than %d values in a format", maxItems)
		}
	}
	return items, nil
}

func packOf(c byte, size int, hasSize bool) (packItem, error) {
	lower := c | 0x20
	switch c {
	case 'b', 'h', 'i', 'l', 'j', 'B', 'H', 'I', 'L', 'J', 'T':
		if c == 'T' {
			lower = 'l'
		}
		n := integerSizes[lower]
		if hasSize && lower == 'i' {
			n = size
		}
		if n < 1 || n > 8 {
			return packItem{}, fmt.Errorf("an integer of %d octets; expected 1 to 8", n)
		}
		kind := byte('i')
		if c < 'a' {
			kind = 'I'
		}
		return packItem{kind: kind, size: n}, nil
	case 'f':
		return packItem{kind: 'f', size: 4}, nil
	case 'd', 'n':
		return packItem{kind: 'f', size: 8}, nil
	case 's':
		if !hasSize {
			size = 8
		}
		if size < 1 || size > 8 {
			return packItem{}, fmt.Errorf("a length of %d octets; expected 1 to 8", size)
		}
		return packItem{kind: 's', size: size}, nil
	case 'c':
		if !hasSize {
			return packItem{}, fmt.Errorf("c without a size; expected c4 and the like")
		}
		return packItem{kind: 'c', size: size}, nil
	case 'z', 'x':
		return packItem{kind: c, size: 1}, nil
	}
	return packItem{}, fmt.Errorf("unknown option %q in the format; expected b B h H i I l L j J f d n s z c x < >", c)
}

func checkFormat(l *lua.LState) []packItem {
	items, err := parseFormat(sandbox.CheckString(l, 1))
	if err != nil {
		sandbox.RaiseMisuse(l, "%v", err)
	}
	return items
}

func bytesPack(l *lua.LState) int {
	var out []byte
	arg := 1
	for _, it := range checkFormat(l) {
		sandbox.CheckRoom(l, len(out))
		if it.kind == 'x' {
			out = append(out, 0)
			continue
		}
		arg++
		if it.kind == 'i' || it.kind == 'I' {
			out = it.appendUint(out, checkInteger(l, arg, it))
			continue
		}
		out = appendItem(l, out, it, arg)
	}
	return pushedText(l, string(out))
}

func appendItem(l *lua.LState, out []byte, it packItem, arg int) []byte {
	if it.kind == 'f' {
		f := sandbox.CheckNumber(l, arg)
		if it.size == 4 {
			return it.appendUint(out, uint64(math.Float32bits(float32(f))))
		}
		return it.appendUint(out, math.Float64bits(f))
	}
	text := sandbox.CheckString(l, arg)
	switch it.kind {
	case 's':
		if it.size < 8 && uint64(len(text)) >= 1<<(8*it.size) {
			sandbox.RaiseMisuse(l, "argument %d has %d octets, too many for a length of %d", arg, len(text), it.size)
		}
		out = it.appendUint(out, uint64(len(text)))
	case 'z':
		if strings.IndexByte(text, 0) >= 0 {
			sandbox.RaiseMisuse(l, "argument %d contains a zero octet", arg)
		}
		return append(append(out, text...), 0)
	case 'c':
		if len(text) > it.size || it.size > 1<<20 {
			sandbox.RaiseMisuse(l, "argument %d has %d octets, expected at most %d", arg, len(text), min(it.size, 1<<20))
		}
		return append(append(out, text...), make([]byte, it.size-len(text))...)
	}
	return append(out, text...)
}

// appendUint writes the low octets of n.
func (it packItem) appendUint(out []byte, n uint64) []byte {
	var b [8]byte
	if it.little {
		binary.LittleEndian.PutUint64(b[:], n)
		return append(out, b[:it.size]...)
	}
	binary.BigEndian.PutUint64(b[:], n)
	return append(out, b[8-it.size:]...)
}

func (it packItem) uint(in []byte) uint64 {
	var n uint64
	for i := range it.size {
		c := in[i]
		if it.little {
			c = in[it.size-1-i]
		}
		n = n<<8 | uint64(c)
	}
	return n
}

// checkInteger gives argument n as the octets of an integer of the item's size and sign.
func checkInteger(l *lua.LState, n int, it packItem) uint64 {
	v, bits := l.Get(n), 8*it.size
	if u, ok := ToU64(v); ok {
		if it.kind == 'i' {
			bits--
		}
		if bits < 64 && u>>bits != 0 {
			sandbox.RaiseMisuse(l, "argument %d is %d, too great for %d octets", n, u, it.size)
		}
		return u
	}
	f := sandbox.CheckNumber(l, n)
	if f != math.Trunc(f) || math.Abs(f) > maxExact || it.kind == 'I' && f < 0 || f < -math.Ldexp(1, bits-1) || f >= math.Ldexp(1, bits) {
		sandbox.RaiseMisuse(l, "argument %d is %v, expected a whole number that fits %d octets", n, f, it.size)
	}
	return uint64(int64(f))
}

func bytesUnpack(l *lua.LState) int {
	items, in := checkFormat(l), sandbox.CheckString(l, 2)
	at := sandbox.OptInt(l, 3, 1) - 1
	if at < 0 {
		sandbox.RaiseMisuse(l, "argument 3 is %d, expected a place from 1 on", at+1)
	}
	top := l.GetTop()
	for _, it := range items {
		n, err := unpackItem(l, it, in, at)
		if err != nil {
			l.SetTop(top)
			return failed(l, err.Error())
		}
		at += n
	}
	l.Push(lua.LNumber(at + 1))
	return l.GetTop() - top
}

// unpackItem pushes one value and gives the octets it took.
func unpackItem(l *lua.LState, it packItem, in string, at int) (int, error) {
	rest := in[min(at, len(in)):]
	if it.kind == 'z' {
		end := strings.IndexByte(rest, 0)
		if end < 0 {
			return 0, fmt.Errorf("no zero octet after octet %d", at)
		}
		sandbox.PushString(l, rest[:end])
		return end + 1, nil
	}
	if len(rest) < it.size {
		return 0, fmt.Errorf("%d octets, expected %d more at octet %d", len(in), it.size-len(rest), at+1)
	}
	switch it.kind {
	case 'c':
		sandbox.PushString(l, rest[:it.size])
	case 's':
		n := it.uint([]byte(rest[:it.size]))
		if n > uint64(len(rest)-it.size) {
			return 0, fmt.Errorf("a length of %d at octet %d, but %d octets follow", n, at+1, len(rest)-it.size)
		}
		sandbox.PushString(l, rest[it.size:it.size+int(n)])
		return it.size + int(n), nil
	case 'x':
	default:
		v, err := it.number(it.uint([]byte(rest[:it.size])))
		if err != nil {
			return 0, err
		}
		l.Push(v)
	}
	return it.size, nil
}

func (it packItem) number(n uint64) (lua.LValue, error) {
	switch {
	case it.kind == 'f' && it.size == 4:
		return lua.LNumber(math.Float32frombits(uint32(n))), nil
	case it.kind == 'f':
		return lua.LNumber(math.Float64frombits(n)), nil
	case it.kind == 'I':
		return NewU64(n), nil
	}
	shift := 64 - 8*it.size
	signed := int64(n<<shift) >> shift
	if signed > maxExact || signed < -maxExact {
		return nil, fmt.Errorf("%d is not a number that scripts can hold; unpack it as J", signed)
	}
	return lua.LNumber(signed), nil
}
