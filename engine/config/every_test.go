package config

import (
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/users"
)

// line gives a file that sets one key to what stands there as TOML.
func line(key, value string) string {
	table, name, _ := strings.Cut(key, ".")
	return fmt.Sprintf("[%s]\n%s = %s\n", table, name, value)
}

// beyond gives values, as TOML, just below and just above the bounds of a key, and on them; nil for a key
// without bounds.
func beyond(f field) (outside, inside []string) {
	low, high := f.tag.Get("min"), f.tag.Get("max")
	switch f.value.Interface().(type) {
	case int:
		from, _ := strconv.Atoi(low)
		to, _ := strconv.Atoi(high)
		return []string{strconv.Itoa(from - 1), strconv.Itoa(to + 1)}, []string{low, high}
	case Size:
		from, _ := ParseSize(low)
		to, _ := ParseSize(high)
		return []string{fmt.Sprint(int(from - 1)), fmt.Sprint(int(to + 1))}, []string{strconv.Quote(low), strconv.Quote(high)}
	case time.Duration:
		from, _ := ParseDuration(low)
		to, _ := ParseDuration(high)
		return []string{strconv.Quote((from - time.Millisecond).String()), strconv.Quote((to + time.Millisecond).String())},
			[]string{strconv.Quote(low), strconv.Quote(high)}
	}
	if one := f.tag.Get("one"); one != "" {
		_, isList := f.value.Interface().([]string)
		for word := range strings.FieldsSeq(one) {
			word = strconv.Quote(word)
			if isList {
				word = "[" + word + "]"
			}
			inside = append(inside, word)
		}
		if isList {
			return []string{`["x"]`, `[]`, `1`, "[" + strings.Repeat(inside[0][1:len(inside[0])-1]+", ", 2) + "]"}, inside
		}
		return []string{`"x"`, `""`, `1`}, inside
	}
	return nil, nil
}

// TestBoundsOfEveryKey sets each key beside its bounds and reads what is said: the golden file is the list
// of all bounds. What stands on a bound is taken.
func TestBoundsOfEveryKey(t *testing.T) {
	var said strings.Builder
	for f := range Default().leaves() {
		outside, inside := beyond(f)
		for _, v := range outside {
			c, errs := load(t, line(f.key, v))
			fmt.Fprintln(&said, errs.Error())
			if errs == nil || !strings.Contains(settings(c), f.key+" = "+literal(f.value)+"\n") {
				t.Errorf("%s = %s: errors %v; the default does not hold", f.key, v, errs)
			}
		}
		for _, v := range inside {
			if _, errs := load(t, line(f.key, v)); errs.Failed() && !strings.Contains(errs.Error(), "reload.longest") {
				t.Errorf("%s = %s: %v", f.key, v, errs)
			}
		}
	}
	golden(t, "testdata/bounds.golden", said.String())
}

// TestWrongTypeOfEveryKey gives each key a value of another kind: one error at the value, which says what was
// expected, and the default holds.
func TestWrongTypeOfEveryKey(t *testing.T) {
	for f := range Default().leaves() {
		for _, v := range []string{"true", "-1", "-0.5", "nan", "inf", `"\u0000"`, "[1]", "[[]]", "1979-05-27T07:32:00Z", "[{a = 1}]"} {
			good := f.value.Kind() == reflect.Bool && v == "true" || f.value.Kind() == reflect.String && v == `"\u0000"` && f.tag.Get("one") == ""
			if good {
				continue
			}
			c, errs := load(t, line(f.key, v))
			if len(errs) != 1 || errs[0].Warning || errs[0].Line != 2 || !strings.HasPrefix(errs[0].Msg, f.key+" = ") || !strings.Contains(errs[0].Msg, "; expected ") {
				t.Errorf("%s = %s: %v", f.key, v, errs)
			}
			if d := cmp.Diff(settings(Default()), settings(c)); d != "" {
				t.Errorf("%s = %s: not the defaults (-want +got)\n%s", f.key, v, d)
			}
		}
	}
}

