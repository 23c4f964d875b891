package rewrite

// inner gives the expressions that an expression is made of.
func inner(x expr) []expr {
	switch x := x.(type) {
	case *attribute:
		if x.index != nil {
			return []expr{x.index}
		}
	case *presence:
		return inner(x.attr)
	case *call:
		return x.args
	case *cast:
		return []expr{x.x}
	case *unary:
		return []expr{x.x}
	case *binary:
		return []expr{x.x, x.y}
	case *match:
		return []expr{x.x}
	case *assign:
		if a, ok := x.to.(*attribute); ok && a.index != nil {
			return []expr{a.index, x.value}
		}
		return []expr{x.value}
	}
	return nil
}

// eachExpr visits an expression and all inside it.
func eachExpr(x expr, visit func(expr)) {
	if x == nil {
		return
	}
	visit(x)
	for _, y := range inner(x) {
		eachExpr(y, visit)
	}
}

// expressions gives the expressions that stand in a statement itself, not in those inside it.
func expressions(s stmt) []expr {
	switch s := s.(type) {
	case *exprStmt:
		return []expr{s.x}
	case *ifStmt:
		return []expr{s.cond}
	case *whileStmt:
		return []expr{s.cond}
	case *returnStmt:
		return []expr{s.x}
	case *deleteStmt:
		return []expr{s.attr}
	}
	return nil
}

// blocks gives the blocks inside a statement.
func blocks(s stmt) []*block {
	switch s := s.(type) {
	case *block:
		return []*block{s}
	case *ifStmt:
		if s.els != nil {
			return []*block{s.then, s.els}
		}
		return []*block{s.then}
	case *whileStmt:
		return []*block{s.body}
	}
	return nil
}

// eachStmt visits all statements of a block, outer ones first.
func eachStmt(b *block, visit func(stmt)) {
	for _, s := range b.list {
		visit(s)
		for _, inner := range blocks(s) {
			eachStmt(inner, visit)
		}
	}
}

// walk visits all expressions of a function with the number of loops around them.
func walk(f *function, visit func(x expr, loops int)) {
	var visitBlock func(b *block, loops int)
	visitBlock = func(b *block, loops int) {
		for _, s := range b.list {
			n := loops
			if _, ok := s.(*whileStmt); ok {
				n++
			}
			for _, x := range expressions(s) {
				eachExpr(x, func(x expr) { visit(x, n) })
			}
			for _, inner := range blocks(s) {
				visitBlock(inner, n)
			}
		}
	}
	visitBlock(f.body, 0)
}

// eachVariable visits the variables that a function declares, but for its parameters.
func eachVariable(f *function, visit func(*variable)) {
	for _, v := range f.body.vars {
		visit(v)
	}
	eachStmt(f.body, func(s stmt) {
		for _, b := range blocks(s) {
			for _, v := range b.vars {
				visit(v)
			}
		}
	})
}

// mentions reports whether a variable stands in an expression.
func mentions(x expr, v *variable) (found bool) {
	eachExpr(x, func(x expr) {
		switch x := x.(type) {
		case *name:
			found = found || x.v == v
		case *assign:
			if n, ok := x.to.(*name); ok {
				found = found || n.v == v
			}
		}
	})
	return found
}

// mentionedIn reports whether a variable stands in a statement or in one inside it.
func mentionedIn(s stmt, v *variable) bool {
	for _, x := range expressions(s) {
		if mentions(x, v) {
			return true
		}
	}
	for _, b := range blocks(s) {
		for _, s := range b.list {
			if mentionedIn(s, v) {
				return true
			}
		}
	}
	return false
}

// falls reports whether the statements of a block can come to their end, and drops those that no one reaches.
func (b *block) falls() bool {
	for i, s := range b.list {
		if !falls(s) {
			b.list = b.list[:i+1]
			return false
		}
	}
	return true
}

func falls(s stmt) bool {
	switch s := s.(type) {
	case *block:
		return s.falls()
	case *ifStmt:
		then := s.then.falls()
		return s.els == nil || s.els.falls() || then
	case *whileStmt:
		s.body.falls()
		return !always(s.cond) || jumps(s.body.list, "break")
	case *jumpStmt, *returnStmt:
		return false
	}
	return true
}

// always reports whether a condition is written as true.
func always(x expr) bool {
	n, ok := x.(*number)
	return ok && n.n != 0
}
