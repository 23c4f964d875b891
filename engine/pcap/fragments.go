package pcap

import (
	"net/netip"
	"slices"
)

// fragments puts datagrams together that IP has cut (RFC 791 s3.2, 8200 s4.5). Those that stay in pieces are forgotten.
type fragments struct {
	whole map[fragmentKey]*assembly
	order []fragmentKey
}

type fragmentKey struct {
	from, to netip.Addr
	id       uint32
}

// An assembly is one datagram in pieces.
type assembly struct {
	pieces []piece
	size   int // 0: the last piece is not there yet
	cut    bool
}

type piece struct {
	offset int
	octets []byte
}

// Bounds of what is kept.
const (
	maxAssemblies = 256
	maxPieces     = 64
	maxDatagram   = 65535
)

// add keeps a fragment. It reports whether the datagram is whole, which p then holds.
func (fs *fragments) add(p *packet) bool {
	key := fragmentKey{p.from, p.to, p.id}
	a := fs.whole[key]
	if a == nil {
		a = fs.begin(key)
	}
	end := p.offset + len(p.payload)
	if end > maxDatagram || len(a.pieces) >= maxPieces {
		fs.forget(key)
		return false
	}
	a.pieces = append(a.pieces, piece{p.offset, slices.Clone(p.payload)})
	a.cut = a.cut || p.cut
	if !p.more {
		a.size = end
	}
	octets, ok := a.join()
	if !ok {
		return false
	}
	fs.forget(key)
	p.payload, p.cut = octets, a.cut
	return true
}

func (fs *fragments) begin(key fragmentKey) *assembly {
	if fs.whole == nil {
		fs.whole = map[fragmentKey]*assembly{}
	}
	if len(fs.order) >= maxAssemblies {
		delete(fs.whole, fs.order[0])
		fs.order = fs.order[1:]
	}
	a := &assembly{}
	fs.whole[key] = a
	fs.order = append(fs.order, key)
	return a
}

func (fs *fragments) forget(key fragmentKey) {
	delete(fs.whole, key)
	if i := slices.Index(fs.order, key); i >= 0 {
		fs.order = slices.Delete(fs.order, i, i+1)
	}
}

// join gives the octets if there are no holes. Where pieces overlap the first one counts.
func (a *assembly) join() ([]byte, bool) {
	if a.size == 0 {
		return nil, false
	}
	slices.SortStableFunc(a.pieces, func(x, y piece) int { return x.offset - y.offset })
	var whole []byte
	for _, p := range a.pieces {
		switch at := len(whole) - p.offset; {
		case at < 0:
			return nil, false
		case at < len(p.octets):
			whole = append(whole, p.octets[at:]...)
		}
	}
	return whole, len(whole) == a.size
}
