package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/policy/sandbox"
)

// codecSteps bounds each call of a codec's function.
const codecSteps = 10_000

// Pure implements sandbox.Purist: while a codec runs, only functions of their arguments may be called.
func (rn *Runner) Pure() bool { return rn.pure }

// compute calls a function of a codec with one value. A state that has not run the scripts, as those of test files,
// borrows another.
func (rn *Runner) compute(c *codec, which func(codecFunctions) *lua.LFunction, v lua.LValue) (out lua.LValue, err error) {
	if c.index >= len(rn.codecs) {
		c.pr.withState(func(other *Runner) { out, err = other.compute(c, which, v) })
		return out, err
	}
	fn := which(rn.codecs[c.index])
	if fn == nil {
		return nil, errMissing
	}
	outer := rn.pure
	rn.pure = true
	results, err := rn.box.Call(fn, sandbox.Run{Steps: codecSteps}, v)
	rn.pure = outer
	switch {
	case err != nil:
		if at := place(err, ""); at.File != "" {
			return nil, fmt.Errorf("%s: %s", at, message(err))
		}
		return nil, errors.New(message(err))
	case len(results) > 1:
		return nil, fmt.Errorf("returned %d values, expected one; parentheses give the first: return (f(…))", len(results))
	case len(results) == 0:
		return lua.LNil, nil
	}
	return results[0], nil
}

func decoding(f codecFunctions) *lua.LFunction { return f.decode }
func encoding(f codecFunctions) *lua.LFunction { return f.encode }

// decode gives the value that octets stand for.
func (rn *Runner) decode(c *codec, value []byte) (lua.LValue, error) {
	v, err := rn.compute(c, decoding, lua.LString(value))
	if err == nil {
		err = codecValue(v)
	}
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return v, nil
}

// encoded gives the octets of a value.
func (rn *Runner) encoded(c *codec, v lua.LValue) ([]byte, error) {
	if err := codecValue(v); err != nil {
		return nil, err
	}
	out, err := rn.compute(c, encoding, v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	text, ok := out.(lua.LString)
	switch {
	case !ok:
		return nil, fmt.Errorf("encode: %w", found(out, "a byte string"))
	case text == "":
		return nil, errors.New("encode: got no octets; an attribute has one at least")
	}
	return []byte(text), nil
}

// decoded gives what a script reads of an attribute with a codec; nil if the octets cannot be decoded.
func (rn *Runner) decoded(a *dictionary.Attribute, value []byte) lua.LValue {
	c := a.Codec.(*codec)
	v, err := rn.decode(c, value)
	if err != nil {
		rn.undecoded(c, value, err)
		return lua.LNil
	}
	return v
}

// undecoded tells of octets that a codec cannot decode: whoever watches the request, and the log once a second.
func (rn *Runner) undecoded(c *codec, value []byte, err error) {
	octets := value
	if c.attr.Secret {
		octets = nil
	}
	text := fmt.Sprintf("%s: %v", c.attr.FullName(), rn.blank(rn.r, err.Error()))
	if rn.r != nil && rn.r.Trace != nil {
		rn.r.Trace.Step(fmt.Sprintf("codec: %s (0x%x)", text, octets))
	}
	if rn.pr.o.Log == nil {
		return
	}
	if leftOut, ok := rn.pr.failures.allow(nil, c.at, rn.pr.now()); ok {
		rn.pr.o.Log.LogAttrs(context.Background(), slog.LevelWarn, fmt.Sprintf("%s: codec of %s", c.at, text),
			slog.String("octets", fmt.Sprintf("0x%x", octets)), slog.Uint64("suppressed", leftOut))
	}
}

// withState calls fn with a state of the program: the only one while scripts load, a free one later.
func (pr *Program) withState(fn func(rn *Runner)) {
	if !pr.linked && pr.first != nil {
		pr.firstUse.Lock()
		defer pr.firstUse.Unlock()
		fn(pr.first)
		return
	}
	rn := pr.Acquire().(*Runner)
	defer pr.Release(rn)
	if rn.broken() {
		rn.renew()
	}
	fn(rn)
}

// wire gives the octets of a literal.
func (pr *Program) wire(ref dictionary.Ref, v lua.LValue) (value []byte, err error) {
	pr.withState(func(rn *Runner) { value, err = rn.wireAs(nil, ref, v) })
	return value, err
}

// AppendText implements dictionary.Codec.
func (c *codec) AppendText(dst, value []byte) (text []byte, ok bool) {
	c.pr.withState(func(rn *Runner) {
		v, err := rn.decode(c, value)
		if err == nil {
			dst, ok = append(dst, codecText(v)...), true
		}
	})
	return dst, ok
}

// ParseText implements dictionary.Codec.
func (c *codec) ParseText(dst []byte, text string) ([]byte, error) {
	v, err := parseCodecText(text, c.examples[0].value)
	if err != nil {
		return dst, fmt.Errorf("%s is %q: %w; expected a form like %s, or 0x and hexadecimal digits", c.attr.FullName(), text, err, codecText(c.examples[0].value))
	}
	var wire []byte
	c.pr.withState(func(rn *Runner) { wire, err = rn.encoded(c, v) })
	if err == nil && len(wire) > room(c.attr) {
		err = tooLong(c.attr, len(wire))
	}
	if err != nil {
		return dst, fmt.Errorf("%s is %q: %w", c.attr.FullName(), text, err)
	}
	return append(dst, wire...), nil
}

func tooLong(a *dictionary.Attribute, n int) error {
	return fmt.Errorf("%s: %d octets are more than the %d that fit", a.Name, n, room(a))
}
