package sandbox

// A charSet is a set of octets.
type charSet [4]uint64

func (s *charSet) add(c byte)      { s[c>>6] |= 1 << (c & 63) }
func (s *charSet) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

func (s *charSet) invert() {
	for i := range s {
		s[i] = ^s[i]
	}
}

func (s *charSet) union(o *charSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// classes are the sets behind %a, %d and so on in the C locale; capital letters are the complements.
var classes = func() (sets [256]*charSet) {
	between := func(c, low, high byte) bool { return c >= low && c <= high }
	letter := func(c byte) bool { return between(c|0x20, 'a', 'z') }
	digit := func(c byte) bool { return between(c, '0', '9') }
	for name, in := range map[byte]func(byte) bool{
		'a': letter,
		'c': func(c byte) bool { return c < ' ' || c == 0x7f },
		'd': digit,
		'l': func(c byte) bool { return between(c, 'a', 'z') },
		'p': func(c byte) bool { return between(c, '!', '~') && !letter(c) && !digit(c) },
		's': func(c byte) bool { return c == ' ' || between(c, '\t', '\r') },
		'u': func(c byte) bool { return between(c, 'A', 'Z') },
		'w': func(c byte) bool { return letter(c) || digit(c) },
		'x': func(c byte) bool { return digit(c) || between(c|0x20, 'a', 'f') },
		'z': func(c byte) bool { return c == 0 },
	} {
		set, complement := &charSet{}, &charSet{}
		for c := range 256 {
			if in(byte(c)) {
				set.add(byte(c))
			}
		}
		*complement = *set
		complement.invert()
		sets[name], sets[name&^0x20] = set, complement
	}
	return sets
}()
