package sandbox

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// What a fuzzed run may take. The clock is looked at now and then, and the machine has other work: soon is what a run
// may last beyond its deadline. The allocation counter is looked at as seldom; slack is what one look may miss.
const (
	fuzzTime   = 100 * time.Millisecond
	fuzzSoon   = 2 * time.Second
	fuzzMemory = 8 << 20
	fuzzSlack  = 96 << 20 // a list of 65,000 grows in steps and takes 5 MiB in all; 64 steps make a dozen
)

var fuzzLimits = Limits{Steps: 100_000, Memory: fuzzMemory, String: 64 << 10, Depth: 60, LoadSteps: 100_000, LoadTime: fuzzTime}

// FuzzProgram runs Lua programs that a grammar makes of the octets: no panic leaves the sandbox, no run lasts or
// allocates beyond its bounds, and nothing that other states see is changed.
func FuzzProgram(f *testing.F) {
	for seed := range 40 {
		data := make([]byte, 400)
		for i := range data {
			data[i] = byte(i*i*(seed*2+1)>>3 + seed*31)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g := grammar{data: data}
		contained(t, g.program())
	})
}

// FuzzScript runs texts that begin as the scripts and examples of this tree; handlers are called with a stand-in for a
// request.
func FuzzScript(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.source)
	}
	for _, root := range []string{"../../scripts", "../../examples", "../../raddb"} {
		filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".lua" {
				text, err := os.ReadFile(path)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(string(text))
			}
			return nil
		})
	}
	f.Fuzz(func(t *testing.T, source string) { contained(t, source) })
}

// apiNames are names of the API that scripts use at their top level.
var apiNames = []string{"on", "huntgroup", "rewrite", "auth_type", "answer", "every", "vendor", "attribute", "accept", "authenticated",
	"reject", "challenge", "proxy", "handle_locally", "discard", "drop", "secret"}

var fuzzOptions = func() Options {
	o := Options{Globals: map[string][]string{"out": nil, "req": nil}}
	for _, name := range apiNames {
		o.Globals[name] = nil
	}
	return o
}()

// contained runs a program in one of two states that share their globals, and looks what it has left behind.
func contained(t *testing.T, source string) {
	p, errs := Compile("f.lua", []byte(source), fuzzOptions)
	if errs.Failed() {
		return
	}
	before := libraryShot()
	other := New(fuzzLimits, Host{Seed: 1})
	defer other.Close()
	for _, name := range append(apiNames, "out", "req") {
		other.SetGlobal(name, NewFunction(standIn))
	}
	globals := other.ShareGlobals()
	s := New(fuzzLimits, Host{Seed: 1, Globals: globals})
	defer s.Close()
	names := plainShot(globals)
	bounded(t, source, func() error { return s.Load(p) })
	if diff := shotDiff(before, libraryShot()); diff != "" {
		t.Errorf("the libraries of all states were changed: %s\n%s", diff, source)
	}
	if diff := shotDiff(names, plainShot(globals)); diff != "" {
		t.Errorf("the globals were changed: %s\n%s", diff, source)
	}
	if s.depth != 0 || len(s.outer) != 0 {
		t.Errorf("depth %d, %d outer runs\n%s", s.depth, len(s.outer), source)
	}
	stillWorks(t, other)
	if !s.Broken() {
		stillWorks(t, s)
	}
}

// bounded holds a run to its bounds.
func bounded(t *testing.T, source string, run func() error) {
	heap, begun := allocated(), time.Now()
	err := run()
	took, used := time.Since(begun), allocated()-heap
	if took > fuzzTime+fuzzSoon || used > fuzzMemory+fuzzSlack {
		t.Errorf("took %v and %d KiB, %v\n%s", took, used>>10, err, source)
	}
}

// standIn calls what it is given, as registration and a request would, and gives a table back.
func standIn(l *lua.LState) int {
	s := Of(l)
	for i := 1; i <= l.GetTop(); i++ {
		if fn, ok := l.Get(i).(*lua.LFunction); ok && s.depth < 8 {
			s.Call(fn, Run{Steps: 10_000, Within: fuzzTime / 4}, l.NewTable(), lua.LString("text"))
		}
	}
	l.Push(l.NewTable())
	return 1
}

