package module

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/acct"
)

// Session gives a session as scripts see it: a new table, theirs to change. Texts that the NAS has not told are
// nil. unique names the session for the functions that take one.
func Session(l *lua.LState, s *acct.Session) *lua.LTable {
	t := l.CreateTable(0, 16)
	for _, f := range [...]struct{ name, value string }{
		{"user", s.User}, {"realm", s.Realm}, {"nas", nasName(s)}, {"nas_address", s.NASAddress}, {"nas_port", s.Port},
		{"id", s.SessionID}, {"calling", s.CallingStationID}, {"called", s.CalledStationID},
		{"framed_address", framedAddress(s)}, {"unique", s.Unique()}, {"client", s.Client},
	} {
		if f.value != "" {
			t.RawSetString(f.name, lua.LString(f.value))
		}
	}
	for _, f := range [...]struct {
		name  string
		value float64
	}{
		{"started", float64(s.Begin)}, {"updated", float64(s.Updated)}, {"seconds", float64(s.Seconds)},
		{"input", float64(s.Input)}, {"output", float64(s.Output)},
	} {
		t.RawSetString(f.name, lua.LNumber(f.value))
	}
	return t
}

// nasName is what people call the NAS: as it names itself, else the client's name.
func nasName(s *acct.Session) string {
	if s.NASIdentifier != "" {
		return s.NASIdentifier
	}
	return s.Client
}

func framedAddress(s *acct.Session) string {
	if s.FramedAddress != "" {
		return s.FramedAddress
	}
	return s.FramedIPv6Address
}
