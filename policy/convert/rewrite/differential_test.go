package rewrite

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
)

// A writerOfPrograms draws sources: functions f0, f1, … that calculate, loop, compare and change the request.
type writerOfPrograms struct {
	t     *rapid.T
	b     strings.Builder
	index int // of the function
	loops int
	match bool // a match certainly came before
}

func (w *writerOfPrograms) pick(list ...string) string {
	return rapid.SampledFrom(list).Draw(w.t, "pick")
}

func (w *writerOfPrograms) n(max int) int { return rapid.IntRange(0, max).Draw(w.t, "n") }

func (w *writerOfPrograms) program(functions int) string {
	for w.index = range functions {
		typ := w.pick("integer", "string")
		fmt.Fprintf(&w.b, "%s f%d(integer a, string s)\n{\n\tinteger x, y; string u;\n", typ, w.index)
		w.match = false
		for range 1 + w.n(4) {
			w.stmt(2)
		}
		fmt.Fprintf(&w.b, "\treturn %s;\n}\n", w.of(typ, 3))
	}
	return w.b.String()
}

func (w *writerOfPrograms) of(typ string, depth int) string {
	if typ == "integer" {
		return w.integer(depth)
	}
	return w.str(depth)
}

func (w *writerOfPrograms) integer(depth int) string {
	if depth == 0 {
		return w.pick("a", "x", "y", "0", "1", "3", "'b'", "0x1f", "017", "%[NAS-Port-Id]", "*%[Class]", "%[Session-Timeout](0)", "*%[Class](1)")
	}
	d := depth - 1
	switch w.n(12) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", w.integer(d), w.pick("+", "-"), w.integer(d))
	case 1:
		return fmt.Sprintf("(%s * %s)", w.integer(d), w.pick("0", "1", "2", "-3"))
	case 2:
		return fmt.Sprintf("(%s %s %s)", w.integer(d), w.pick("/", "%"), w.integer(d))
	case 3:
		return fmt.Sprintf("(%s %s %s)", w.integer(d), w.pick("&", "|", "^"), w.integer(d))
	case 4:
		return fmt.Sprintf("(%s %s %s)", w.integer(d), w.pick("<<", ">>"), w.pick("1", "3", "8"))
	case 5:
		return fmt.Sprintf("(%s %s %s)", w.integer(d), w.pick("==", "!=", "<", "<=", ">", ">=", "&&", "||"), w.integer(d))
	case 6:
		return fmt.Sprintf("(%s %s %s)", w.str(d), w.pick("==", "!=", "<", ">"), w.str(d))
	case 7:
		return w.pick("-", "!", "+") + w.integer(d)
	case 8:
		return fmt.Sprintf("length(%s)", w.str(d))
	case 9:
		return fmt.Sprintf("%s(%s, %s)", w.pick("index", "rindex"), w.str(d), w.pick("'b'", "47", "'z'"))
	case 10:
		return "(integer)" + w.str(d)
	case 11:
		return fmt.Sprintf("(%s = %s)", w.pick("x", "y", "%[NAS-Port-Id]"), w.integer(d))
	}
	return fmt.Sprintf("(index(%s, 'b') %s %s)", w.str(d), w.pick("==", "!=", ">=", "<", ">"), w.pick("-1", "0"))
}

func (w *writerOfPrograms) str(depth int) string {
	if depth == 0 {
		return w.pick("s", "u", `""`, `"b"`, `"12/b7"`, "%[User-Name]", "%[Class]", "%[Class](1)", `"7abc"`)
	}
	d := depth - 1
	switch w.n(7) {
	case 0, 1:
		return fmt.Sprintf("(%s + %s)", w.str(d), w.str(d))
	case 2:
		return "(string)" + w.integer(d)
	case 3:
		return fmt.Sprintf("substr(%s, %s, %s)", w.str(d), w.integer(min(d, 1)), w.pick("-1", "1", "3", "x"))
	case 4:
		return fmt.Sprintf("%s(%s)", w.pick("toupper", "tolower"), w.str(d))
	case 5:
		return fmt.Sprintf("field(%s, %s)", w.str(d), w.pick("1", "2", "a"))
	case 6:
		if w.match {
			return w.pick(`\1`, `\2`)
		}
	}
	return fmt.Sprintf("(%s = %s)", w.pick("u", "s", "%[User-Name]", "%[Class](1)"), w.str(d))
}

// patterns have two groups each.
var patterns = []string{`^\(a*\)\(.*\)$`, `\([0-9]*\)/\(b\)`, `\(b\)\|\(7\)`, `^\([^b]*\)b\(.\)`, `\(.\)\(b*\)`}

func (w *writerOfPrograms) condition(depth int) string {
	if w.n(3) == 0 {
		return fmt.Sprintf("%s %s \"%s\"", w.str(depth), w.pick("=~", "!~"), rapid.SampledFrom(patterns).Draw(w.t, "pattern"))
	}
	return w.integer(depth)
}

