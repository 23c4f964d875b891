package rewrite

import "perilune/engine/raddb"

// A tokenKind is what a token is. Operators and signs are their own text.
type tokenKind uint8

const (
	tokenEnd       tokenKind = iota
	tokenName                // identifier or keyword
	tokenNumber              // 12, 017, 0x1f, 'c', 10.0.0.1
	tokenString              // "text"
	tokenAttribute           // %[Name]
	tokenGroup               // \1
	tokenSign                // operators, braces, ; and ,
)

// A token is one word of a source.
type token struct {
	kind   tokenKind
	at     raddb.Pos
	text   string   // the name, sign, attribute; of a string what stands between the quotes, escapes and all
	number int64    // of numbers and groups
	form   form     // of numbers
	before []string // the comments on lines of their own before it, without their signs
	beside string   // the comment that follows on its line
	flags  flags    // of regular expressions at this place
	end    int      // the line it ends on
}

// A form is how a number was written.
type form uint8

const (
	formDecimal form = iota
	formHex
	formChar
	formAddress
)

// flags are what `#pragma regex` sets.
type flags struct{ extended, icase, newline bool }

// keywords cannot be names. `for` is one although no statement begins with it.
var keywords = map[string]bool{
	"integer": true, "string": true, "if": true, "else": true, "while": true, "do": true, "for": true, "break": true,
	"continue": true, "return": true, "delete": true,
}
