package policy

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
)

// addDynamic appends the values that a script gives for a CoA- or Disconnect-Request. State may be among them (RFC
// 5176 s3.3).
func (rn *Runner) addDynamic(l *dictionary.List, name string, v lua.LValue) error {
	ref, err := rn.pr.names.resolve(name)
	if err != nil {
		return err
	}
	if err := serverOnly(&rn.pr.dict.Known, ref.Attr, false); err != nil {
		return err
	}
	if ref.Attr.Internal {
		return fmt.Errorf("%s is internal; it is never sent", ref.Attr.Name)
	}
	return rn.addValues(l, ref, v)
}

// described gives the session that the request at work is about, if v is req.
func (rn *Runner) described(v lua.LValue) (acct.Session, bool) {
	ud, ok := v.(*lua.LUserData)
	if !ok || rn.r == nil {
		return acct.Session{}, false
	}
	a, ok := ud.Value.(*attributes)
	if !ok || a.of == nil || !a.of.live || a.which != changeRequest {
		return acct.Session{}, false
	}
	return rn.r.Described(), true
}
