package module

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"
	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

func netFunctions() []Function {
	f := func(of, name, signature, doc string, call lua.LGFunction) Function {
		return Function{Module: "net", Of: of, Name: name, Signature: signature, Doc: doc, call: call}
	}
	return slices.Concat([]Function{
		f("", "cidr", "net.cidr(text)", "A prefix or address; nil and why if it is none.", netCIDR),
		f("cidr", "has", "cidr:has(address)", "Whether the address lies in the prefix.", netHas),
		f("", "set", "net.set{prefix, …}", "A set of prefixes and addresses, fast at any size; nil and why if one is wrong.", netSet),
		f("set", "has", "set:has(address)", "Whether the address lies in one of them.", netHas),
		f("", "mac", "net.mac(text)", "A MAC address in any usual form, nil if it is none.", netMAC),
		f("mac", "format", `mac:format("aa-bb-cc-dd-ee-ff")`, "The address in the form shown; capital letters give capital digits.", macFormat),
		f("", "aton", "net.aton(address)", "An IPv4 address as a number; nil and why if it is none.", netAton),
		f("", "ntoa", "net.ntoa(number)", "The IPv4 address of a number.", netNtoa),
	}, waits("net", "", "lookup", "(name)", "A list of the addresses of a name, nil if there is none.", netLookup),
		waits("net", "", "reverse", "(address)", "The name of an address, nil if it has none.", netReverse))
}

// A holder of addresses: what cidr and set give.
type addresses interface{ Contains(netip.Addr) bool }

func hasMethod(kind string) *lua.LTable {
	return methods([]Function{{Of: kind, Name: "has", call: netHas}}, kind, nil)
}

var (
	cidrMeta = hasMethod("cidr")
	setMeta  = hasMethod("set")
	macMeta  = methods([]Function{{Of: "mac", Name: "format", call: macFormat}}, "mac", map[string]lua.LGFunction{
		"__tostring": func(l *lua.LState) int { return pushedText(l, net.HardwareAddr(self[[]byte](l, "mac")).String()) },
		"__eq": func(l *lua.LState) int {
			a, b := l.Get(1).(*lua.LUserData).Value.([]byte), l.Get(2).(*lua.LUserData).Value.([]byte)
			return pushed(l, lua.LBool(string(a) == string(b)))
		},
	})
)

// parsePrefix reads a prefix or a single address; the bits below the prefix are cleared.
func parsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no address or prefix", text)
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address or prefix", text)
	}
	return p.Masked(), nil
}

// CheckPrefix says what is wrong with the text of an address or a prefix, as net.cidr does.
func CheckPrefix(text string) error {
	_, err := parsePrefix(text)
	return err
}

func netCIDR(l *lua.LState) int {
	p, err := parsePrefix(sandbox.CheckString(l, 1))
	if err != nil {
		return failed(l, err.Error())
	}
	return pushed(l, &lua.LUserData{Value: addresses(p), Metatable: cidrMeta})
}

func netSet(l *lua.LState) int {
	t := sandbox.CheckTable(l, 1)
	set := new(bart.Lite)
	for i := 1; i <= t.Len(); i++ {
		text, ok := t.RawGetInt(i).(lua.LString)
		if !ok {
			sandbox.RaiseMisuse(l, "entry %d is a %s, expected string", i, t.RawGetInt(i).Type())
		}
		p, err := parsePrefix(string(text))
		if err != nil {
			return failed(l, err.Error())
		}
		sandbox.Charge(l, 4)
		set.Insert(p)
	}
	return pushed(l, &lua.LUserData{Value: addresses(set), Metatable: setMeta})
}

func netHas(l *lua.LState) int {
	set := self[addresses](l, "cidr or set")
	addr, err := netip.ParseAddr(sandbox.CheckString(l, 2))
	if err != nil {
		return failed(l, fmt.Sprintf("%q is no address", sandbox.CheckString(l, 2)))
	}
	return pushed(l, lua.LBool(set.Contains(addr.Unmap().WithZone(""))))
}

