package sandbox

import "errors"

// A pattern is a Lua pattern taken apart: a line of items, since patterns have no alternatives.
type pattern struct {
	text     string
	anchored bool // starts with ^
	plain    bool // nothing but ordinary characters
	items    []item
	captures int
}

// An op is what an item does.
type op uint8

const (
	opEnd      op = iota // the pattern is done
	opTail               // $ at the end: the string is done
	opChar               // one character
	opAny                // .
	opSet                // %a, [a-z]
	opOpen               // ( of capture n
	opPosition           // () capture n
	opClose              // ) of capture n
	opBack               // %1: what capture n holds
	opBalance            // %bxy
	opFrontier           // %f[set]
)

// An item is one step of a pattern. Only opChar, opAny and opSet may repeat.
type item struct {
	op     op
	repeat byte // 0 once, or * + - ?
	n      byte // character, number of a capture from 0, or x of %bxy
	m      byte // y of %bxy
	set    *charSet
}

// maxCaptures is Lua's own limit.
const maxCaptures = 32

// What is wrong with a pattern, in Lua's words.
var (
	errPatternLong    = errors.New("pattern too long (4096 octets are allowed)")
	errPatternEscape  = errors.New("malformed pattern (ends with '%')")
	errPatternSet     = errors.New("malformed pattern (missing ']')")
	errPatternBalance = errors.New("malformed pattern (missing arguments to '%b')")
	errFrontier       = errors.New("missing '[' after '%f' in pattern")
	errCapture        = errors.New("invalid pattern capture")
	errUnfinished     = errors.New("unfinished capture")
	errManyCaptures   = errors.New("too many captures")
	errCaptureIndex   = errors.New("invalid capture index")
)

// A patternCompiler is a place in a pattern and the captures that are open there.
type patternCompiler struct {
	text  string
	at    int
	out   *pattern
	open  []byte
	taken [maxCaptures]bool // closed captures
}

// compilePattern takes a pattern apart. In gmatch ^ is an ordinary character.
func compilePattern(text string, anchors bool) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, errPatternLong
	}
	c := &patternCompiler{text: text, out: &pattern{text: text, plain: true}}
	if anchors && len(text) > 0 && text[0] == '^' {
		c.out.anchored, c.out.plain = true, false
		c.at = 1
	}
	for c.at < len(text) {
		if err := c.next(); err != nil {
			return nil, err
		}
	}
	if len(c.open) > 0 {
		return nil, errUnfinished
	}
	c.add(item{op: opEnd})
	return c.out, nil
}

func (c *patternCompiler) add(it item) {
	c.out.items = append(c.out.items, it)
	if it.op != opEnd && (it.op != opChar || it.repeat != 0) {
		c.out.plain = false
	}
}

// next compiles one item.
func (c *patternCompiler) next() error {
	switch ch := c.text[c.at]; {
	case ch == '(':
		return c.openCapture()
	case ch == ')':
		return c.closeCapture()
	case ch == '$' && c.at+1 == len(c.text):
		c.at++
		c.add(item{op: opTail})
		return nil
	case ch == '%' && c.at+1 < len(c.text):
		switch e := c.text[c.at+1]; {
		case e == 'b':
			return c.balance()
		case e == 'f':
			return c.frontier()
		case e >= '0' && e <= '9':
			return c.back(e)
		}
	}
	it, err := c.class()
	if err != nil {
		return err
	}
	if c.at < len(c.text) {
		switch r := c.text[c.at]; r {
		case '*', '+', '-', '?':
			it.repeat = r
			c.at++
		}
	}
	c.add(it)
	return nil
}

func (c *patternCompiler) openCapture() error {
	if c.out.captures == maxCaptures {
		return errManyCaptures
	}
	n := byte(c.out.captures)
	c.out.captures++
	if c.at+1 < len(c.text) && c.text[c.at+1] == ')' {
		c.at += 2
		c.taken[n] = true
		c.add(item{op: opPosition, n: n})
		return nil
	}
	c.at++
	c.open = append(c.open, n)
	c.add(item{op: opOpen, n: n})
	return nil
}

func (c *patternCompiler) closeCapture() error {
	if len(c.open) == 0 {
		return errCapture
	}
	n := c.open[len(c.open)-1]
	c.open = c.open[:len(c.open)-1]
	c.taken[n] = true
	c.at++
	c.add(item{op: opClose, n: n})
	return nil
}

func (c *patternCompiler) balance() error {
	if c.at+3 >= len(c.text) {
		return errPatternBalance
	}
	c.add(item{op: opBalance, n: c.text[c.at+2], m: c.text[c.at+3]})
	c.at += 4
	return nil
}

func (c *patternCompiler) frontier() error {
	c.at += 2
	if c.at >= len(c.text) || c.text[c.at] != '[' {
		return errFrontier
	}
	set, err := c.set()
	if err != nil {
		return err
	}
	c.add(item{op: opFrontier, set: set})
	return nil
}

func (c *patternCompiler) back(digit byte) error {
	n := int(digit) - '1'
	if n < 0 || n >= c.out.captures || !c.taken[n] {
		return errCaptureIndex
	}
	c.at += 2
	c.add(item{op: opBack, n: byte(n)})
	return nil
}

// class compiles what stands for one character.
func (c *patternCompiler) class() (item, error) {
	switch ch := c.text[c.at]; ch {
	case '.':
		c.at++
		return item{op: opAny}, nil
	case '[':
		set, err := c.set()
		return item{op: opSet, set: set}, err
	case '%':
		if c.at+1 == len(c.text) {
			return item{}, errPatternEscape
		}
		e := c.text[c.at+1]
		c.at += 2
		if set := classes[e]; set != nil {
			return item{op: opSet, set: set}, nil
		}
		return item{op: opChar, n: e}, nil
	default:
		c.at++
		return item{op: opChar, n: ch}, nil
	}
}

// set compiles [set]. Its first character is never its end: []] is the set of ].
func (c *patternCompiler) set() (*charSet, error) {
	end, ok := setEnd(c.text, c.at)
	if !ok {
		return nil, errPatternSet
	}
	set := &charSet{}
	at := c.at + 1
	inverted := c.text[at] == '^'
	if inverted {
		at++
	}
	for at < end {
		at = c.setMember(set, at, end)
	}
	if inverted {
		set.invert()
	}
	c.at = end + 1
	return set, nil
}

// setMember adds one character, class or range and gives the place after it.
func (c *patternCompiler) setMember(set *charSet, at, end int) int {
	ch := c.text[at]
	switch {
	case ch == '%':
		e := c.text[at+1]
		if class := classes[e]; class != nil {
			set.union(class)
		} else {
			set.add(e)
		}
		return at + 2
	case c.text[at+1] == '-' && at+2 < end:
		for v := int(ch); v <= int(c.text[at+2]); v++ {
			set.add(byte(v))
		}
		return at + 3
	}
	set.add(ch)
	return at + 1
}

// setEnd finds the ] of the set that starts at text[at].
func setEnd(text string, at int) (int, bool) {
	at++
	if at < len(text) && text[at] == '^' {
		at++
	}
	for first := true; at < len(text); first = false {
		switch {
		case text[at] == ']' && !first:
			return at, true
		case text[at] == '%' && at+1 < len(text):
			at += 2
		default:
			at++
		}
	}
	return 0, false
}
