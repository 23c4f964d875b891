package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"perilune/engine/nas"
	"perilune/engine/users"
)

// Reference gives all settings as Markdown: a table for each part of the file, with key, default, meaning
// and what a change takes. docs/configuration.md holds it.
func Reference() string {
	var b strings.Builder
	for table := range fields(reflect.ValueOf(Default()).Elem(), "") {
		if isNamed(table.value.Type()) {
			table.key, table.value = table.key+".NAME", newNamed(table.value.Type()).Elem()
		}
		referenceTable(&b, table.key, table.tag.Get("doc"), table.value)
	}
	return b.String()
}

// referenceTable gives a table, then the named tables in it.
func referenceTable(b *strings.Builder, key, doc string, table reflect.Value) {
	fmt.Fprintf(b, "## [%s]\n\n%s\n\n| Key | Default | Meaning | Change |\n|---|---|---|---|\n", key, doc)
	var named []field
	for f := range fields(table, "") {
		if isNamed(f.value.Type()) {
			named = append(named, f)
			continue
		}
		change := "reload"
		if f.restart() {
			change = "restart"
		}
		fmt.Fprintf(b, "| `%s` | `%s` | %s | %s |\n", f.key, literal(f.value), meaning(f.tag), change)
	}
	b.WriteString("\n")
	for _, f := range named {
		referenceTable(b, key+"."+f.key+".NAME", f.tag.Get("doc"), newNamed(f.value.Type()).Elem())
	}
}

// meaning gives the explanation with the bounds.
func meaning(tag reflect.StructTag) string {
	doc := strings.ReplaceAll(tag.Get("doc"), "|", `\|`)
	if one := tag.Get("one"); one != "" {
		return doc + ": " + words(one)
	}
	if low, high := tag.Get("min"), tag.Get("max"); low != high {
		return doc + " (" + low + " to " + high + ")"
	}
	return doc
}

// literal gives a value as config.toml writes it.
func literal(v reflect.Value) string {
	switch v := v.Interface().(type) {
	case string:
		return strconv.Quote(v)
	case Database:
		return strconv.Quote(v.String())
	case Secret:
		return strconv.Quote(v.String())
	case []Secret:
		return listLiteral(v, Secret.String)
	case []string:
		return listLiteral(v, func(s string) string { return s })
	case netip.Addr:
		if !v.IsValid() {
			return `""`
		}
		return strconv.Quote(v.String())
	case []netip.AddrPort:
		return listLiteral(v, netip.AddrPort.String)
	case time.Duration:
		return strconv.Quote(durationText(v))
	case Size:
		return strconv.Quote(v.String())
	case nas.Mode:
		return strconv.Quote(v.String())
	case users.Dialect:
		return strconv.Quote(dialectText(v))
	case *time.Location:
		if v == time.Local {
			return `""`
		}
		return strconv.Quote(v.String())
	}
	return fmt.Sprint(v.Interface())
}

func listLiteral[T any](list []T, text func(T) string) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = strconv.Quote(text(e))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func dialectText(d users.Dialect) string {
	for text, v := range dialects {
		if v == d {
			return text
		}
	}
	return ""
}