func (w *writerOfPrograms) stmt(depth int) {
	indent := strings.Repeat("\t", 4-depth)
	write := func(format string, args ...any) { w.b.WriteString(indent + fmt.Sprintf(format, args...) + "\n") }
	kind := w.n(9)
	if depth == 0 {
		kind = w.n(3)
	}
	switch kind {
	case 0, 1:
		write("%s;", "x = "+w.integer(2))
	case 2:
		write("%s;", w.pick("u", "s", "%[User-Name]", "%[Class]")+" = "+w.str(2))
	case 3:
		write("%s;", w.pick("%[NAS-Port-Id] = a + 1", "delete %[Class]", "delete %[Class](1)", "y = x", "a && (x = y + 1)"))
	case 4, 5:
		kept := w.match
		write("if (%s) {", w.condition(2))
		w.stmt(depth - 1)
		if w.n(1) == 0 {
			write("} else {")
			w.stmt(depth - 1)
		}
		write("}")
		w.match = kept
	case 6:
		w.loop(depth, write)
	case 7:
		write("u =~ \"%s\";", rapid.SampledFrom(patterns).Draw(w.t, "pattern"))
		w.match = true
	case 8:
		if w.index > 0 {
			write("y = (integer)(string)f%d(%s, %s);", w.n(w.index-1), w.integer(1), w.str(1))
			w.match = false
		}
	case 9:
		if w.loops > 0 {
			write("if (%s) %s;", w.integer(1), w.pick("break", "continue"))
		}
	}
}

// loop writes one that ends.
func (w *writerOfPrograms) loop(depth int, write func(string, ...any)) {
	kept, counter := w.match, fmt.Sprintf("c%d", depth)
	w.loops++
	write("{ integer %s;", counter)
	if w.n(1) == 0 {
		write("while ((%s = %s + 1) < 4 && %s) {", counter, counter, w.condition(1))
		w.stmt(depth - 1)
		w.stmt(depth - 1)
		write("}")
	} else {
		write("do { %s = %s + 1;", counter, counter)
		w.stmt(depth - 1)
		w.stmt(depth - 1)
		write("} while (%s < 3 && %s);", counter, w.condition(1))
	}
	write("}")
	w.loops--
	w.match = kept
}

// expected runs a function by the evaluator; "failed" stands for a division by zero. ok is false if it runs too long.
func expected(f *function, a int64, s string) (value, request string, ok bool) {
	ev := &evaluator{request: map[string][]string{"User-Name": {"ann b"}, "Class": {"c0", "c1"}, "NAS-Port": {"70000"}}}
	defer func() {
		switch r := recover(); r {
		case nil:
		case errDivision:
			value, request, ok = "failed", "", true
		case errSteps:
			ok = false
		default:
			panic(r)
		}
	}()
	v := ev.call(f, []any{a, s})
	if n, is := v.(int64); is {
		v = strconv.FormatInt(n, 10)
	}
	return v.(string), fmt.Sprint(ev.request["User-Name"], ev.request["Class"], ev.request["NAS-Port"]), true
}

// found gives what a request holds, as expected does.
func found(h *house, r *server.Request) string {
	lists := map[string][]string{}
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		value := string(p.Value)
		if p.Attr.Type == dictionary.TypeInteger {
			value = string(p.Attr.AppendText(nil, p.Value))
		}
		lists[p.Attr.Name] = append(lists[p.Attr.Name], value)
	}
	return fmt.Sprint(lists["User-Name"], lists["Class"], lists["NAS-Port"])
}

// TestDifferential: programs drawn at random do in Lua what the evaluator says.
func TestDifferential(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const functions = 6
		source := (&writerOfPrograms{t: t}).program(functions)
		p, errs := parse("drawn.rw", source)
		for _, e := range errs {
			if !strings.Contains(e.Msg, "could not be translated") && !strings.Contains(e.Msg, "write this function by hand") && !strings.Contains(e.Msg, "division by zero") {
				t.Fatalf("%v\n%s", e, source)
			}
		}
		type trial struct {
			f *function
			a int64
			s string
		}
		var trials []trial
		var values []string
		for _, f := range p.functions[:functions] {
			a, s := int64(rapid.IntRange(-3, 40).Draw(t, "a")), rapid.SampledFrom([]string{"", "b", "12/b 7", "aab7"}).Draw(t, "s")
			if f.broken {
				continue
			}
			v, err := p.Value(fmt.Sprintf("%s(%d, %q)", f.name, a, s), raddb.Pos{File: "users", Line: len(values) + 1}, known().Attribute("Reply-Message"))
			if err != nil {
				t.Fatal(err)
			}
			trials, values = append(trials, trial{f, a, s}), append(values, v)
		}
		h := load(t, p, nil)
		refs := h.compile(values...)
		for i, tr := range trials {
			want, request, ok := expected(tr.f, tr.a, tr.s)
			if !ok || len(want) > 200 {
				continue
			}
			r := h.request("User-Name", "ann b", "Class", "c0", "Class", "c1", "NAS-Port", "70000")
			got := h.value(refs[i], "Reply-Message", r)
			if got != want && !(got == "failed" && strings.Contains(h.log.String(), "octets are more")) {
				t.Fatalf("%s = %q, want %q\n%s%s\n%s", values[i], got, want, h.log.String(), source, h.text())
			}
			if found := found(h, r); want != "failed" && got == want && found != request {
				t.Fatalf("%s leaves %s, want %s\n%s\n%s", values[i], found, request, source, h.text())
			}
		}
	})
}
