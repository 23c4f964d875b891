package rewrite

// levels are the binary operators from loose to tight; each level is left-associative.
var levels = [][]string{
	{"||"}, {"&&"}, {"=~", "!~"}, {"|"}, {"^"}, {"&"}, {"==", "!="}, {"<", "<=", ">", ">="}, {"<<", ">>"}, {"+", "-"},
	{"*", "/", "%"},
}

// expr parses an expression: an assignment or what is tighter.
func (p *parser) expr() expr {
	defer p.deeper()()
	x := p.binary(0)
	if !p.is("=") {
		return x
	}
	at := p.take().at
	switch x.(type) {
	case *name, *attribute:
	default:
		p.errs.Errorf(at, "only a variable or %%[attribute] can stand before =; did you mean ==?")
		p.failed = true
		panic(bailout{})
	}
	return &assign{node: node{at: x.pos()}, to: x, value: p.expr()}
}

// binary parses the operators of a level and of the tighter ones.
func (p *parser) binary(level int) expr {
	if level == len(levels) {
		return p.unary()
	}
	x := p.binary(level + 1)
	for n := 0; ; n++ {
		op := p.operator(level)
		if op == "" {
			return x
		}
		if n == maxDepth {
			p.fail("an end: more than 100 operators in a row")
		}
		at := p.take().at
		if op == "=~" || op == "!~" {
			x = p.match(x, op)
			continue
		}
		x = &binary{node: node{at: at}, op: op, x: x, y: p.binary(level + 1)}
	}
}

func (p *parser) operator(level int) string {
	t := p.peek()
	if t.kind != tokenSign {
		return ""
	}
	for _, op := range levels[level] {
		if t.text == op {
			return op
		}
	}
	return ""
}

func (p *parser) match(x expr, op string) expr {
	t := p.peek()
	if t.kind != tokenString {
		p.fail("a string behind " + op + ": the regular expression must be written out")
	}
	return &match{node: node{at: t.at}, x: x, pattern: p.text(), negated: op == "!~"}
}

func (p *parser) unary() expr {
	defer p.deeper()()
	t := p.peek()
	switch {
	case p.is("-"), p.is("+"), p.is("!"):
		p.take()
		return &unary{node: node{at: t.at}, op: t.text, x: p.unary()}
	case p.is("*"):
		p.take()
		if p.peek().kind != tokenAttribute {
			p.fail("%[attribute] after *")
		}
		return &presence{node: node{at: t.at}, attr: p.attribute()}
	case p.isCast():
		p.take()
		typ := p.typeName("a type")
		p.expect(")", "after the type")
		return &cast{node: node{at: t.at, typ: typ}, x: p.unary()}
	}
	return p.primary()
}

func (p *parser) isCast() bool {
	if !p.is("(") || p.i+1 >= len(p.tokens) {
		return false
	}
	t := p.tokens[p.i+1]
	return t.kind == tokenName && (t.text == "integer" || t.text == "string")
}

func (p *parser) primary() expr {
	t := p.peek()
	n := node{at: t.at}
	switch t.kind {
	case tokenNumber:
		p.take()
		return &number{node: n, n: t.number, form: t.form, text: t.text}
	case tokenString:
		return p.text()
	case tokenGroup:
		p.take()
		return &group{node: n, n: t.number}
	case tokenAttribute:
		return p.attribute()
	case tokenName:
		return p.named()
	}
	p.expect("(", "or another beginning of an expression")
	x := p.expr()
	p.expect(")", "at the end of the brackets")
	return x
}

func (p *parser) text() *text {
	t := p.take()
	return &text{node: node{at: t.at}, raw: t.text, flags: t.flags}
}

// attribute parses %[A] and %[A](i).
func (p *parser) attribute() *attribute {
	t := p.take()
	x := &attribute{node: node{at: t.at}, name: t.text}
	if p.accept("(") {
		x.index = p.expr()
		p.expect(")", "after the place of the value")
	}
	return x
}

// named parses a variable or a call.
func (p *parser) named() expr {
	t := p.identifier("an expression")
	if !p.accept("(") {
		return &name{node: node{at: t.at}, name: t.text}
	}
	x := &call{node: node{at: t.at}, name: t.text}
	for !p.is(")") {
		x.args = append(x.args, p.expr())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "after the arguments")
	return x
}
