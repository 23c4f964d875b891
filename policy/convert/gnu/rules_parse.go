package gnu

import (
	"fmt"
	"strings"

	"perilune/engine/raddb"
)

// A ruleParser reads the grammar of users, hints and huntgroups.
type ruleParser struct {
	lx   ruleLexer
	file *ruleFile
	tok  token // looked at, not yet taken
}

func (p *ruleParser) directive(line string, at raddb.Pos, start, end int) {
	if i := strings.Index(line, "#"); i >= 0 {
		line = line[:i]
	}
	fields := strings.Fields(line)
	if len(fields) < 2 || fields[0] != "$INCLUDE" {
		p.file.others = append(p.file.others, start) // $DEBUG and the empty $ mean nothing here
		return
	}
	p.file.includes = append(p.file.includes, &inclusion{
		name: strings.Trim(fields[1], `"'`), at: at, start: start, end: end})
}

func (p *ruleParser) take() token {
	t := p.tok
	p.tok = p.lx.next()
	return t
}

func (p *ruleParser) parse() {
	p.take()
	after := 0
	for p.tok.kind != atEnd {
		r := &rule{label: p.tok, start: p.tok.start, file: p.file, after: after}
		if why := p.rule(r); why != "" {
			r.dropped = fmt.Sprintf("syntax error at line %d: %s", p.tok.at.Line, why)
			p.lx.resync()
			r.end = max(r.end, p.lineBefore())
			p.take()
		}
		p.file.rules = append(p.file.rules, r)
		after = r.end
	}
	p.settle()
}

// settle puts each inclusion behind the rules that begin before it. The parser itself meets it while it looks
// for a token, when the rule is not complete.
func (p *ruleParser) settle() {
	for _, in := range p.file.includes {
		for in.before < len(p.file.rules) && p.file.rules[in.before].start < in.start {
			in.before++
		}
	}
}

// lineBefore gives the end of the last line before the place where reading goes on, without empty lines and
// comments.
func (p *ruleParser) lineBefore() int {
	return len(trimTail(p.lx.text[:p.lx.i]))
}

// trimTail cuts empty lines and lines of comments off the end.
func trimTail(text string) string {
	for {
		text = strings.TrimRight(text, " \t\r\n")
		i := strings.LastIndexByte(text, '\n') + 1
		if i == 0 || !strings.HasPrefix(strings.TrimLeft(text[i:], " \t"), "#") {
			return text
		}
		text = text[:i]
	}
}

// rule reads one rule. The text says what does not fit the grammar.
func (p *ruleParser) rule(r *rule) (why string) {
	r.end = p.tok.end
	if p.tok.kind != isName && p.tok.kind != isString {
		return fmt.Sprintf("found %s where a name should stand", p.found())
	}
	p.take()
	for i, list := range [...]*[]pair{&r.lhs, &r.rhs} {
		if why := p.list(r, i, list); why != "" {
			return why
		}
	}
	return ""
}

func (p *ruleParser) list(r *rule, side int, list *[]pair) (why string) {
	if p.tok.kind == isNull {
		r.nulls[side] = p.tok
		r.end = p.tok.end
		p.take()
		return ""
	}
	for {
		q, why := p.pair(r)
		if why != "" {
			return why
		}
		if p.tok.kind != isComma {
			*list = append(*list, q)
			return ""
		}
		q.comma = p.take()
		r.end = q.comma.end
		*list = append(*list, q)
	}
}

func (p *ruleParser) pair(r *rule) (q pair, why string) {
	if p.tok.kind != isName {
		return q, fmt.Sprintf("found %s where an attribute should stand", p.found())
	}
	q.name = p.take()
	r.end = q.name.end
	if p.tok.kind != isOperator {
		return q, fmt.Sprintf("found %s after %s where one of = != < > <= >= should stand", p.found(), q.name.text)
	}
	q.op = p.take()
	r.end = q.op.end
	if p.tok.kind != isName && p.tok.kind != isString {
		return q, fmt.Sprintf("found %s where a value should stand", p.found())
	}
	q.value = p.take()
	r.end = q.value.end
	return q, ""
}

// found names the token that does not fit. Strings are not shown: they may be passwords.
func (p *ruleParser) found() string {
	switch p.tok.kind {
	case atEnd:
		return "the end of the file"
	case isString:
		return "a string"
	case isStrange:
		if p.tok.text[0] == '"' {
			return "a string without end"
		}
	}
	return fmt.Sprintf("%q", p.tok.text)
}
