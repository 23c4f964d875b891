package policy

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"unsafe"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// objects are what a handler holds of its request: req and the lists that hang from it. They die when it returns.
type objects struct {
	live                    bool
	run                     uint64 // counts the requests that these were lent to
	request, reply, control lua.LUserData
	proxied                 lua.LUserData // req.proxy.reply
	lists                   [4]attributes
}

// attributes is the Go side of an attribute list in Lua.
type attributes struct {
	of    *objects // nil: a list that is no request's (a test's reply)
	list  *dictionary.List
	which lists
	extra func(name string) lua.LValue // fields of a list that is no request's; may be nil
}

// metatables are those of the objects that scripts see.
type metatables struct {
	request, list, verdict, proxy *lua.LTable
}

func (rn *Runner) newObjects() *objects {
	o := &objects{}
	for i := range o.lists {
		o.lists[i] = attributes{of: o, which: 1 << i}
	}
	env, meta := rn.lua().G.Global, &rn.pr.surface.meta
	o.request = lua.LUserData{Value: &o.lists[0], Env: env, Metatable: meta.request}
	o.control = lua.LUserData{Value: &o.lists[1], Env: env, Metatable: meta.list}
	o.reply = lua.LUserData{Value: &o.lists[2], Env: env, Metatable: meta.list}
	o.proxied = lua.LUserData{Value: &o.lists[3], Env: env, Metatable: meta.list}
	return o
}

// bind makes the objects those of r.
func (o *objects) bind(r *server.Request) {
	o.live = true
	o.run++
	o.lists[0].list, o.lists[1].list, o.lists[2].list = &r.Attributes, &r.Control, &r.Reply
	if r.Proxied != nil {
		o.lists[3].list = &r.Proxied.Reply
	}
}

// name gives the list as scripts write it.
func (a *attributes) name() string {
	switch a.which {
	case changeRequest:
		return "req"
	case changeControl:
		return "req.control"
	case changeReply:
		return "req.reply"
	case changeProxied:
		return "req.proxy.reply"
	}
	return "reply"
}

// self gives the list that a method or metamethod was called with.
func self(l *lua.LState) *attributes {
	ud, ok := l.Get(1).(*lua.LUserData)
	if ok {
		if a, ok := ud.Value.(*attributes); ok {
			a.alive(l)
			return a
		}
	}
	sandbox.RaiseMisuse(l, "expected req or an attribute list before the method, got a %s; write req:method(…) with a colon", l.Get(1).Type())
	return nil
}

// alive raises if the list is one of a request that is over.
func (a *attributes) alive(l *lua.LState) {
	if a.of != nil && !a.of.live {
		sandbox.RaiseMisuse(l, "this request is over: req is valid until its handler returns")
	}
}

// An access is what a key of req, or of a list, means.
type access struct {
	ref    dictionary.Ref                             // an attribute if Attr is not nil
	get    func(rn *Runner, a *attributes) lua.LValue // of a field
	set    func(rn *Runner, a *attributes, v lua.LValue) error
	method *lua.LFunction
}

// keyCache remembers what keys mean that are no fields or methods, for req and for other lists alike, and the keys
// found last.
type keyCache struct {
	attributes map[string]*access
	latest     [2][latestKeys]latestKey // of list and request: those that a script's own constants led to
}

// latestKeys is the number of places for keys found last; a power of two.
const latestKeys = 32

// A latestKey spares the hashing of a name that stands in the script's text: such a string is the same one
// each time. The entry keeps the string alive, so its address means no other.
type latestKey struct {
	name   string
	access *access
}

// latestOf gives the place for a name, by its address.
func (c *keyCache) latestOf(a *attributes, name string) *latestKey {
	which := 0
	if a.which == changeRequest {
		which = 1
	}
	return &c.latest[which][uintptr(unsafe.Pointer(unsafe.StringData(name)))>>3%latestKeys]
}

// is reports whether the entry is for this very string.
func (k *latestKey) is(name string) bool {
	return len(name) == len(k.name) && len(name) > 0 && unsafe.StringData(name) == unsafe.StringData(k.name)
}

// maxKeys bounds the names that a script may make up before the cache starts anew.
const maxKeys = 4096

