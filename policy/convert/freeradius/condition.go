package freeradius

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/dictionary"
	"perilune/policy/convert/output"
)

// orders are the names that a check list may hold and that say nothing of the request.
var orders = map[string]bool{"strip-user-name": true, "fall-through": true}

// condition gives the Lua expression for what must hold, "true" if nothing must; err tells what has no form.
func (s *source) condition(checks []pair, join string) (string, error) {
	var parts []string
	for _, p := range checks {
		if orders[strings.ToLower(p.name)] {
			continue
		}
		c, err := s.test(p)
		if err != nil {
			return "", err
		}
		parts = append(parts, c)
	}
	if len(parts) == 0 {
		return "true", nil
	}
	return strings.Join(parts, join), nil
}

// test gives the expression for one pair: of several values any may fit, and an absent attribute fits
// nothing but !*.
func (s *source) test(p pair) (string, error) {
	switch strings.ToLower(p.name) {
	case "prefix":
		return fmt.Sprintf("name:sub(1, %d) == %s", len(p.value), output.LuaString(p.value)), nil
	case "suffix":
		return fmt.Sprintf("name:sub(-%d) == %s", len(p.value), output.LuaString(p.value)), nil
	case "huntgroup-name":
		return fmt.Sprintf("req:huntgroup(%s)", output.LuaString(p.value)), nil
	}
	if name := strings.ToLower(p.name); name == "group" || name == "group-name" {
		return groupTest(p)
	}
	a := s.dict.Attribute(p.name)
	if a == nil {
		return "", fmt.Errorf("there is no attribute %s in the dictionary", p.name)
	}
	name := output.LuaString(a.Name)
	switch p.op {
	case "=*":
		return "req:has(" + name + ")", nil
	case "!*":
		return "not req:has(" + name + ")", nil
	case "=~", "!~":
		test := fmt.Sprintf("%s:test(req[%s] or \"\")", s.patternName(p.value), name)
		if p.op == "!~" {
			return "req:has(" + name + ") and not " + test, nil
		}
		return test, nil
	}
	pattern, err := pattern(a, p)
	if err != nil {
		return "", err
	}
	is := fmt.Sprintf("req:is(%s, %s)", name, pattern)
	if p.op == "!=" {
		return "req:has(" + name + ") and not " + is, nil
	}
	return is, nil
}

// patternName gives the local that holds a regular expression in the script that is being written.
func (s *source) patternName(text string) string {
	i := slices.Index(s.patterns, text)
	if i < 0 {
		i = len(s.patterns)
		s.patterns = append(s.patterns, text)
	}
	return "pattern" + strconv.Itoa(i+1)
}

// writePatterns writes those locals, for the next script there are none.
func (s *source) writePatterns(f *output.File) {
	for i, text := range s.patterns {
		f.Printf("local pattern%d = re.compile(%s)\n", i+1, output.LuaString(text))
	}
	if len(s.patterns) > 0 {
		f.Printf("\n")
	}
	s.patterns = nil
}

// groupTest asks for a Unix group of the user.
func groupTest(p pair) (string, error) {
	is := "req:group(" + output.LuaString(p.value) + ")"
	switch p.op {
	case "==", "=":
		return is, nil
	case "!=":
		return "not " + is, nil
	}
	return "", fmt.Errorf("%s %s is no comparison", p.name, p.op)
}

// pattern gives the pattern of req:is that a comparison becomes.
func pattern(a *dictionary.Attribute, p pair) (string, error) {
	switch p.op {
	case "==", "=", "!=", ":=":
		if a.Type == dictionary.TypeString {
			return output.LuaString(output.LiteralGlob(p.value)), nil
		}
		return output.LuaString(p.value), nil
	case "<", ">", "<=", ">=":
		if a.Type == dictionary.TypeString {
			return "", fmt.Errorf("%s %s compares the order of texts, which has no pattern", p.name, p.op)
		}
		return output.LuaString(p.op + p.value), nil
	}
	return "", fmt.Errorf("%s %s is no comparison", p.name, p.op)
}
