package sandbox

// patternSlots is the size of a state's cache of compiled patterns, a power of two.
const patternSlots = 128

// A patternCache keeps compiled patterns by content: a slot each, the newest wins. Scripts have few patterns,
// and equal strings from a script's constants share their memory, so that comparing them costs a pointer.
type patternCache [patternSlots]*pattern

// met gives a pattern that was compiled before, nil if it was not or has made room.
func (c *patternCache) met(text string) *pattern {
	if p := c[patternSlot(text)]; p != nil && p.text == text {
		return p
	}
	return nil
}

func (c *patternCache) get(text string) (*pattern, error) {
	slot := &c[patternSlot(text)]
	if p := *slot; p != nil && p.text == text {
		return p, nil
	}
	p, err := compilePattern(text, true)
	if err == nil {
		*slot = p
	}
	return p, err
}

func patternSlot(text string) uint {
	n := uint(len(text))
	if n == 0 {
		return 0
	}
	return (n*31 + uint(text[0])*7 + uint(text[n/2])*5 + uint(text[n-1])*3) % patternSlots
}