// key finds what a key means for a; the error says that it means nothing.
func (rn *Runner) key(a *attributes, name string) (*access, error) {
	latest := rn.keys.latestOf(a, name)
	if latest.is(name) {
		return latest.access, nil
	}
	k, err := rn.lookUp(a, name)
	if err == nil {
		*latest = latestKey{name, k}
	}
	return k, err
}

// lookUp is key for a name that was not found just now.
func (rn *Runner) lookUp(a *attributes, name string) (*access, error) {
	if isField(name) {
		if k := rn.fieldsOfKind(a)[name]; k != nil {
			return k, nil
		}
		return nil, rn.unknownKey(a, name)
	}
	return rn.attribute(name)
}

// fieldsOfKind gives fields and methods of req, or of the other lists.
func (rn *Runner) fieldsOfKind(a *attributes) map[string]*access {
	if a.which == changeRequest {
		return rn.pr.surface.request
	}
	return rn.pr.surface.list
}

func (rn *Runner) unknownKey(a *attributes, name string) error {
	return fmt.Errorf("%s has no field or method %q%s", a.name(), name, raddb.DidYouMean(name, maps.Keys(rn.fieldsOfKind(a))))
}

// ref resolves an attribute name of a script.
func (rn *Runner) ref(name string) (dictionary.Ref, error) {
	k, err := rn.attribute(name)
	if err != nil {
		return dictionary.Ref{}, err
	}
	return k.ref, nil
}

func (rn *Runner) attribute(name string) (*access, error) {
	if k := rn.keys.attributes[name]; k != nil {
		return k, nil
	}
	if rn.pr.names == nil {
		return nil, fmt.Errorf("attributes cannot be used while scripts load")
	}
	k := rn.pr.literalNames[name]
	if k == nil {
		ref, err := rn.pr.names.resolve(name)
		if err != nil {
			return nil, err
		}
		k = &access{ref: ref}
	}
	if rn.keys.attributes == nil {
		rn.keys.attributes = map[string]*access{}
	}
	if len(rn.keys.attributes) < maxKeys {
		rn.keys.attributes[strings.Clone(name)] = k
	}
	return k, nil
}

// index is __index of req and of the lists.
func (rn *Runner) index(l *lua.LState) int {
	l.Push(rn.field(l, self(l), l.Get(2)))
	return 1
}

// field gives what a key of req, or of a list, holds.
func (rn *Runner) field(l *lua.LState, a *attributes, key lua.LValue) lua.LValue {
	name, ok := key.(lua.LString)
	if !ok {
		sandbox.RaiseMisuse(l, "%s[%v]: got a %s, expected the name of a field or attribute", a.name(), key, key.Type())
	}
	if a.extra != nil {
		if v := a.extra(string(name)); v != nil {
			return v
		}
	}
	k, err := rn.key(a, string(name))
	switch {
	case err != nil:
		sandbox.RaiseMisuse(l, "%s", err)
	case k.method != nil:
		return k.method
	case k.get != nil:
		return k.get(rn, a)
	}
	return rn.first(a.list, k.ref)
}

// first gives the first value of an attribute, nil if there is none.
func (rn *Runner) first(list *dictionary.List, ref dictionary.Ref) lua.LValue {
	value, ok := list.Get(ref, 0)
	if !ok {
		return lua.LNil
	}
	return rn.named(ref, value)
}

// newIndex is __newindex of req and of the lists.
func (rn *Runner) newIndex(l *lua.LState) int {
	rn.setField(l, self(l), l.Get(2), l.Get(3))
	return 0
}

