package users

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
)

type missing struct{ seen *[]string }

func (m missing) MacroMissing(a *dictionary.Attribute, text string) {
	*m.seen = append(*m.seen, a.Name+": "+text)
}

// expandMacro expands a text and tells what was wrong with it and what it asked for in vain.
func expandMacro(t *testing.T, d *dictionary.Dictionary, text, request, reply, control string) (got string, told []string) {
	t.Helper()
	m, problems := ParseMacro(text, d)
	for _, p := range problems {
		told = append(told, fmt.Sprintf("%d: %s", p.Offset, p.Error()))
	}
	in := MacroInput{
		Request: parsePairs(t, d, request), Reply: parsePairs(t, d, reply), Control: parsePairs(t, d, control),
		Now: clock, Missing: missing{&told},
	}
	return string(m.Append(nil, &in)), told
}

func TestMacros(t *testing.T) {
	d := loadDictionary(t)
	const request = `User-Name = bob, NAS-IP-Address = 10.0.0.1, NAS-Port = 7, Calling-Station-Id = "0 1", Connect-Info = V90, Service-Type = Framed-User, Acct-Delay-Time = 60`
	const reply = `Framed-IP-Address = 10.1.1.1, Framed-MTU = 1500, Framed-Protocol = PPP, Callback-Number = "9 8"`
	for _, c := range []struct {
		name, text, request, reply, want string
	}{
		{"plain", "hello", "", "", "hello"},
		{"letters of the request", "%u|%n|%p|%i|%s", request, reply, "bob|10.0.0.1|7|0 1|V90"},
		{"letters of the reply", "%f|%t|%a|%c", request, reply, "10.1.1.1|1500|1|9 8"},
		{"absent", "%u|%n|%p|%i|%s|%f|%t|%a|%c", "", "", "|0|0|||0|0|0|"},
		{"percent", "100%%|%x|%|%C|%R|%C{", request, "", "100%|%x|%|%C|%R|%C{"},
		{"percent at the end", "100%", "", "", "100%"},
		{"by number", "%C1 %R8 %C5x", request, reply, "bob 10.1.1.1 7x"},
		{"by name", "%C{User-Name} %R{Framed-MTU} %C{NAS-Port-Id} %c", request, reply, "bob 1500 7 9 8"},
		{"lists are apart", "%R{User-Name}|%C{Framed-MTU}", request, reply, "|0"},
		{"in single quotes", "'%u' '%C{Service-Type}'", `User-Name = "o'k\"\x", Service-Type = Framed-User`, "", `'o\'k\"\\x' 'Framed-User'`},
		{"in double quotes", `"%u"`, `User-Name = "a\"b"`, "", `"a\"b"`},
		{"quoted by a backslash, manual", `%\C{User-Name} %\C{Service-Type}`, `User-Name = "a\"b", Service-Type = Framed-User`, "", `a\"b Framed-User`},
		{"quoted by a backslash, code", `%C\{User-Name} %C\{Service-Type}`, `User-Name = "a\"b", Service-Type = Framed-User`, "", `a\"b Framed-User`},
		{"not quoted", `%C{User-Name} %C{Service-Type}`, `User-Name = "a\"b", Service-Type = Framed-User`, "", `a"b 2`},
		{"control characters in quotes", `'%u'`, `User-Name = "b\n\177\351"`, "", `'b\012\177\351'`},
		{"not expanded again", "%u", `User-Name = "%p%C{NAS-Port}"`, "", "%p%C{NAS-Port}"},
		{"default is not expanded again", "%C{Class:-%u}", request, "", "%u"},
		{"default", "%C{User-Name:-x}|%C{Class:-x}|%C{Class:-}", request, "", "bob|x|"},
		{"assigned", "%C{Framed-MTU:=9}|%C{Framed-MTU}", request, "", "9|9"},
		{"assigned, present", "%C{NAS-Port:=9}|%C{NAS-Port}", request, "", "7|7"},
		{"assigned to the reply", "%R{Framed-MTU:=9}|%t|%C{Framed-MTU}", request, "", "9|9|0"},
		{"alternative, as documented", "%C{User-Name:+x}|%C{Class:+x}", request, "", "|x"},
		{"time less the delay", "%D", request, "", "2026-01-05 08:59:00"},
		{"time", "%G", "", "", "2026-01-05 09:00:00"},
		{"escapes", `a\tb\nc\\d\e\q\`, "", "", "a\tb\nc\\d\x1b\\q\\"},
		{"escapes in a default", `%C{Class:-a\tb}`, "", "", "a\tb"},
		{"backslash before a macro", `\%u`, request, "", `\bob`},
		{"internal by number", `%C1040`, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := expandMacro(t, d, c.text, c.request, c.reply, "")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMacroOfControl(t *testing.T) {
	got, _ := expandMacro(t, loadDictionary(t), "%R{Simultaneous-Use} %C{Simultaneous-Use}", "", "", "Simultaneous-Use = 3")
	if got != "3 0" {
		t.Errorf("got %q; an order is found behind the reply alone", got)
	}
}

func TestMacroTells(t *testing.T) {
	d := loadDictionary(t)
	for _, c := range []struct {
		text, want string
		told       []string
	}{
		{"%C{User-Nam}x", "x", []string{`0: unknown attribute "User-Nam"; did you mean "User-Name"?`}},
		{"a%C999", "a", []string{`1: unknown attribute "999"`}},
		{"%C{Class:?who}", "who", []string{"Class: who"}},
		{"%C{User-Name", "%C{User-Name", []string{`0: "%C{" has no "}"; it is taken as it stands`}},
		{"%C{NAS-Port:=x}", "x", []string{`0: NAS-Port is "x"; expected a number`}},
		{"%C{Class:-%C{User-Name}}", "%C{User-Name}", []string{"0: macros are not expanded within the braces of another one"}},
	} {
		got, told := expandMacro(t, d, c.text, "", "", "")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.text, diff)
		}
		if len(told) != len(c.told) || len(told) > 0 && told[0] != c.told[0] {
			t.Errorf("%s: told %q, want %q", c.text, told, c.told)
		}
	}
}

func TestParseMessageEndsLinesWithCRLF(t *testing.T) {
	d := loadDictionary(t)
	m, _ := ParseMessage("\nA\\nB\r\n%u", d)
	in := MacroInput{Request: parsePairs(t, d, `User-Name = "\n"`)}
	if got := string(m.Append(nil, &in)); got != "\r\nA\r\nB\r\n\n" {
		t.Errorf("got %q; only the text's own lines end so", got)
	}
}

func TestMacroParts(t *testing.T) {
	d := loadDictionary(t)
	m, _ := ParseMacro(`a%C{Class:-x}'%f'%G`, d)
	var got []string
	for _, p := range m.Parts() {
		name := ""
		if p.Ref.Attr != nil {
			name = p.Ref.Attr.Name
		}
		got = append(got, fmt.Sprintf("%d %q %s %q %v %v", p.Kind, p.Text, name, p.Mode, p.Quoted, p.GMT))
	}
	want := []string{
		`0 "a"  '\x00' false false`, `1 "x" Class '-' false false`, `0 "'"  '\x00' false false`,
		`2 "" Framed-IP-Address '\x00' true false`, `0 "'"  '\x00' false false`, `3 "" Acct-Delay-Time '\x00' true true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, constant := m.Constant(); constant {
		t.Error("a text with macros is no constant")
	}
	for _, text := range []string{"", "plain"} {
		m, _ := ParseMacro(text, d)
		if got, constant := m.Constant(); !constant || got != text {
			t.Errorf("Constant of %q gives %q, %v", text, got, constant)
		}
	}
}

func TestMacroIsBounded(t *testing.T) {
	d := loadDictionary(t)
	m, _ := ParseMacro(strings.Repeat("%u", 10000), d)
	in := MacroInput{Request: parsePairs(t, d, `User-Name = "`+strings.Repeat("x", 250)+`"`), Now: clock}
	if n := len(m.Append(nil, &in)); n > maxMacro+4096 {
		t.Errorf("%d octets", n)
	}
}

func TestMacroDoesNotAllocate(t *testing.T) {
	d := loadDictionary(t)
	m, _ := ParseMacro("%u on %n port %p, limit %R{Simultaneous-Use} at %D", d)
	in := MacroInput{Request: parsePairs(t, d, `User-Name = bob, NAS-Port = 3`), Control: parsePairs(t, d, "Simultaneous-Use = 2"), Now: time.Now()}
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { buf = m.Append(buf[:0], &in) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzMacro compiles and expands any text: it ends, is bounded, and never looks at what it has put in.
func FuzzMacro(f *testing.F) {
	for _, s := range []string{
		"%u %n", "%C{User-Name:-x}", "%C{Class:=1}", `%\C{User-Name}`, `%C\{User-Name}`, "%R8", "%%", "%", "%C{", "'%u'", `\`, `\%u`, "%C{:-}", "%D%G",
		"%C{Class:?x}", "%C{NAS-Port:+x}", "%C99999999999999999999",
	} {
		f.Add(s)
	}
	d := loadDictionary(f)
	f.Fuzz(func(t *testing.T, text string) {
		m, problems := ParseMacro(text, d)
		for _, p := range problems {
			if p.Offset < 0 || p.Offset > len(text) || p.Error() == "" {
				t.Fatalf("problem %v at %d", p.Err, p.Offset)
			}
		}
		in := MacroInput{Request: parsePairs(t, d, `User-Name = "%n%C{Class}"`), Reply: &dictionary.List{}, Now: clock}
		got := string(m.Append(nil, &in))
		if text == "%u" && got != "%n%C{Class}" {
			t.Fatalf("what was put in was expanded: %s", got)
		}
		if len(got) > maxMacro+len(text)+4096 {
			t.Fatalf("%d octets", len(got))
		}
	})
}
