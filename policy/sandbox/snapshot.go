package sandbox

import lua "github.com/yuin/gopher-lua"

// A Snapshot is what the scripts of a state hold between runs: every table, and every variable of a function,
// that can be reached from its functions and from what they require. It keeps references, no copies.
type Snapshot struct {
	state    *State
	opaque   bool // something is held whose inside cannot be seen
	tables   []tableShot
	upvalues []upvalueShot
	loaded   int // required files

	seen map[any]struct{} // while it is made
	own  map[*lua.LFunction]struct{}
}

type tableShot struct {
	table, meta lua.LValue
	pairs       []lua.LValue // keys and values in turn
}

type upvalueShot struct {
	upvalue *lua.Upvalue
	value   lua.LValue
}

// Snapshot looks at a state that is not running. functions are those that its host calls.
func (s *State) Snapshot(functions []*lua.LFunction) *Snapshot {
	shot := &Snapshot{state: s, loaded: len(s.loaded), seen: map[any]struct{}{}, own: map[*lua.LFunction]struct{}{}}
	shot.addOwn(s.globals())
	for _, fn := range functions {
		if fn != nil {
			shot.add(fn)
		}
	}
	for _, v := range s.loaded {
		shot.add(v)
	}
	shot.seen, shot.own = nil, nil
	return shot
}

// addOwn notes the functions of the API.
func (shot *Snapshot) addOwn(t *lua.LTable) {
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		switch v := v.(type) {
		case *lua.LFunction:
			shot.own[v] = struct{}{}
		case *lua.LTable:
			if inner := behind(v); inner != nil {
				shot.addOwn(inner)
			}
		}
	}
}

// add looks at a value and at all that can be reached from it.
func (shot *Snapshot) add(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		if shot.first(v) && behind(v) == nil {
			shot.addTable(v)
		}
	case *lua.LFunction:
		if shot.first(v) {
			shot.addFunction(v)
		}
	case *lua.LState:
		shot.opaque = true // a coroutine: where it stands cannot be seen
	}
}

func (shot *Snapshot) first(v any) bool {
	_, known := shot.seen[v]
	shot.seen[v] = struct{}{}
	return !known
}

func (shot *Snapshot) addTable(t *lua.LTable) {
	at := len(shot.tables)
	shot.tables = append(shot.tables, tableShot{table: t, meta: t.Metatable})
	var pairs []lua.LValue
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		pairs = append(pairs, k, v)
		shot.add(k)
		shot.add(v)
	}
	shot.tables[at].pairs = pairs
	shot.add(t.Metatable)
}

// addFunction looks at the variables of a function. Those of the API have none, but a function that the API has
// made for a script, as gmatch does, has some that cannot be seen.
func (shot *Snapshot) addFunction(fn *lua.LFunction) {
	if fn.IsG {
		if _, known := shot.own[fn]; !known {
			shot.opaque = true
		}
		return
	}
	for _, up := range fn.Upvalues {
		if up == nil || !shot.first(up) {
			continue
		}
		v := up.Value()
		shot.upvalues = append(shot.upvalues, upvalueShot{up, v})
		shot.add(v)
	}
}

// Same reports whether the scripts hold the same as then: no run between has left anything behind. Keys that were
// set and deleted again don't count.
func (shot *Snapshot) Same() bool {
	if shot.opaque || shot.state.broken || len(shot.state.loaded) != shot.loaded {
		return false
	}
	for i := range shot.upvalues {
		if shot.upvalues[i].upvalue.Value() != shot.upvalues[i].value {
			return false
		}
	}
	for i := range shot.tables {
		if !shot.tables[i].same() {
			return false
		}
	}
	return true
}

func (s *tableShot) same() bool {
	t := s.table.(*lua.LTable)
	if t.Metatable != s.meta {
		return false
	}
	rest := s.pairs
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if len(rest) == 0 || rest[0] != k || rest[1] != v {
			return false
		}
		rest = rest[2:]
	}
	return len(rest) == 0
}

// Reseed begins math.random anew.
func (s *State) Reseed(seed uint64) { s.seed(seed) }