// setField gives a key of req, or of a list, a value.
func (rn *Runner) setField(l *lua.LState, a *attributes, key, v lua.LValue) {
	name, ok := key.(lua.LString)
	if !ok {
		sandbox.RaiseMisuse(l, "%s[%v]: got a %s, expected the name of an attribute", a.name(), key, key.Type())
	}
	k, err := rn.key(a, string(name))
	if err == nil {
		err = rn.assign(a, string(name), k, v)
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
}

// get is index without the call that a metatable costs.
func (rn *Runner) get(l *lua.LState, object *lua.LUserData, key lua.LValue) (lua.LValue, bool) {
	a, ok := object.Value.(*attributes)
	if !ok {
		return nil, false
	}
	a.alive(l)
	return rn.field(l, a, key), true
}

// set is newIndex without the call.
func (rn *Runner) set(l *lua.LState, object *lua.LUserData, key, v lua.LValue) bool {
	a, ok := object.Value.(*attributes)
	if ok {
		a.alive(l)
		rn.setField(l, a, key, v)
	}
	return ok
}

func (rn *Runner) assign(a *attributes, name string, k *access, v lua.LValue) error {
	switch {
	case k.set != nil:
		return k.set(rn, a, v)
	case k.ref.Attr != nil:
		if err := rn.mayChange(a, k.ref.Attr, name); err != nil {
			return err
		}
		return rn.replace(a, k.ref, v)
	}
	return fmt.Errorf("%s.%s is read-only", a.name(), name)
}

// mayChange says why a handler may not change an attribute of a list.
func (rn *Runner) mayChange(a *attributes, attr *dictionary.Attribute, name string) error {
	if rn.h == nil || a.of == nil {
		return fmt.Errorf("%s is read-only", a.name())
	}
	if rn.change&a.which == 0 {
		return errors.New(cannotChange(rn.h, a.which, name))
	}
	if attr.Secret {
		rn.keepSecrets(a.list, attr)
	}
	return serverOnly(rn.known(), attr, a.which == changeReply)
}

// replace sets all values of an attribute: nil deletes, a list sets many.
func (rn *Runner) replace(a *attributes, ref dictionary.Ref, v lua.LValue) error {
	if t, ok := v.(*lua.LTable); ok && !(structured(ref.Attr) && t.Len() == 0) {
		return rn.replaceMany(a, ref, t)
	}
	if v == lua.LNil {
		a.list.Delete(ref)
	} else if text, ok := v.(lua.LString); ok && len(text) <= shortText && ref.Attr.Type == dictionary.TypeString && ref.Attr.Codec == nil {
		rn.scratch = append(rn.scratch[:0], text...) // its wire form is the text itself, and it has room everywhere
		a.list.Set(ref, rn.scratch)
	} else {
		value, err := rn.wireAs(rn.scratch[:0], ref, v)
		if err != nil {
			return err
		}
		rn.scratch = value
		a.list.Set(ref, value)
	}
	rn.touch(a, ref.Attr)
	return nil
}

// shortText is a length in octets that every attribute of text has room for.
const shortText = 64

// onlyPlaces refuses a table that is no list: {x = 1} would silently delete all values.
func onlyPlaces(a *dictionary.Attribute, t *lua.LTable) (err error) {
	each(t, func(k, _ lua.LValue) bool {
		if n, ok := k.(lua.LNumber); !ok || n < 1 || n > lua.LNumber(t.Len()) || n != lua.LNumber(int(n)) {
			err = fmt.Errorf("%s: got a table with the key %v, expected a value or a list of values", a.Name, k)
		}
		return err == nil
	})
	return err
}

// replaceMany encodes all values before the first is set, so that a wrong one changes nothing.
func (rn *Runner) replaceMany(a *attributes, ref dictionary.Ref, t *lua.LTable) error {
	if err := a.roomFor(t.Len()); err != nil {
		return err
	}
	if err := onlyPlaces(ref.Attr, t); err != nil {
		return err
	}
	values := make([][]byte, 0, t.Len())
	for i := 1; i <= t.Len(); i++ {
		value, err := rn.wireAs(nil, ref, t.RawGetInt(i))
		if err != nil {
			return err
		}
		values = append(values, value)
	}
	if len(values) == 0 {
		a.list.Delete(ref)
	} else {
		a.list.Set(ref, values[0])
		for _, value := range values[1:] {
			a.list.Add(ref, value)
		}
	}
	rn.touch(a, ref.Attr)
	return nil
}

// structured reports whether values of a are tables in Lua.
func structured(a *dictionary.Attribute) bool {
	return a.Type == dictionary.TypeTLV || a.Type == dictionary.TypeStruct || a.Codec != nil
}

// touch notes a change that was made, and keeps the name as received once User-Name differs from it.
func (rn *Runner) touch(a *attributes, attr *dictionary.Attribute) {
	rn.changed = true
	known := rn.known()
	if a.which != changeRequest || attr != known.UserName || rn.r == nil || rn.r.ReceivedUser == nil {
		return
	}
	if user, _ := a.list.First(known.UserName); bytes.Equal(user, rn.r.ReceivedUser) {
		return
	}
	if _, kept := a.list.First(known.OrigUserName); !kept {
		a.list.Add(known.OrigUserName.AnyTag(), rn.r.ReceivedUser)
	}
}
