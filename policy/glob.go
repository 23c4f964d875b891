package policy

// glob reports whether pattern fits the whole of text: `*` any octets, `?` one octet, `[ab]`, `[a-z]`,
// `[!a]` one of a set; everything else, `\` too, is itself. It allocates nothing and takes at most
// len(pattern)·len(text) steps: only the last star is ever tried again.
func glob[T string | []byte](pattern string, text T, fold bool) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, t
			p++
			continue
		}
		if n := globOne(pattern[p:], text[t], fold); n > 0 {
			p, t = p+n, t+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, t = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// globOne compares one octet with the first element of pattern, and gives the element's length, 0 if it
// does not fit.
func globOne(pattern string, c byte, fold bool) int {
	if pattern == "" {
		return 0
	}
	switch {
	case pattern[0] == '?':
		return 1
	case pattern[0] == '[':
		if n, ok := globSet(pattern, c, fold); n > 0 {
			if ok {
				return n
			}
			return 0
		}
	}
	if pattern[0] == c || fold && lower(pattern[0]) == lower(c) {
		return 1
	}
	return 0
}

// globSet compares with a set in brackets. length is 0 if the bracket is not closed, so that it stands for
// itself.
func globSet(pattern string, c byte, fold bool) (length int, ok bool) {
	i, not := 1, false
	if i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^') {
		not, i = true, i+1
	}
	for first := true; i < len(pattern); first = false {
		if pattern[i] == ']' && !first {
			return i + 1, ok != not
		}
		lo, hi := pattern[i], pattern[i]
		i++
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			hi, i = pattern[i+1], i+2
		}
		if lo <= c && c <= hi || fold && lower(lo) <= lower(c) && lower(c) <= lower(hi) {
			ok = true
		}
	}
	return 0, false
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// plain reports whether a pattern has no special character, so that it is compared as it stands.
func plainGlob(pattern string) bool {
	for i := range len(pattern) {
		if c := pattern[i]; c == '*' || c == '?' || c == '[' {
			return false
		}
	}
	return true
}