// libraryShot shows all that states share: each library's names and values, and the metatables.
func libraryShot() map[string]string {
	shot := map[string]string{}
	for name, v := range baseValues {
		shot[name] = fmt.Sprintf("%p", v)
		if t, ok := v.(*lua.LTable); ok {
			maps.Copy(shot, deepShot(name, t, 0))
		}
	}
	maps.Copy(shot, deepShot("text", stringMeta, 0))
	return shot
}

func deepShot(at string, t *lua.LTable, depth int) map[string]string {
	shot := plainShot(t)
	out := map[string]string{}
	for k, v := range shot {
		out[at+"."+k] = v
	}
	if mt, ok := t.Metatable.(*lua.LTable); ok && depth < 3 {
		maps.Copy(out, deepShot(at+".meta", mt, depth+1))
	}
	if inner := behind(t); inner != nil {
		maps.Copy(out, deepShot(at+".inner", inner, depth+1))
	}
	return out
}

func plainShot(t *lua.LTable) map[string]string {
	shot := map[string]string{"metatable": fmt.Sprintf("%p", t.Metatable)}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		shot[k.String()] = fmt.Sprintf("%p %v", v, v)
	}
	return shot
}

func shotDiff(a, b map[string]string) string {
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if a[k] != b[k] {
			return fmt.Sprintf("%s: %s, was %s", k, b[k], a[k])
		}
	}
	if len(a) != len(b) {
		return "names are missing"
	}
	return ""
}

// A grammar makes a program of octets: each decision takes one. When they are used up all ends.
type grammar struct {
	data  []byte
	out   strings.Builder
	depth int
	names int
}

func (g *grammar) next(n int) int {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return int(b) % n
}

func (g *grammar) program() string {
	g.out.WriteString("local a, b, c, d = 1, \"x\", {}, function(...) return ... end\n")
	for len(g.data) > 0 && g.out.Len() < 16<<10 {
		guard := g.next(4) > 0 // or the first error is the end
		if guard {
			g.write("pcall(function()\n")
		}
		g.block()
		if guard {
			g.write("end)\n")
		}
	}
	return g.out.String()
}

func (g *grammar) block() {
	g.depth++
	for range 1 + g.next(3) {
		g.statement()
	}
	g.depth--
}

func (g *grammar) write(parts ...string) {
	for _, p := range parts {
		g.out.WriteString(p)
	}
}

func (g *grammar) variable() string { return []string{"a", "b", "c", "d"}[g.next(4)] }

func (g *grammar) statement() {
	if g.depth > 6 {
		g.write("a = a\n")
		return
	}
	switch v := g.variable(); g.next(18) {
	case 0, 1:
		g.write(v, " = ", g.expression(0), "\n")
	case 2:
		g.write("if type(", v, ") == \"table\" then ", v, "[", g.expression(1), "] = ", g.expression(0), " end\n")
	case 3:
		g.write("for i = 1, ", g.number(), " do\n")
		g.block()
		g.write("end\n")
	case 4:
		g.write("while ", g.expression(1), " do\n")
		g.block()
		g.write("end\n")
	case 5:
		g.write("repeat\n")
		g.block()
		g.write("until ", g.expression(1), "\n")
	case 6:
		g.write("for k, v in pairs(", g.table(1), ") do\n")
		g.block()
		g.write("end\n")
	case 7:
		g.write(v, " = function(...)\n local a, b = ...\n")
		g.block()
		g.write("return ", g.expression(1), " end\n")
	case 8:
		g.write("local _ = pcall(function()\n")
		g.block()
		g.write("end)\n")
	case 9:
		g.write("if ", g.expression(1), " then\n")
		g.block()
		g.write("else\n")
		g.block()
		g.write("end\n")
	case 10:
		g.write(v, " = setmetatable(", g.table(1), ", {", g.meta(), "})\n")
	case 11:
		g.write(v, " = coroutine.", []string{"wrap", "create"}[g.next(2)], "(function(...)\n")
		g.block()
		g.write("coroutine.yield(", g.expression(1), ")\n end)\n")
	case 12:
		g.names++
		label := "l" + strconv.Itoa(g.names)
		g.write("do ::", label, "::\n")
		g.block()
		g.write("if ", g.expression(1), " then goto ", label, " end end\n")
	case 13:
		g.write("local _ = ", g.call(1), "\n")
	case 14:
		g.write("table.", []string{"insert", "sort", "remove", "concat"}[g.next(4)], "(", g.table(1), ")\n")
	case 15:
		g.write("local _ = xpcall(", v, ", ", g.variable(), ")\n")
	case 16:
		g.write("out(", v, ", ", g.expression(1), ")\n")
	default:
		g.write(apiNames[g.next(len(apiNames))], "(", g.text(), ", function(req)\n")
		g.block()
		g.write("end)\n")
	}
}