// another gives a value, as TOML, that is not the default.
func another(t *testing.T, f field) string {
	switch v := f.value.Interface().(type) {
	case bool:
		return strconv.FormatBool(!v)
	case int:
		if f.tag.Get("min") == f.tag.Get("max") {
			return ""
		}
		return strconv.Itoa(v + 1)
	case Size:
		return strconv.Itoa(int(v) + 1)
	case time.Duration:
		return strconv.Quote((v + v/2 + time.Second).String())
	case netip.Addr:
		return `"127.0.0.7"`
	case []netip.AddrPort:
		return `["127.0.0.1:7"]`
	case []string:
		if one := strings.Fields(f.tag.Get("one")); len(one) > 0 {
			return "[" + strconv.Quote(one[len(one)-1]) + "]"
		}
		return `["/ann"]`
	case Database:
		return `"/else/where"`
	case *time.Location:
		return `"Europe/Berlin"`
	case nas.Mode:
		return `"yes"`
	case users.Dialect:
		return `"gnu"`
	case string:
		if one := strings.Fields(f.tag.Get("one")); len(one) > 0 {
			return strconv.Quote(one[(slices.Index(one, v)+1)%len(one)])
		}
		return `"/else/where"`
	}
	t.Fatalf("%s has type %T", f.key, f.value.Interface())
	return ""
}

// TestRestartOfEveryKey changes each key alone. The golden file says what an operator reads for those that need
// a restart; nothing is said of others, nor without a change.
func TestRestartOfEveryKey(t *testing.T) {
	var said strings.Builder
	before := Default()
	for f := range before.leaves() {
		v := another(t, f)
		if v == "" {
			continue
		}
		after, errs := load(t, line(f.key, v))
		if errs.Failed() {
			t.Errorf("%s = %s: %v", f.key, v, errs)
			continue
		}
		got := RestartOnly(before, after)
		if len(got) != 0 != f.restart() || len(got) > 1 {
			t.Errorf("%s = %s: %v", f.key, v, got)
		}
		for _, e := range got {
			fmt.Fprintln(&said, e)
		}
		if same := RestartOnly(after, after); same != nil {
			t.Errorf("%s: no change: %v", f.key, same)
		}
	}
	golden(t, "testdata/restart.golden", said.String())
}

// TestUnreadableSettings: a config.toml that is there and cannot be read is an error, not an empty one.
func TestUnreadableSettings(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(root+"/"+FileName, 0o700); err != nil {
		t.Fatal(err)
	}
	var errs raddb.List
	c := Load(raddb.Open(root), &errs)
	if len(errs) != 1 || !errs.Failed() || errs[0].File != FileName || c == nil {
		t.Errorf("errors %v", errs)
	}
}

// TestSalvageEnds: a file of another kind is one error, however many of its lines are no TOML.
func TestSalvageEnds(t *testing.T) {
	for name, text := range map[string]string{
		"many lines": strings.Repeat("no = toml at all\n", 10*maxSalvage),
		"octets":     "\xff\xfe\x00",
		"unclosed":   "[server]\nqueue = \"\"\"\n" + strings.Repeat("\n", 30),
	} {
		c, errs := load(t, text)
		if len(errs) != 1 || !errs.Failed() || settings(c) != settings(Default()) {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

// TestDeny reads access.deny: one name a line, as octets; what cannot be a name is told of.
func TestDeny(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
		errs string
	}{
		{"", nil, ""},
		{"# nobody\n\n  mallory  # since May\n\"old account\"\nb#b\nMallory\nmallory\n", []string{"Mallory", "b#b", "mallory", "old account"}, ""},
		{"m\xffx\r\ntrent", []string{"m\xffx", "trent"}, ""},
		{"two words\n\"\"\nlast\n", []string{"last"}, "deny:1:5: a second word on the line; expected one name, in quotes if it has spaces\ndeny:2:1: the name is empty"},
		{"$INCLUDE deny\n", nil, "deny:1:10: $INCLUDE loop: deny includes deny; leave one of them out"},
		{"$INCLUDE gone\n\"no end\nlast\n", []string{"last"}, "deny:1:10: there is no file gone\ndeny:2:1: a quoted text is not closed on its line; expected another \""},
	} {
		var errs raddb.List
		var got []string
		for name := range LoadDeny(raddb.Open(write(t, map[string]string{"deny": c.text})), "deny", &errs) {
			got = append(got, name)
		}
		slices.Sort(got)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q (-want +got)\n%s", c.text, d)
		}
		if d := cmp.Diff(c.errs, errs.Error()); d != "" {
			t.Errorf("%q: errors (-want +got)\n%s", c.text, d)
		}
	}
}
