package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/module"
)

// A verdict is the Lua value of a verdict. It is immutable once built.
type verdict struct {
	v     *server.Verdict // nil while scripts load: names are resolved by Link
	draft *draft          // what was written; nil once built
	kind  server.Kind
	at    raddb.Pos

	onlyAccounting bool // record= was given
	onlyCoA        bool // error_cause= was given
	onlyAccess     bool // delay= was given
	onlyDynamic    bool // client= was given
	foreign        bool // the answer of a test's home server
}

// A draft is a verdict as it was written: options read, attributes by name.
type draft struct {
	out     server.Verdict
	message string
	vlan    lua.LValue
	items   []draftItem
}

// A draftItem gives values to one attribute: all of them, or one more.
type draftItem struct {
	name   string
	values []lua.LValue
	append bool
}

// verdictOptions gives the options of each kind.
var verdictOptions = map[server.Kind][]string{
	server.Accept:        {"message", "vlan", "next", "state", "timeout", "record", "reason"},
	server.Authenticated: {"message", "vlan", "reason"},
	server.Reject:        {"message", "delay", "error_cause", "reason"},
	server.Challenge:     {"next", "message", "state", "timeout", "echo", "reason"},
	server.Proxy:         {"realm", "pool", "strip", "client", "reason"},
	server.HandleLocally: {"strip", "reason"},
	server.Discard:       {"reason"},
	server.Drop:          {"reason"},
}

// foreignOptions are those of the answers that tests give for home servers: the rest is not on the wire.
var foreignOptions = []string{"message", "vlan", "error_cause", "reason"}

// maxStateData is how many octets state= and the name of next= may have together, so that State's 253 hold
// them beside the seal.
const maxStateData = server.StateRoom

// Defaults of how long a sealed State is good (lua-api: challenge 2m, accept 1d).
const (
	challengeTimeout = 2 * time.Minute
	acceptTimeout    = 24 * time.Hour
)

// What is said of an option where the code of the request does not have it.
const (
	onlyAccounting = "record= is for Accounting-Request only"
	onlyCoA        = "error_cause= is for CoA-Request and Disconnect-Request only"
	onlyAccess     = "delay= is for Access-Request only"
	onlyDynamic    = "client= is for the phase coa only; elsewhere realm= or pool= says where to"
	onlyUnanswered = "accept{} in post_proxy is for requests that no home server answered; after an answer return nil, reject{} or drop{}"
)

// What is said of keys of a verdict.
const (
	noNext      = "next is missing: the name of an answer handler"
	twoMessages = "both message and Reply-Message are given; write one"
)

// draftVerdict reads the table of a constructor; foreign: in a test, as the answer of a home server.
func draftVerdict(kind server.Kind, t *lua.LTable, foreign bool) (*verdict, error) {
	v := &verdict{kind: kind, foreign: foreign, draft: &draft{out: server.Verdict{Kind: kind}}}
	var err error
	each(t, func(k, item lua.LValue) bool {
		switch k := k.(type) {
		case lua.LNumber:
			err = v.draft.pair(item)
		case lua.LString:
			if isField(string(k)) {
				err = v.option(string(k), item)
			} else {
				err = v.draft.attribute(string(k), item, false)
			}
		default:
			err = fmt.Errorf("the key %v is a %s, expected an option or an attribute", k, k.Type())
		}
		return err == nil
	})
	if err == nil {
		err = v.complete()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return v, nil
}

// pair reads one item {name, value}, which keeps the order of an interleaved list.
func (d *draft) pair(item lua.LValue) error {
	t, ok := item.(*lua.LTable)
	if !ok {
		return fmt.Errorf(`got a %s as an item, expected {"Name", value}`, item.Type())
	}
	name, ok := t.RawGetInt(1).(lua.LString)
	if !ok || t.Len() != 2 {
		return fmt.Errorf(`an item has the form {"Name", value}`)
	}
	seen := slices.ContainsFunc(d.items, func(i draftItem) bool { return i.name == string(name) })
	return d.attribute(string(name), t.RawGetInt(2), seen)
}

// bare reports whether verdicts of a kind take no attributes.
func bare(k server.Kind) bool {
	return k == server.Discard || k == server.Drop || k == server.Proxy || k == server.HandleLocally
}

func noAttributes(k server.Kind, name string) string {
	text := "takes no attributes, got " + name
	if k == server.Proxy {
		text += fmt.Sprintf("; what is forwarded is changed by req[%q]", name)
	}
	return text
}

func (d *draft) attribute(name string, v lua.LValue, more bool) error {
	if bare(d.out.Kind) {
		return errors.New(noAttributes(d.out.Kind, name))
	}
	item := draftItem{name: name, values: []lua.LValue{v}, append: more}
	if list, ok := v.(*lua.LTable); ok && list.Len() > 0 {
		item.values = item.values[:0]
		for i := 1; i <= list.Len(); i++ {
			item.values = append(item.values, list.RawGetInt(i))
		}
	}
	d.items = append(d.items, item)
	return nil
}

// option reads one option; one that the kind does not have is an error.
func (v *verdict) option(name string, item lua.LValue) (err error) {
	allowed := verdictOptions[v.kind]
	if v.foreign {
		allowed = foreignOptions
	}
	if !slices.Contains(allowed, name) {
		return fmt.Errorf("no option %q%s", name, raddb.DidYouMean(name, slices.Values(allowed)))
	}
	out := &v.draft.out
	switch name {
	case "reason":
		out.Reason, err = wantText(name, item)
		out.Reason = cutReason(out.Reason)
	case "message":
		v.draft.message, err = wantText(name, item)
	case "next":
		out.Next, err = wantText(name, item)
	case "realm":
		out.Realm, err = wantName(name, item)
	case "pool":
		out.Pool, err = wantName(name, item)
	case "client":
		v.onlyDynamic = true
		out.Client, err = wantName(name, item)
	case "vlan":
		v.draft.vlan = item
	case "state":
		out.State, err = sealable(item)
	case "timeout":
		out.Timeout, err = module.Duration(name, item)
	case "delay":
		out.HasDelay, v.onlyAccess = true, true
		if item != lua.LNumber(0) {
			out.Delay, err = module.Duration(name, item)
		}
	default:
		err = v.flag(name, item)
	}
	return err
}

// maxReason bounds the octets of a reason: it stands in the log, in records, and in thousands of decisions that are kept.
const maxReason = 253

// cutReason gives the beginning of a reason that is too long.
func cutReason(text string) string {
	if len(text) <= maxReason {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:maxReason], ""))
}

