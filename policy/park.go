package policy

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/server"
	"perilune/engine/users"
)

// parked is what a Runner knows of a request, as data that belongs to no Lua state. It lies in Request.Local
// while the request waits for a home server; req.realm and req.stripped are the server's to keep.
type parked struct {
	ctx      []byte // plain data; nil: no handler has asked for req.ctx
	round    []byte // likewise, of req.state
	answers  []huntgroupAnswer
	replaced []string // secret values that handlers have changed
	revealed []string // secrets that may stand in ctx
}

// A huntgroupAnswer is kept, so that a huntgroup is asked once in a request.
type huntgroupAnswer struct {
	ref   int
	truth users.Truth
}

// maxParked bounds the octets of plain data that a parked request keeps. One that needs more keeps its state.
const maxParked = 256 << 10

// Park implements server.Runner.
func (rn *Runner) Park(r *server.Request) bool {
	if rn.r != r {
		return true // no handler ran, or none since it was parked last
	}
	p := &parked{answers: rn.answered(), replaced: rn.replaced, revealed: slices.Clip(rn.revealed)}
	room, ok := maxParked, true
	if rn.ctx != nil {
		p.ctx, ok = storePlain(rn.ctx, &room)
	} else {
		p.ctx = rn.kept.ctx
	}
	if ok && rn.round != nil {
		p.round, ok = storePlain(rn.round, &room)
	} else if ok {
		p.round = rn.kept.round
	}
	if !ok {
		return false
	}
	r.Local = nil
	if !p.empty() {
		r.Local = p
	}
	rn.forget()
	return true
}

func (p *parked) empty() bool {
	return p.ctx == nil && p.round == nil && len(p.answers)+len(p.replaced) == 0
}

// unpark takes up what Park has left of a request. Tables are made when a handler asks for them.
func (rn *Runner) unpark(r *server.Request) {
	p, ok := r.Local.(*parked)
	if !ok {
		return
	}
	r.Local = nil
	rn.kept = *p
	rn.replaced = p.replaced
	for _, a := range p.answers {
		rn.keepAnswer(a.ref, a.truth)
	}
	for _, text := range p.revealed {
		rn.reveal(text)
	}
}

// answered lists the huntgroups that were asked.
func (rn *Runner) answered() (list []huntgroupAnswer) {
	for ref, asked := range rn.asked {
		if asked {
			list = append(list, huntgroupAnswer{ref, rn.answers[ref]})
		}
	}
	return list
}

// storePlain gives plain data as octets and takes their number from room. It reports false for what is no plain
// data and for what has no room.
func storePlain(v lua.LValue, room *int) ([]byte, bool) {
	if checkPlain(v) != nil || !plainFits(v, room) {
		return nil, false
	}
	return appendPlain(nil, v), true
}

// restorePlain reads what storePlain wrote; nil for nothing.
func restorePlain(b []byte) lua.LValue {
	if b == nil {
		return nil
	}
	v, err := readPlain(b)
	if err != nil {
		return nil // it was written by storePlain
	}
	return v
}

// plainFits counts the octets of plain data down, so that a text that stands in thousands of places is not
// written that often.
func plainFits(v lua.LValue, room *int) bool {
	const head = 10 // of a value, at most
	*room -= head
	switch v := v.(type) {
	case lua.LString:
		*room -= len(v)
	case *lua.LTable:
		each(v, func(k, item lua.LValue) bool { return plainFits(k, room) && plainFits(item, room) })
	}
	return *room >= 0
}
