package server

import (
	"net"
	"net/netip"
	"strconv"
)

// zones gives link-local addresses their zone by name. It serves one goroutine at a time.
type zones struct{ names map[uint32]string }

// with adds the zone of interface scope to a link-local address; others need none.
func (z *zones) with(a netip.Addr, scope uint32) netip.Addr {
	if scope == 0 || !a.Is6() || !a.IsLinkLocalUnicast() {
		return a
	}
	name, ok := z.names[scope]
	if !ok {
		name = z.learn(scope)
	}
	return a.WithZone(name)
}

func (z *zones) learn(scope uint32) string {
	name := strconv.FormatUint(uint64(scope), 10)
	if i, err := net.InterfaceByIndex(int(scope)); err == nil {
		name = i.Name
	}
	if z.names == nil {
		z.names = make(map[uint32]string)
	}
	z.names[scope] = name
	return name
}