// sealable gives what state= holds as octets. It looks first how many they would be: a text that stands in a thousand
// places costs its script nothing.
func sealable(v lua.LValue) ([]byte, error) {
	if err := checkPlain(v); err != nil {
		return nil, err
	}
	room := maxParked
	if !plainFits(v, &room) {
		return nil, fmt.Errorf("state has more than %d octets, %d fit beside the seal in State's 253; put the rest in kv and its key here",
			maxParked, maxStateData)
	}
	return appendPlain(nil, v), nil
}

// wantName reads a name, which an empty text is none of: it would be a realm that a script did not find.
func wantName(name string, item lua.LValue) (string, error) {
	text, err := wantText(name, item)
	if err == nil && text == "" {
		err = fmt.Errorf("%s: the name is empty", name)
	}
	return text, err
}

// flag reads an option that is true, false or a number.
func (v *verdict) flag(name string, item lua.LValue) error {
	out := &v.draft.out
	if name == "error_cause" {
		v.onlyCoA = true
		var err error
		out.ErrorCause, err = errorCause(item)
		return err
	}
	on, ok := item.(lua.LBool)
	if !ok {
		return fmt.Errorf("%s: %w", name, found(item, "true or false"))
	}
	switch name {
	case "echo":
		out.Echo = bool(on)
	case "record":
		out.NoRecord, v.onlyAccounting = !bool(on), true
	case "strip":
		out.Strip = -1
		if on {
			out.Strip = 1
		}
	}
	return nil
}

// errorCause reads a value of Error-Cause: its number, or the name that answers of NASes have.
func errorCause(item lua.LValue) (uint32, error) {
	meant := ""
	switch v := item.(type) {
	case lua.LNumber:
		if v >= 1 && v <= 999 && v == lua.LNumber(int(v)) {
			return uint32(v), nil
		}
	case lua.LString:
		var names []string
		for _, cause := range server.ErrorCauses() {
			name := server.ErrorCauseName(cause)
			if name == string(v) {
				return cause, nil
			}
			names = append(names, name)
		}
		meant = raddb.DidYouMean(string(v), slices.Values(names))
	}
	return 0, fmt.Errorf("error_cause: got %v, expected a name or number of RFC 5176 s3.5%s", item, meant)
}

// complete checks what options mean together.
func (v *verdict) complete() error {
	out := &v.draft.out
	if out.Next != "" && out.Timeout == 0 {
		out.Timeout = challengeTimeout
		if v.kind == server.Accept {
			out.Timeout = acceptTimeout
		}
	}
	if v.kind == server.Proxy {
		return whereTo(out)
	}
	switch {
	case v.kind == server.Challenge && out.Next == "" && !v.foreign:
		return errors.New(noNext)
	case out.Timeout != 0 && out.Next == "":
		return fmt.Errorf("timeout without next: no State would be sealed")
	case out.State != nil && out.Next == "":
		return fmt.Errorf("state without next: nobody would get it back")
	case len(out.State)+len(out.Next) > maxStateData:
		return fmt.Errorf("state has %d octets, %d fit beside the seal in State's 253; put the rest in kv and its key here",
			len(out.State), maxStateData-len(out.Next))
	case v.draft.message == "":
		return nil
	}
	for i := range v.draft.items {
		if v.draft.items[i].name == "Reply-Message" {
			return errors.New(twoMessages)
		}
	}
	return nil
}

// fits says why a verdict may not end a phase for this request, "" if it may.
func (v *verdict) fits(p server.Phase, r *server.Request) string {
	code := r.Packet.Code
	accounting := code == radius.CodeAccountingRequest
	dynamic := code == radius.CodeCoARequest || code == radius.CodeDisconnectRequest
	switch {
	case !places[p].verdicts.has(v.kind):
		return notAllowed(v.kind, p)
	case v.onlyAccounting && !accounting:
		return onlyAccounting
	case v.onlyCoA && !dynamic:
		return onlyCoA
	case v.onlyAccess && (accounting || dynamic):
		return onlyAccess
	case v.onlyDynamic && p != server.PhaseCoA:
		return onlyDynamic
	case p == server.PhasePostProxy && v.kind == server.Accept && answered(r):
		return onlyUnanswered
	case p == server.PhaseReply && v.kind == server.Challenge && (r.Verdict != server.Accept || r.Round != nil):
		return `challenge{} from reply turns an accept of the first round only; guard it with when={verdict="accept", method="pap"}`
	}
	return ""
}
