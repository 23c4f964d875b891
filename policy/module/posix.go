package module

import (
	"regexp"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// An expression is what re.compile and re.posix give.
type expression struct {
	re     *regexp.Regexp
	source string
	octets bool // each octet of a text is a character
}

func compile(text string) (*expression, error) {
	re, err := regexp.Compile(text)
	return &expression{re: re, source: text}, err
}

// compilePOSIX compiles for octets: Go's matcher takes characters, so octets become those of the same number.
func compilePOSIX(text string) (*expression, error) {
	wide := characters(text)
	if _, err := regexp.Compile(wide); err != nil { // without what is put before it, for the error's text
		return nil, err
	}
	re, err := regexp.Compile("(?s)" + wide)
	if err != nil {
		return nil, err
	}
	re.Longest()
	return &expression{re: re, source: text, octets: true}, nil
}

func rePOSIX(l *lua.LState) int { return newExpression(l, "posix ", compilePOSIX) }

func (e *expression) String() string { return e.source }

// isASCII reports whether octets and characters are the same in a text.
func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// characters gives a character for each octet.
func characters(text string) string {
	if isASCII(text) {
		return text
	}
	var b strings.Builder
	b.Grow(2 * len(text))
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

// subject gives the text that the matcher is to see; wide is true if places in it are not those of text.
func (e *expression) subject(text string) (seen string, wide bool) {
	if !e.octets || isASCII(text) {
		return text, false
	}
	return characters(text), true
}

func (e *expression) matches(text string) bool {
	seen, _ := e.subject(text)
	return e.re.MatchString(seen)
}

// first gives the places of the first match and its captures, nil if there is none.
func (e *expression) first(text string) []int {
	seen, wide := e.subject(text)
	at := e.re.FindStringSubmatchIndex(seen)
	if wide && at != nil {
		narrow(text, [][]int{at})
	}
	return at
}

// all gives the places of the first n matches.
func (e *expression) all(text string, n int) [][]int {
	seen, wide := e.subject(text)
	list := e.re.FindAllStringSubmatchIndex(seen, n)
	if wide {
		narrow(text, list)
	}
	return list
}

// narrow turns places among the characters of a text into places among its octets.
func narrow(text string, list [][]int) {
	places := make([]int, 0, 2*len(text)+1)
	for i := range len(text) {
		places = append(places, i)
		if text[i] >= 0x80 {
			places = append(places, i)
		}
	}
	places = append(places, len(text))
	for _, at := range list {
		for i := range at {
			if at[i] >= 0 {
				at[i] = places[at[i]]
			}
		}
	}
}
