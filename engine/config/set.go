package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/users"
)

// set converts v, as TOML has it, to the type of the slot and checks its bounds.
func (r *reader) set(s slot, key string, v any, at raddb.Pos) {
	if s.value.Type() == reflect.TypeFor[Database]() {
		r.database(s, key, v, at)
		return
	}
	switch s.value.Type() {
	case reflect.TypeFor[Secret]():
		r.secret(s, key, v, at)
		return
	case reflect.TypeFor[[]Secret]():
		r.secrets(s, key, v, at)
		return
	}
	converted, expected := r.convert(s, v)
	if expected == "" {
		expected = s.outOfBounds(converted)
	}
	if expected != "" {
		r.errs.Errorf(at, "%s = %s; expected %s", key, show(v), expected)
		return
	}
	s.value.Set(reflect.ValueOf(converted))
}

// convert gives the value in the slot's type, or what was expected.
func (r *reader) convert(s slot, v any) (converted any, expected string) {
	switch s.value.Interface().(type) {
	case []netip.AddrPort:
		return addresses(v)
	case []string:
		return texts(v)
	case bool:
		b, ok := v.(bool)
		return b, unless(ok, "true or false")
	case int:
		n, ok := v.(int64)
		return int(n), unless(ok, "a number")
	}
	text, ok := v.(string)
	switch s.value.Interface().(type) {
	case Size:
		return size(v)
	case time.Duration:
		return duration(v)
	case string:
		return text, unless(ok, cmp.Or(words(s.tag.Get("one")), "a text in quotes"))
	case *time.Location:
		return zone(text, ok)
	case netip.Addr:
		a, err := netip.ParseAddr(text)
		return a.Unmap(), unless(ok && (text == "" || err == nil), `an address like "192.0.2.1", or ""`)
	case nas.Mode:
		m, good := nas.ParseMode(text)
		return m, unless(ok && good, words(s.tag.Get("one")))
	case users.Dialect:
		d, good := dialects[text]
		return d, unless(ok && good, words(s.tag.Get("one"))+raddb.DidYouMean(text, strings.FieldsSeq(s.tag.Get("one"))))
	}
	return nil, "a table" // nothing else is in the struct
}

var dialects = map[string]users.Dialect{"infer": users.Infer, "gnu": users.GNU, "freeradius": users.FreeRADIUS}

func unless(ok bool, expected string) string {
	if ok {
		return ""
	}
	return expected
}

func addresses(v any) (any, string) {
	const expected = `a list of addresses with ports, like ["192.0.2.1:1812", "[2001:db8::1]:1812"]; ":1812" is all of the machine's`
	list, ok := v.([]any)
	out := make([]netip.AddrPort, 0, len(list))
	for _, e := range list {
		text, _ := e.(string)
		if strings.HasPrefix(text, ":") {
			text = "[::]" + text
		}
		a, err := netip.ParseAddrPort(text)
		ok = ok && err == nil
		out = append(out, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
	}
	return out, unless(ok, expected)
}

func texts(v any) (any, string) {
	list, ok := v.([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		text, isText := e.(string)
		ok = ok && isText
		out = append(out, text)
	}
	return out, unless(ok, `a list of texts in quotes, like ["a", "b"]`)
}

func size(v any) (any, string) {
	const expected = `a number of octets, or a text like "64KiB" or "16MiB"`
	if n, ok := v.(int64); ok {
		return Size(n), unless(n >= 0, expected)
	}
	text, _ := v.(string)
	n, ok := ParseSize(text)
	return n, unless(ok, expected)
}

// duration takes numbers as seconds, as scripts do.
func duration(v any) (any, string) {
	const expected = `a duration like "800ms", "90s", "5m", "1h" or "30d", or a number of seconds`
	switch n := v.(type) {
	case int64:
		return time.Duration(n) * time.Second, unless(n >= 0 && n < 1<<32, expected)
	case float64:
		return time.Duration(n * float64(time.Second)), unless(n >= 0 && n < 1<<32, expected)
	}
	text, _ := v.(string)
	d, ok := ParseDuration(text)
	return d, unless(ok, expected)
}

func zone(text string, ok bool) (any, string) {
	if ok && text == "" {
		return time.Local, ""
	}
	l, err := time.LoadLocation(text)
	return l, unless(ok && err == nil, `the name of a time zone, like "Europe/Berlin" or "UTC"`)
}

// outOfBounds says what the tags min, max and one allow, "" if v is among it.
func (s slot) outOfBounds(v any) string {
	low, high := s.tag.Get("min"), s.tag.Get("max")
	good := true
	switch v := v.(type) {
	case int:
		from, _ := strconv.Atoi(low)
		to, _ := strconv.Atoi(high)
		good = v >= from && v <= to
		if from == to {
			return unless(good, low)
		}
	case Size:
		from, _ := ParseSize(low)
		to, _ := ParseSize(high)
		good = v >= from && v <= to
	case time.Duration:
		from, _ := ParseDuration(low)
		to, _ := ParseDuration(high)
		good = v >= from && v <= to
	case string:
		if one := s.tag.Get("one"); one != "" {
			return unless(oneOf(v, one), words(one)+raddb.DidYouMean(v, strings.FieldsSeq(one)))
		}
	case []string:
		return s.outOfList(v)
	}
	return unless(good, low+" to "+high)
}

// outOfList says what the tag one allows in a list of words.
func (s slot) outOfList(list []string) string {
	one := s.tag.Get("one")
	if one == "" {
		return ""
	}
	for i, v := range list {
		if !oneOf(v, one) {
			return "a list of " + words(one) + raddb.DidYouMean(v, strings.FieldsSeq(one))
		}
		if slices.Contains(list[:i], v) {
			return strconv.Quote(v) + " once"
		}
	}
	return unless(len(list) > 0, "a list of "+words(one))
}

func oneOf(v, list string) bool {
	for w := range strings.FieldsSeq(list) {
		if v == w {
			return true
		}
	}
	return false
}

// words gives "a", "b" or "c".
func words(list string) string {
	w := strings.Fields(list)
	for i := range w {
		w[i] = strconv.Quote(w[i])
	}
	if len(w) < 2 {
		return strings.Join(w, "")
	}
	return strings.Join(w[:len(w)-1], ", ") + " or " + w[len(w)-1]
}

// show gives a value as it was found.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = show(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}
