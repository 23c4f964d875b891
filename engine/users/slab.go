package users

// Slabs hold the compiled entries outside Go's heap where the system allows it: large Go allocations are
// zeroed and swept in stalls that the packet path would feel, and their memory stays resident after a
// reload. What lies in a slab must not be used after free.

const (
	chunkBits = 24             // a chunk is 16 MiB
	chunkSize = 1 << chunkBits // untouched pages of it cost nothing
	unit      = 4              // records begin at multiples of it, so that 32 bits name 16 GiB
	unitBits  = chunkBits - 2
	freeStep  = 1 << 20 // octets given back between two yields
)

// A place names a record: its distance from the slab's beginning in units. 0 is no record.
type place uint32

// A slab is memory that only grows until it is freed as a whole.
type slab struct {
	chunks [][]byte
	used   int // octets of the last chunk
}

// alloc gives n octets, at most chunkSize, zeroed.
func (s *slab) alloc(n int) (place, []byte, error) {
	n = (n + unit - 1) &^ (unit - 1)
	if len(s.chunks) == 0 || s.used+n > chunkSize {
		c, err := mapMemory(chunkSize)
		if err != nil {
			return 0, nil, err
		}
		s.chunks, s.used = append(s.chunks, c), 0
		if len(s.chunks) == 1 {
			s.used = unit // place 0 stays empty
		}
	}
	at := s.used
	s.used += n
	last := len(s.chunks) - 1
	return place(last<<unitBits | at/unit), s.chunks[last][at : at+n : at+n], nil
}

// from gives the memory from a place to the end of its chunk.
func (s *slab) from(p place) []byte {
	return s.chunks[p>>unitBits][p&(1<<unitBits-1)*unit:]
}

func (s *slab) free(yield func()) {
	for _, c := range s.chunks {
		unmapMemory(c, yield)
	}
	*s = slab{}
}
