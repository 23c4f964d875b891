package module

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// An LDAP is one directory with its pools of connections. Errors are those of ctx, a Failure, or Misuse where the
// directory finds fault with what is asked.
type LDAP interface {
	// Search gives the entries that match; none if there is no entry at the base. Those beyond the limit are left out.
	Search(ctx context.Context, q *LDAPSearch) ([]LDAPEntry, error)
	// Bind reports whether a password is right for a DN. Neither is empty: such binds succeed without a look at a
	// password (RFC 4513 s5.1).
	Bind(ctx context.Context, dn, password string) (bool, error)
}

// An LDAPSearch is one search. Scope is base, one or sub; no base means the configured one, no attributes all.
type LDAPSearch struct {
	Base, Filter, Scope string
	Attributes          []string
	Limit               int
}

// An LDAPEntry is one entry that was found.
type LDAPEntry struct {
	DN         string
	Attributes map[string][]string
}

// maxEntries bounds what l:search gives.
const maxEntries = 1000

// maxFilter bounds the octets of a filter, and of a base: what compiles filters takes seconds for one of ten thousand
// brackets, and cannot be interrupted.
const maxFilter = 4096

// directory is what ldap.open gives.
type directory struct{ LDAP }

var ldapMeta = methods(ldapMethods(), "ldap", nil)

func ldapFunctions() []Function {
	list := []Function{
		{Module: "ldap", Name: "open", Signature: "ldap.open(name)", call: ldapOpen,
			Doc: "The directory of [backend.ldap.NAME]; while scripts load. It connects when it is asked first."},
		{Module: "ldap", Name: "escape", Signature: "ldap.escape(text)", call: ldapEscape,
			Doc: "Text with which a filter finds exactly that: no wildcard, no bracket (RFC 4515)."},
	}
	return append(list, ldapMethods()...)
}

func ldapMethods() []Function {
	list := waits("ldap", "ldap", "search", "{filter=, base=, attrs=, scope=, limit=}", `A list of entries {dn, attrs}, each attribute a list of values; 1,000 at most. scope is "sub" unless it is "one" or "base".`, ldapSearch)
	return append(list, waits("ldap", "ldap", "bind", "(dn, password)", "Whether the password is right. An empty one is not.", ldapBind)...)
}

func ldapOpen(l *lua.LState) int {
	name := sandbox.CheckString(l, 1)
	what := fmt.Sprintf("ldap.open(%q)", name)
	d, err := backends(l, what).LDAP(name)
	return opened(l, what, &directory{d}, ldapMeta, err)
}

// thisDirectory gives the value before the colon.
func thisDirectory(l *lua.LState) *directory { return self[*directory](l, "a directory") }

// ldapEscape is ldap.escape(text), by RFC 4515 s3. Octets that are no ASCII are escaped, too, so that no filter is
// refused for its encoding.
func ldapEscape(l *lua.LState) int {
	text := textOctets(l, 1)
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c > '~' || strings.IndexByte(`()*\`, c) >= 0:
			fmt.Fprintf(&b, `\%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return pushedText(l, b.String())
}

func ldapSearch(l *lua.LState) (lua.LValue, error) {
	d := thisDirectory(l)
	q := &LDAPSearch{Filter: "(objectClass=*)", Scope: "sub", Limit: maxEntries}
	optionsOf(l, 2, "ldap", q.take)
	entries, err := block(l, func(ctx context.Context) ([]LDAPEntry, error) { return d.Search(ctx, q) })
	if err != nil {
		return nil, err
	}
	list := l.CreateTable(len(entries), 0)
	for i := range entries {
		list.Append(entryTable(l, &entries[i]))
	}
	return list, nil
}

// take takes one option.
func (q *LDAPSearch) take(key string, v lua.LValue) (err error) {
	text, isText := v.(lua.LString)
	switch key {
	case "base", "filter":
		if !isText || text == "" {
			return fmt.Errorf("%s: got %s, expected text", key, shown(v))
		}
		if len(text) > maxFilter {
			return fmt.Errorf("%s: %d octets; %d are allowed", key, len(text), maxFilter)
		}
		*map[string]*string{"base": &q.Base, "filter": &q.Filter}[key] = string(text)
	case "scope":
		if !slices.Contains([]lua.LString{"base", "one", "sub"}, text) {
			return fmt.Errorf(`scope: got %s, expected "base", "one" or "sub"`, shown(v))
		}
		q.Scope = string(text)
	case "limit":
		q.Limit, err = count("limit", v, maxEntries)
	case "attrs":
		q.Attributes, err = attributeNames(v)
	default:
		return unknownOption(key, "filter", "base", "attrs", "scope", "limit")
	}
	return err
}

func attributeNames(v lua.LValue) (names []string, err error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf(`attrs: got %s, expected a list of names like {"memberOf"}`, shown(v))
	}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		name, ok := v.(lua.LString)
		if _, isIndex := k.(lua.LNumber); !ok || !isIndex || name == "" || len(names) == 100 {
			return nil, fmt.Errorf(`attrs: got %s, expected a list of up to 100 names like {"memberOf"}`, shown(v))
		}
		names = append(names, string(name))
	}
	return names, nil
}

func entryTable(l *lua.LState, e *LDAPEntry) lua.LValue {
	attrs := l.CreateTable(0, len(e.Attributes))
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		values := l.CreateTable(len(e.Attributes[name]), 0)
		for _, v := range e.Attributes[name] {
			sandbox.CheckLength(l, len(v))
			values.Append(lua.LString(v))
		}
		sandbox.Charge(l, 4+values.Len())
		attrs.RawSetString(name, values)
	}
	t := l.CreateTable(0, 2)
	t.RawSetString("dn", lua.LString(e.DN))
	t.RawSetString("attrs", attrs)
	return t
}

// ldapBind is l:bind(dn, password). What a directory takes as anonymous is no proof (RFC 4513 s5.1.2).
func ldapBind(l *lua.LState) (lua.LValue, error) {
	d, dn, password := thisDirectory(l), sandbox.CheckString(l, 2), ""
	if l.Get(3) != lua.LNil || l.GetTop() < 3 {
		password = CheckText(l, 3)
	}
	if password == "" || strings.TrimSpace(dn) == "" {
		return lua.LFalse, nil
	}
	right, err := block(l, func(ctx context.Context) (bool, error) { return d.Bind(ctx, dn, password) })
	return lua.LBool(right), err
}