// parseMAC reads six octets in hexadecimal, in groups by : - . or blanks, or in none.
func parseMAC(text string) ([]byte, bool) {
	var mac [6]byte
	n := 0
	for i := range len(text) {
		c := text[i]
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if c < '0' || c > '9' && c < 'A' {
			digit = -1
		}
		switch {
		case digit >= 0 && n < 12:
			mac[n/2] = mac[n/2]<<4 | byte(digit)
			n++
		case strings.IndexByte(":-. ", c) >= 0 && n%2 == 0 && n > 0 && n < 12:
		default:
			return nil, false
		}
	}
	return mac[:], n == 12
}

func netMAC(l *lua.LState) int {
	mac, ok := parseMAC(sandbox.CheckString(l, 1))
	if !ok {
		return pushed(l, lua.LNil)
	}
	return pushed(l, &lua.LUserData{Value: mac, Metatable: macMeta})
}

// macFormat puts the digits in the place of the letters a to f of a form.
func macFormat(l *lua.LState) int {
	mac, form := self[[]byte](l, "mac"), sandbox.OptString(l, 2, "aa:bb:cc:dd:ee:ff")
	out, n := []byte(form), 0
	for i, c := range out {
		if c|0x20 < 'a' || c|0x20 > 'f' {
			continue
		}
		if n == 12 {
			n++
			break
		}
		digit := mac[n/2] >> (4 * (1 - n%2)) & 0xf
		out[i] = "0123456789abcdef"[digit]
		if c < 'a' {
			out[i] = "0123456789ABCDEF"[digit]
		}
		n++
	}
	if n != 12 {
		sandbox.RaiseMisuse(l, `form %q, expected twelve letters as in "aa-bb-cc-dd-ee-ff"`, form)
	}
	return pushedText(l, string(out))
}

func netAton(l *lua.LState) int {
	addr, err := netip.ParseAddr(sandbox.CheckString(l, 1))
	if err != nil || !addr.Unmap().Is4() {
		return failed(l, fmt.Sprintf("%q is no IPv4 address", sandbox.CheckString(l, 1)))
	}
	b := addr.Unmap().As4()
	return pushed(l, lua.LNumber(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3])))
}

func netNtoa(l *lua.LState) int {
	n, ok := ToU64(l.Get(1))
	if !ok || n > 1<<32-1 {
		sandbox.ArgError(l, 1, "a whole number from 0 to 4294967295")
	}
	return pushedText(l, netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String())
}

// resolve waits for the resolver, at most until the handler's time is over. nil and no error: not found.
func resolve[T any](l *lua.LState, ask func(ctx context.Context, r *net.Resolver) (T, error)) (found T, ok bool, err error) {
	r := From(l).Resolver
	if r == nil {
		r = net.DefaultResolver
	}
	found, err = block(l, func(ctx context.Context) (T, error) { return ask(ctx, r) })
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return found, false, nil
	case errors.As(err, &dns) && dns.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return found, false, &Failure{Kind: "timeout", Err: errors.New("the resolver did not answer")}
	}
	return found, err == nil, err
}

func netLookup(l *lua.LState) (lua.LValue, error) {
	name := sandbox.CheckString(l, 1)
	found, ok, err := resolve(l, func(ctx context.Context, r *net.Resolver) ([]netip.Addr, error) {
		return r.LookupNetIP(ctx, "ip", name)
	})
	if !ok {
		return lua.LNil, err
	}
	list := l.CreateTable(len(found), 0)
	for _, addr := range found {
		list.Append(lua.LString(addr.Unmap().String()))
	}
	return list, nil
}

func netReverse(l *lua.LState) (lua.LValue, error) {
	address := sandbox.CheckString(l, 1)
	names, ok, err := resolve(l, func(ctx context.Context, r *net.Resolver) ([]string, error) { return r.LookupAddr(ctx, address) })
	if !ok || len(names) == 0 {
		return lua.LNil, err
	}
	return lua.LString(strings.TrimSuffix(names[0], ".")), nil
}
