package gnu

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/policy/convert/output"
)

// field gives the Lua for the first value of an attribute of the request.
func field(a *dictionary.Attribute) string {
	if a.Number == 1 && a.Vendor == nil && !a.Internal {
		return "req.user"
	}
	return "req[" + output.LuaString(a.FullName()) + "]"
}

// numeric reports whether values are numbers.
func numeric(a *dictionary.Attribute) bool {
	switch a.Type {
	case dictionary.TypeByte, dictionary.TypeShort, dictionary.TypeInteger, dictionary.TypeInteger64, dictionary.TypeSigned, dictionary.TypeDate:
		return true
	}
	return false
}

// address reports whether values are addresses of IPv4.
func address(a *dictionary.Attribute) bool {
	return a.Type == dictionary.TypeIPv4Addr || a.Type == dictionary.TypeComboIP
}

// dotted gives an address as text.
func dotted(n uint32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b).String()
}

// valueText gives a constant value as users files and tests write it: text, a number or the name of one.
func (p *pair) valueText() string {
	switch {
	case numeric(p.now) && p.ranges == nil && numeric(p.attr):
		if name, ok := p.now.ValueName(uint64(p.num)); ok {
			return name
		}
		return strconv.FormatUint(uint64(p.num), 10)
	case address(p.now) && address(p.attr):
		return dotted(p.num)
	}
	return cut(p.now, p.value.text)
}

// cut gives as much of a text as fits into the attribute: the old server sent no more.
func cut(a *dictionary.Attribute, text string) string {
	most := radius.MaxValueLen
	switch {
	case a.Internal || a.Concat:
		return text
	case a.Vendor != nil:
		most -= 4 + a.Vendor.Format.HeaderLen()
	}
	return text[:min(len(text), most)]
}

// luaValue gives a constant value in Lua.
func (p *pair) luaValue() string {
	if numeric(p.now) && numeric(p.attr) && p.ranges == nil {
		if name, ok := p.now.ValueName(uint64(p.num)); ok {
			return output.LuaString(name)
		}
		return strconv.FormatUint(uint64(p.num), 10)
	}
	return output.LuaString(p.valueText())
}

// isText reports whether values are text or octets.
func isText(a *dictionary.Attribute) bool {
	return a.Type == dictionary.TypeString || a.Type == dictionary.TypeOctets || a.Type == dictionary.TypeABinary
}