func (g *grammar) meta() string {
	var list []string
	for range 1 + g.next(3) {
		key := []string{"__index", "__newindex", "__call", "__concat", "__eq", "__lt", "__add", "__len", "__tostring", "__metatable", "__gc",
			"__mode"}[g.next(12)]
		list = append(list, key+" = "+g.expression(2))
	}
	return strings.Join(list, ", ")
}

func (g *grammar) number() string {
	return []string{"0", "1", "3", "100", "1e4", "1e6", "1e9", "-1", "2^53", "0/0", "1/0", "65535", "65536", "0.5", "-1e300"}[g.next(15)]
}

func (g *grammar) text() string {
	return []string{`""`, `"a"`, `"hello world"`, `"%d%s%q"`, `"(a*)*b"`, `".-.-.-b"`, `"%b()"`, `"[^%w]+"`, `("ab"):rep(1000)`, `("a"):rep(60000)`,
		`"\0\255"`, `"%"`, `"[a"`, `"__index"`, `"%9999999d"`, `"1e400"`}[g.next(16)]
}

func (g *grammar) table(depth int) string {
	if depth > 3 {
		return "{}"
	}
	return []string{"c", "{}", "{1, 2, 3}", "{" + g.expression(depth+1) + ", x = " + g.expression(depth+1) + "}", "string", "{a, b, c, d}"}[g.next(6)]
}

func (g *grammar) expression(depth int) string {
	if depth > 3 || len(g.data) == 0 {
		return "a"
	}
	e := func() string { return g.expression(depth + 1) }
	switch g.next(14) {
	case 0:
		return g.variable()
	case 1:
		return g.number()
	case 2, 3:
		return g.text()
	case 4:
		return "(" + e() + []string{" + ", " .. ", " == ", " < ", " and ", " or ", " % ", " ^ ", " / ", " ~= "}[g.next(10)] + e() + ")"
	case 5:
		return "(" + []string{"not ", "-", "#"}[g.next(3)] + e() + ")"
	case 6:
		return g.table(depth)
	case 7:
		return "function(...) return " + e() + " end"
	case 8:
		return "(" + e() + ")[" + e() + "]"
	case 9:
		return "tostring(" + e() + ")"
	case 10:
		return []string{"nil", "true", "false", "math.huge"}[g.next(4)]
	}
	return g.call(depth)
}

// call calls one of the functions that scripts have, with any arguments.
func (g *grammar) call(depth int) string {
	e := func() string { return g.expression(depth + 1) }
	fn := callable[g.next(256)%len(callable)]
	if fn == "" {
		return "(" + g.text() + "):" + []string{"rep", "gsub", "match", "find", "format", "byte", "sub", "upper", "gmatch", "reverse"}[g.next(10)] + "(" + e() + ", " + e() + ")"
	}
	args := []string{e(), e(), e()}
	return fn + "(" + strings.Join(args[:g.next(4)], ", ") + ")"
}

// callable are the functions of all libraries, and "" for a method of a string.
var callable = func() []string {
	list := []string{"", "", "a", "d", "(c)"}
	for name, v := range baseValues {
		t, ok := v.(*lua.LTable)
		if strings.HasPrefix(name, "\x00") {
			continue // no script can spell it
		}
		if !ok {
			list = append(list, name)
			continue
		}
		if inner := behind(t); inner != nil {
			for k, _ := inner.Next(lua.LNil); k != lua.LNil; k, _ = inner.Next(k) {
				list = append(list, name+"."+k.String())
			}
		}
	}
	slices.Sort(list)
	return list
}()
