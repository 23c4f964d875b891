package policytest

import (
	"context"
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy"
	"perilune/policy/module"
)

// LDAP implements module.Backends.
func (k *fakes) LDAP(name string) (module.LDAP, error) { return &fakeLDAP{k, name}, nil }

// A fakeLDAP is what mock.ldap answers: a search by the start of its filter, a bind by "bind" and the start of the DN.
type fakeLDAP struct {
	*fakes
	name string
}

// Search implements module.LDAP. The answer is a list of entries {dn=, attrs={name = value or list}}, or one entry.
func (d *fakeLDAP) Search(_ context.Context, q *module.LDAPSearch) ([]module.LDAPEntry, error) {
	call := d.f.calling.NewTable()
	for key, text := range map[string]string{"filter": q.Filter, "base": q.Base, "scope": q.Scope} {
		call.RawSetString(key, lua.LString(text))
	}
	call.RawSetString("limit", lua.LNumber(q.Limit))
	attrs := d.f.calling.NewTable()
	for _, a := range q.Attributes {
		attrs.Append(lua.LString(a))
	}
	call.RawSetString("attrs", attrs)
	answer, err := d.ask("ldap", d.name, q.Filter, call)
	if err != nil {
		return nil, err
	}
	entries, err := ldapEntries(answer)
	if err != nil {
		return nil, d.unmocked("ldap", fmt.Errorf("mock.ldap %s: %.60q: %w", d.name, q.Filter, err))
	}
	return entries[:min(len(entries), q.Limit)], nil
}

// Bind implements module.LDAP. The answer is true or false.
func (d *fakeLDAP) Bind(_ context.Context, dn, password string) (bool, error) {
	call := d.f.calling.NewTable()
	call.RawSetString("dn", lua.LString(dn))
	call.RawSetString("password", lua.LString(password))
	answer, err := d.ask("ldap", d.name, "bind "+dn, call)
	if err != nil {
		return false, err
	}
	right, ok := answer.(lua.LBool)
	if !ok {
		return false, d.unmocked("ldap", fmt.Errorf("mock.ldap %s: bind: got a %s, expected true, false or mock.fail", d.name, answer.Type()))
	}
	return bool(right), nil
}

func ldapEntries(v lua.LValue) (entries []module.LDAPEntry, err error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("got a %s, expected a list of entries like {{dn=…, attrs={…}}}, or mock.fail", v.Type())
	}
	if t.RawGetString("dn") != lua.LNil {
		e, err := ldapEntry(t)
		return []module.LDAPEntry{e}, err
	}
	for i := 1; i <= t.Len(); i++ {
		e, err := ldapEntry(t.RawGetInt(i))
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func ldapEntry(v lua.LValue) (e module.LDAPEntry, err error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return e, fmt.Errorf("got a %s, expected {dn=…, attrs={…}}", v.Type())
	}
	e.Attributes = map[string][]string{}
	err = policy.Each(t, func(k, v lua.LValue) error {
		text, isText := v.(lua.LString)
		attrs, isTable := v.(*lua.LTable)
		switch key := k.String(); {
		case key == "dn" && isText:
			e.DN = string(text)
		case key == "attrs" && isTable:
			return policy.Each(attrs, func(k, v lua.LValue) error {
				values, err := ldapValues(v)
				e.Attributes[k.String()] = values
				return err
			})
		default:
			return fmt.Errorf("%s: expected dn, a text, and attrs, a table", key)
		}
		return nil
	})
	return e, err
}

// ldapValues reads a value, or a list of them.
func ldapValues(v lua.LValue) ([]string, error) {
	switch v := v.(type) {
	case lua.LString:
		return []string{string(v)}, nil
	case lua.LNumber:
		return []string{v.String()}, nil
	case *lua.LTable:
		var values []string
		for i := 1; i <= v.Len(); i++ {
			one, err := ldapValues(v.RawGetInt(i))
			if err != nil {
				return nil, err
			}
			values = append(values, one...)
		}
		return values, nil
	}
	return nil, errors.New("a value of an attribute is a " + v.Type().String() + ", expected text")
}
