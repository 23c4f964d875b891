package policy

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A codec is the form that a script gives an attribute's octets. Its functions are those of each state, at index.
// It implements dictionary.Codec, so that users files, commands, log and trace have the form, too.
type codec struct {
	pr       *Program
	attr     *dictionary.Attribute
	at       raddb.Pos
	index    int // in Program.codecs and Runner.codecs
	examples []codecExample
}

// A codecExample is octets and the value that they stand for.
type codecExample struct {
	wire  []byte
	value lua.LValue // plain data
}

// codecFunctions are those of one state.
type codecFunctions struct{ decode, encode *lua.LFunction }

// codec reads codec={decode=, encode=, examples={{hex=, value=}, …}}; nil if there is none.
func (o *optionReader) codec(a *dictionary.Attribute) (*codec, codecFunctions) {
	v := o.get("codec")
	if v == lua.LNil {
		return nil, codecFunctions{}
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		o.fail("codec: %v", found(v, "a table with decode, encode and examples"))
		return nil, codecFunctions{}
	}
	switch {
	case a.Internal:
		o.fail("codec: %s is internal and has no octets", a.Name)
	case a.Type != dictionary.TypeOctets || a.Array:
		o.fail(`codec: %s has type %s; expected type="octets" without many`, a.Name, a.Type)
	}
	in := &optionReader{what: o.what + ": codec", t: t, used: map[string]bool{}}
	functions := codecFunctions{in.function("decode"), in.function("encode")}
	c := &codec{attr: a}
	c.readExamples(in)
	if err := in.end(); err != nil && o.err == nil {
		o.err = err
	}
	return c, functions
}

func (o *optionReader) function(name string) *lua.LFunction {
	fn, ok := o.get(name).(*lua.LFunction)
	if !ok {
		o.fail("%s: %v", name, found(o.get(name), "a function"))
	}
	return fn
}

func (c *codec) readExamples(o *optionReader) {
	const form = `examples={{hex="23", value=…}}`
	t, ok := o.get("examples").(*lua.LTable)
	if !ok || t.Len() == 0 {
		o.fail("there is no example; expected %s", form)
		return
	}
	for i := 1; i <= t.Len(); i++ {
		item, ok := t.RawGetInt(i).(*lua.LTable)
		if !ok {
			o.fail("example %d: %v", i, found(t.RawGetInt(i), form))
			continue
		}
		in := &optionReader{what: fmt.Sprintf("%s: example %d", o.what, i), t: item, used: map[string]bool{}}
		c.examples = append(c.examples, in.example())
		if err := in.end(); err != nil && o.err == nil {
			o.err = err
		}
	}
}

func (o *optionReader) example() codecExample {
	text := strings.TrimPrefix(o.text("hex"), "0x")
	wire, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil || len(wire) == 0 {
		o.fail("hex: got %q, expected hexadecimal digits of one octet at least", text)
	}
	value := o.get("value")
	if err := codecValue(value); err != nil {
		o.fail("value: %v", err)
	}
	return codecExample{wire, value}
}

// codecValue says what makes a Lua value none of a codec's.
func codecValue(v lua.LValue) error {
	if v == lua.LNil {
		return errors.New("got nil, expected text, a number, a boolean or a table")
	}
	if t, ok := v.(*lua.LTable); ok && t.Len() > 0 {
		return errors.New("got a list, which would be many values; expected named fields, as {items={…}}")
	}
	return checkPlain(v)
}

// addCodec keeps a codec and its functions in this state. Further states must give the same attribute one in the
// same order.
func (rn *Runner) addCodec(c *codec, functions codecFunctions, at raddb.Pos) error {
	pr := rn.pr
	c.pr, c.at, c.index = pr, at, len(rn.codecs)
	if !pr.linked {
		c.attr.Codec = c
		pr.codecs = append(pr.codecs, c)
	} else if c.index >= len(pr.codecs) || pr.codecs[c.index].at != at || pr.codecs[c.index].attr.Name != c.attr.Name {
		return fmt.Errorf("codec of %s: all states must declare the same, in the same order", c.attr.Name)
	}
	rn.codecs = append(rn.codecs, functions)
	return nil
}

// CheckCodecs tries the examples of all codecs, for programs that are not linked.
func (pr *Program) CheckCodecs() (errs raddb.List) {
	pr.checkCodecs(&errs)
	return errs
}

// checkCodecs tries the examples of all codecs both ways, twice: what a codec gives must not depend on what it did
// before.
func (pr *Program) checkCodecs(errs *raddb.List) {
	for _, c := range pr.codecs {
		for i := range 2 * len(c.examples) {
			at := i % len(c.examples)
			if err := c.try(pr.first, c.examples[at]); err != nil {
				errs.Errorf(c.at, "codec of %s: example %d: %v", c.attr.FullName(), at+1, err)
				break
			}
		}
	}
}

func (c *codec) try(rn *Runner, e codecExample) error {
	value, err := rn.decode(c, e.wire)
	switch {
	case err != nil:
		return fmt.Errorf("0x%x: %w", e.wire, err)
	case !samePlain(value, e.value):
		return fmt.Errorf("decode gives %s for 0x%x; expected %s", codecText(value), e.wire, codecText(e.value))
	}
	wire, err := rn.encoded(c, e.value)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", codecText(e.value), err)
	case !bytes.Equal(wire, e.wire):
		return fmt.Errorf("encode gives 0x%x for %s; expected 0x%x", wire, codecText(e.value), e.wire)
	case len(wire) > room(c.attr):
		return tooLong(c.attr, len(wire))
	}
	return nil
}

// samePlain compares plain data; the order of keys does not count.
func samePlain(a, b lua.LValue) bool {
	x, ok1 := a.(*lua.LTable)
	y, ok2 := b.(*lua.LTable)
	if !ok1 || !ok2 {
		return a == b
	}
	count, same := 0, true
	each(x, func(k, v lua.LValue) bool {
		count++
		same = samePlain(v, y.RawGet(k))
		return same
	})
	each(y, func(lua.LValue, lua.LValue) bool { count--; return true })
	return same && count == 0
}

// compares says why values of the codec never equal a literal.
func (c *codec) compares(v lua.LValue) error {
	for _, e := range c.examples {
		if e.value.Type() == v.Type() {
			return nil
		}
	}
	return fmt.Errorf("%s reads as a %s such as %s, so it never equals %v", c.attr.Name, c.examples[0].value.Type(), codecText(c.examples[0].value), v)
}
