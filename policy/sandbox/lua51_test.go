package sandbox

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// serialise is Lua that both interpreters run: it writes what a function returns, or that it raised.
const serialise = `
local function text(v)
	if type(v) == "string" then
		local t = {}
		for i = 1, #v do t[i] = v:byte(i) end
		return "'" .. table.concat(t, ",") .. "'"
	elseif type(v) == "number" then
		if v ~= v then return "nan" end
		return ("%.17g"):format(v)
	end
	return v == nil and "nil" or type(v) == "boolean" and tostring(v) or type(v)
end
local function show(ok, ...)
	if not ok then return "raised" end
	local t = {}
	for i = 1, select("#", ...) do t[i] = text((select(i, ...))) end
	return table.concat(t, " ")
end
`

// reference runs the bodies of functions in lua5.1 and gives a line of results for each. It skips the test if there is
// no lua5.1.
func reference(t testing.TB, bodies []string) []string {
	t.Helper()
	path, err := exec.LookPath("lua5.1")
	if err != nil {
		t.Skip("no lua5.1 to compare with")
	}
	var script strings.Builder
	script.WriteString(serialise)
	for _, body := range bodies {
		fmt.Fprintf(&script, "print(show(pcall(function()\n%s\nend)))\n", body)
	}
	cmd := exec.Command(path, "-")
	cmd.Stdin = strings.NewReader(script.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lua5.1: %v\n%s", err, stderr.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// ours runs the same bodies here.
func ours(t testing.TB, bodies []string) []string {
	t.Helper()
	s, lines := newState(t, Limits{LoadSteps: 1 << 40, Memory: 1 << 40})
	for i, body := range bodies {
		p, errs := Compile("t.lua", []byte(serialise+"out(show(pcall(function()\n"+body+"\nend)))"), testOptions)
		if errs.Failed() {
			t.Fatalf("%s: %v", body, errs)
		}
		if err := s.Load(p); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if len(*lines) <= i {
			*lines = append(*lines, "ended")
		}
	}
	return *lines
}

// compare reports bodies whose results differ.
func compare(t *testing.T, bodies []string) {
	t.Helper()
	want, got := reference(t, bodies), ours(t, bodies)
	if len(want) != len(got) {
		t.Fatalf("%d results, lua5.1 gives %d", len(got), len(want))
	}
	for i, body := range bodies {
		if want[i] != got[i] {
			t.Errorf("%s\n got %s\nwant %s", body, got[i], want[i])
		}
	}
}

// TestLua51 compares single facts of Lua 5.1.
func TestLua51(t *testing.T) {
	compare(t, lua51Bodies())
}

// lua51Bodies takes the facts apart: one a line.
func lua51Bodies() []string {
	var bodies []string
	for _, line := range strings.Split(lua51Facts, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			bodies = append(bodies, line)
		}
	}
	return bodies
}

// TestLua51Patterns compares random patterns over random strings.
func TestLua51Patterns(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var bodies []string
	for range 3000 {
		subject, pattern := randomText(r, "aab.b-1 ()x", 12), randomPattern(r)
		if _, err := compilePattern(pattern, true); err != nil {
			continue // Lua finds faults only where matching comes by
		}
		switch r.IntN(4) {
		case 0:
			bodies = append(bodies, fmt.Sprintf("return (%q):find(%q, %d)", subject, pattern, r.IntN(8)-3))
		case 1:
			bodies = append(bodies, fmt.Sprintf("return (%q):match(%q)", subject, pattern))
		case 2:
			bodies = append(bodies, fmt.Sprintf("return (%q):gsub(%q, %q)", subject, pattern, "<%0>"))
		default:
			bodies = append(bodies, fmt.Sprintf("local t = {} for a, b in (%q):gmatch(%q) do t[#t + 1] = tostring(a) .. tostring(b) end return unpack(t)", subject, pattern))
		}
	}
	compare(t, bodies)
}

func randomText(r *rand.Rand, letters string, most int) string {
	text := make([]byte, r.IntN(most))
	for i := range text {
		text[i] = letters[r.IntN(len(letters))]
	}
	return string(text)
}

func randomPattern(r *rand.Rand) string {
	pieces := []string{"a", "b", ".", "%a", "%d", "%s", "[ab]", "[^a]", "[a-b1]", "(", ")", "()", "*", "+", "-", "?", "%1",
		"%b()", "%f[a]", "%f[%A]", "$", "^", "x", "%.", "%-", "[%d]", "[]]", "1"}
	var pattern strings.Builder
	for range 1 + r.IntN(6) {
		pattern.WriteString(pieces[r.IntN(len(pieces))])
	}
	return pattern.String()
}

// FuzzPattern checks that no pattern crashes, runs on for ever or matches outside the string.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"ann@example.org", "^([^@]+)@(.+)$"}, {"f(a(b)c)d", "%b()"}, {"THE (quick) fox", "%f[%a]%a+"}, {"abab", "(ab)%1"},
		{"x", "[]]"}, {"x", "[^"}, {"x", "%"}, {"", "()()"}, {"aaa", "a-b"}, {"a", "[a-"}, {"a", "[%"},
	} {
		f.Add(seed[0], seed[1])
	}
	s := New(Limits{}, Host{})
	program, errs := Compile("t.lua", []byte(`
on(function(s, p)
	local a, b = s:find(p)
	if a then assert(a >= 1 and b <= #s and a <= b + 1) end
	s:match(p) s:gsub(p, "%0") for x in s:gmatch(p) do end
end)`), testOptions)
	if errs.Failed() {
		f.Fatal(errs)
	}
	var fn *lua.LFunction
	s.SetGlobal("on", NewFunction(func(l *lua.LState) int { fn = CheckFunction(l, 1); return 0 }))
	if err := s.Load(program); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, subject, pattern string) {
		_, err := s.Call(fn, Run{Steps: 100_000}, lua.LString(subject), lua.LString(pattern))
		if e, ok := err.(*Error); ok && e.Kind != Misuse && e.Kind != Steps && e.Kind != Memory {
			t.Errorf("%q %q: %v", subject, pattern, err)
		}
	})
}
