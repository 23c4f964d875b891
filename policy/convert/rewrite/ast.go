package rewrite

import (
	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A Type is one of the two of the language.
type Type uint8

// The types.
const (
	Integer Type = iota
	String
)

// A function is one definition, or an expression of a rule that needs one.
type function struct {
	at       raddb.Pos
	last     int // line of the closing brace
	name     string
	typ      Type
	params   []*variable
	body     *block
	comments []string

	broken    bool                  // has errors: not converted
	bound     bool                  // its groups are bound
	synthetic bool                  // made of an expression of a rule
	target    *dictionary.Attribute // the attribute that such an expression is for; nil if unknown

	calls    map[*function]bool
	matches  bool     // it, or what it calls, compares with regular expressions
	requests bool     // ... looks at the request
	waits    bool     // ... waits for a name server
	falls    bool     // its end is reached without return
	called   bool     // another function calls it
	result   interval // where the numbers lie that it returns

	external   bool // rules or scripts call it
	registered bool // values of users rules call it
	public     bool // other scripts call it
	asked      bool // a rule uses its result
	valued     bool // its result is used
	forward    bool // declared before it is written
	lua        string
}

// A variable is a local variable or parameter.
type variable struct {
	name  string
	typ   Type
	at    raddb.Pos
	lua   string
	holds interval
	given interval // as an argument from rules
	used  bool
}

// An expr is an expression. Its type is known once the checker has seen it.
type expr interface {
	pos() raddb.Pos
	typed() Type
}

type node struct {
	at  raddb.Pos
	typ Type
}

func (n *node) pos() raddb.Pos { return n.at }
func (n *node) typed() Type    { return n.typ }

type (
	number struct {
		node
		n    int64
		form form
		text string
	}
	text struct {
		node
		value string
		raw   string
		flags flags
	}
	group struct {
		node
		n      int64
		match  *match // the one it belongs to; nil if it may be several
		shared bool   // it is kept in the shared variables
		sure   bool   // that comparison has matched
	}
	name struct { // a variable
		node
		name string
		v    *variable
	}
	attribute struct { // %[A], %[A](i)
		node
		name  string
		attr  *dictionary.Attribute
		index expr
	}
	presence struct { // *%[A]
		node
		attr *attribute
	}
	call struct {
		node
		name    string
		args    []expr
		fn      *function
		builtin *builtin
	}
	cast struct {
		node
		x expr
	}
	unary struct { // - + !
		node
		op string
		x  expr
	}
	binary struct {
		node
		op   string
		x, y expr
	}
	match struct { // =~ !~
		node
		x       expr
		pattern *text
		negated bool
		re      *pattern
		used    []bool // the groups that are looked at, by number
		shared  bool
	}
	assign struct {
		node
		to    expr // *name or *attribute
		value expr
		wraps bool // it grows by products in a loop: kept in 32 bits
	}
)

// A stmt is a statement with the comments around it.
type stmt interface{ notes() *remarks }

// remarks are the place and the comments of a statement.
type remarks struct {
	at     raddb.Pos
	before []string
	beside string
}

func (r *remarks) notes() *remarks { return r }

type (
	block struct {
		remarks
		vars []*variable
		list []stmt
		rest []string // comments before the closing brace
	}
	exprStmt struct {
		remarks
		x expr
	}
	ifStmt struct {
		remarks
		cond      expr
		then, els *block // els may be nil
	}
	whileStmt struct {
		remarks
		cond  expr
		body  *block
		after bool // do … while
	}
	jumpStmt struct { // break, continue
		remarks
		word string
	}
	returnStmt struct {
		remarks
		x expr
	}
	deleteStmt struct {
		remarks
		attr *attribute
	}
)
