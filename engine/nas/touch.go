package nas

import "net/netip"

// Touch reads the first place where a client with the address may stand, so that it is in the processor's cache when
// Lookup needs it. Over a whole batch of requests come first Touch, then Lookup, then Client.Touch, each in a loop of
// its own: reads of memory overlap if little else stands between them. The sum has no meaning, here and below: it is to
// be kept somewhere, so that the reading is not optimised away.
func (t *Table) Touch(addr netip.Addr) (sum uint32) {
	if addr.Is4() {
		if n := len(t.hosts.v4); n > 0 {
			return t.hosts.v4[hash4(key4(addr))&(n-1)].client
		}
		return 0
	}
	if n := len(t.hosts.v6); n > 0 {
		return t.hosts.v6[hash6(key6(addr))&(n-1)].client
	}
	return 0
}

// Touch reads what each request of the client needs: the first two lines of the record, and the line that has the name
// and, mostly, the secret.
func (c *Client) Touch() (sum uint32) {
	sum = uint32(c.Require)
	if c.Name != "" {
		sum += uint32(c.Name[0])
	}
	return sum
}
