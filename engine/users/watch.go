package users

import (
	"bytes"
	"strconv"

	"perilune/engine/dictionary"
)

// watch tells the Watcher of an entry that was compared; p is the check that failed, nil if none did.
func (m matcher) watch(r record, p *pair) {
	w := m.q.Watch
	if w == nil {
		return
	}
	rule := m.t.rule(r)
	if p == nil {
		w.Matched(rule)
		return
	}
	if held, checks := m.held(r, p); w.Near(rule, held, checks) {
		w.Missed(rule, string(m.appendCheck(nil, p, r)), string(m.appendFound(nil, p)))
	}
}

// held counts the checks of an entry that hold, also those behind the one that failed: but for what asks a script,
// which must not be asked more because somebody looks.
func (m matcher) held(r record, failed *pair) (held, checks int) {
	before, behind := m.q.captured, false
	var p pair
	for rest := r.checks(); len(rest) > 0; {
		if p, rest = m.t.nextPair(rest); p.kind >= firstEffect {
			continue
		}
		checks++
		switch {
		case p.kind == checkProfile:
		case !behind && p.is(failed):
			behind = true
		case !behind, p.kind != checkHuntgroup && p.flags&pairExpand == 0 && m.holds(&p):
			held++
		}
	}
	m.q.captured = before
	return held, checks
}

// is reports whether two pairs are one place of the list.
func (p *pair) is(o *pair) bool {
	return p.kind == o.kind && p.attr == o.attr && p.rel == o.rel && p.tag == o.tag && p.flags == o.flags && bytes.Equal(p.value, o.value)
}

var relationText = [...]string{"=", "!=", "<", ">", "<=", ">="}

// appendCheck appends a check pair as the file's dialect writes it.
func (m matcher) appendCheck(dst []byte, p *pair, r record) []byte {
	if p.kind == checkProfile {
		return strconv.AppendQuote(append(dst, "Match-Profile = "...), m.t.profiles[p.number()].label)
	}
	a := m.t.attrs[p.attr]
	dst = appendName(dst, a, p.tag)
	switch {
	case p.kind == checkPresent:
		return append(dst, " =*"...)
	case p.kind == checkAbsent:
		return append(dst, " !*"...)
	case p.kind == checkRegexp && p.rel == relEqual:
		dst = append(dst, " =~ "...)
	case p.kind == checkRegexp:
		dst = append(dst, " !~ "...)
	case p.rel == relEqual && r.has(flagFreeRADIUS):
		dst = append(dst, " == "...)
	default:
		dst = append(append(append(dst, ' '), relationText[p.rel]...), ' ')
	}
	return m.appendWanted(dst, p, a)
}

func appendName(dst []byte, a *dictionary.Attribute, tag int8) []byte {
	dst = append(dst, a.FullName()...)
	if tag >= 0 && a.Tagged {
		dst = strconv.AppendInt(append(dst, ':'), int64(tag), 10)
	}
	return dst
}

// appendWanted appends the value that a check asks for.
func (m matcher) appendWanted(dst []byte, p *pair, a *dictionary.Attribute) []byte {
	switch p.kind {
	case checkRegexp:
		return strconv.AppendQuote(dst, m.t.regexps[p.number()].String())
	case checkWithin:
		return append(dst, prefixOf(p.value).String()...)
	case checkPorts:
		return appendPorts(dst, p.value)
	case checkGroup:
		return strconv.AppendQuote(dst, m.t.groups[p.number()].name)
	case checkHuntgroup:
		return strconv.AppendQuote(dst, m.t.huntgroups[p.number()])
	}
	if p.flags&pairExpand != 0 {
		return strconv.AppendQuote(dst, string(m.t.expand(nil, p.value, m.q)))
	}
	return appendValue(dst, a, p.value)
}

func appendPorts(dst, ranges []byte) []byte {
	for i := 0; i+8 <= len(ranges); i += 8 {
		if i > 0 {
			dst = append(dst, ',')
		}
		from, to := order.Uint32(ranges[i:]), order.Uint32(ranges[i+4:])
		dst = strconv.AppendUint(dst, uint64(from), 10)
		if to != from {
			dst = strconv.AppendUint(append(dst, '-'), uint64(to), 10)
		}
	}
	return dst
}

// appendValue appends a value as users files write it; that of a Secret attribute is blanked.
func appendValue(dst []byte, a *dictionary.Attribute, v []byte) []byte {
	switch {
	case a.Secret:
		return append(dst, "[secret]"...)
	case a.Type == dictionary.TypeString:
		return strconv.AppendQuote(dst, string(v))
	}
	return a.AppendText(dst, v)
}

// huntgroupText says what the policy answered; it keeps its answers for a request.
func (m matcher) huntgroupText(p *pair) string {
	truth := False
	if m.q.Host != nil {
		truth = m.q.Host.Huntgroup(p.number())
	}
	return [...]string{False: "the request is not in it", True: "the request is in it", Unknown: "the answer is unknown"}[truth]
}

// appendFound appends what the request has where a check failed.
func (m matcher) appendFound(dst []byte, p *pair) []byte {
	switch p.kind {
	case checkProfile:
		return append(dst, "no entry of it matches"...)
	case checkPrefix, checkSuffix, checkGroup:
		return strconv.AppendQuote(append(dst, "User-Name = "...), string(m.q.Name))
	case checkHuntgroup:
		return append(dst, m.huntgroupText(p)...)
	}
	ref := dictionary.Ref{Attr: m.t.attrs[p.attr], Tag: p.tag}
	list := m.source(ref)
	if list == nil {
		return appendName(append(dst, "no "...), ref.Attr, p.tag)
	}
	for i := 0; i == 0 || p.flags&pairAny != 0 || p.kind == checkHint; i++ {
		v, ok := list.Get(ref, i)
		if !ok {
			break
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(appendName(dst, ref.Attr, p.tag), " = "...)
		dst = appendValue(dst, ref.Attr, v)
	}
	return dst
}
