package policy

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/server"
)

// An Of says what a name of the API belongs to.
type Of uint8

// The owners of names.
const (
	OfGlobal     Of = iota // a global function
	OfRequest              // a field of req
	OfRequestFn            // a method of req alone
	OfAttributes           // a method of every attribute list
)

// An Entry is one name that scripts see: this table registers it and makes its documentation.
type Entry struct {
	Of        Of
	Group     string // the section of the documentation
	Name      string
	Signature string
	Doc       string // one line or two, for people
	Writable  bool   // a field that may be assigned

	call func(rn *Runner, l *lua.LState) int
	get  func(rn *Runner, a *attributes) lua.LValue
	set  func(rn *Runner, a *attributes, v lua.LValue) error
}

// API gives every name of lua-api's sections 2 to 5 and 9, in the order of the documentation. The modules of
// section 7 have their own table in package module.
func API() []Entry {
	var all []Entry
	for _, part := range [][]Entry{registrationAPI(), verdictAPI(), fieldAPI(), requestAPI(), attributesAPI()} {
		all = append(all, part...)
	}
	return all
}

func registrationAPI() []Entry {
	global := func(name, signature, doc string, call func(*Runner, *lua.LState) int) Entry {
		return Entry{Of: OfGlobal, Group: "Registration", Name: name, Signature: signature, Doc: doc, call: call}
	}
	return []Entry{
		global("on", "on(phase [, options], fn)", "Runs fn(req) in a phase: hints, huntgroups, route, pre_proxy, post_proxy, authorize, reply, accounting, coa, done, session, load, unload.", registering(kindOn)),
		global("huntgroup", "huntgroup(name [, options], fn)", "fn(req) answers true, false or nil: does the request come from name? Asked once a request at most.", registering(kindHuntgroup)),
		global("rewrite", "rewrite(name [, options], fn)", "fn(req, …) for Rewrite-Function of a users rule, and for `=` values.", registering(kindRewrite)),
		global("auth_type", "auth_type(name [, options], fn)", "fn(req) decides requests whose Auth-Type is name. It must return a verdict.", registering(kindAuthType)),
		global("answer", "answer(name [, options], fn)", "fn(req, text) takes the answer to challenge{next=name}. It must return a verdict.", registering(kindAnswer)),
		global("every", "every(interval [, options], fn)", "Runs fn() each interval, once for the whole server.", registering(kindEvery)),
		global("vendor", "vendor{name=, id= [, format=]}", "Declares a vendor.", declareVendor),
		global("attribute", "attribute{name= [, vendor=, id=], type= …}", "Declares an attribute; without vendor and id it is internal and never on the wire.", declareAttribute),
	}
}

func verdictAPI() []Entry {
	verdict := func(k server.Kind, options, doc string) Entry {
		return Entry{Of: OfGlobal, Group: "Verdicts", Name: k.String(), Signature: k.String() + options, Doc: doc, call: constructing(k)}
	}
	return []Entry{
		verdict(server.Accept, "{message=, vlan=, next=, state=, timeout=, record=, attributes}", "The positive answer of the request's code."),
		verdict(server.Authenticated, "{message=, vlan=, attributes}", "The identity is proved; the users file gives the rest."),
		verdict(server.Reject, "{message=, delay=, error_cause=, attributes}", "The negative answer. The reply list is emptied first."),
		verdict(server.Challenge, "{next=, message=, state=, timeout=, echo=, attributes}", "Asks the user; the answer goes to answer(next)."),
		verdict(server.Proxy, "{realm= | pool=, strip=, client=}", "Forwards the request to the home servers of a realm, or of a line of the realms file by its name. client= names a NAS, in coa only. Takes no attributes: set req[…]."),
		verdict(server.HandleLocally, "{strip=}", "No forwarding: the request is decided here, without its realm if strip or the realms file says so."),
		verdict(server.Discard, "{}", "No reply, by rule."),
		verdict(server.Drop, "{}", "No reply, because a backend or room is lacking: the NAS asks its next server."),
	}
}

func fieldAPI() []Entry {
	type getter = func(*Runner, *attributes) lua.LValue
	field := func(name, kind, doc string, get getter) Entry {
		return Entry{Of: OfRequest, Group: "Request", Name: name, Signature: "req." + name + ": " + kind, Doc: doc, get: get}
	}
	list := []Entry{
		field("user", "string", `User-Name as it stands, "" if none; assigning sets User-Name.`, getUser),
		field("received_user", "string?", "User-Name as received.", getReceivedUser),
		field("outer_user", "string?", "The outer identity of tunnelled EAP; nil as long as there is no EAP.", getNil),
		field("realm", "string?", "After the last @, lower case. Fixed once route has ended.", getRealm),
		field("stripped", "string", "The name before the realm.", getStripped),
		field("password", "string?", "The PAP password; assignable before authentication.", getPassword),
		field("method", "string?", "pap, chap, mschap, mschapv2, eap, answer, none. All but eap are verified natively.", getMethod),
		field("cert", "table?", "The client's certificate under TLS; nil as long as there is no TLS.", getNil),
		field("code", "string", "Access-Request, Accounting-Request, …", getCode),
		field("status", "string?", "The name of Acct-Status-Type.", getStatus),
		field("id", "number", "The packet's identifier.", getID),
		field("src", "string", "The source address.", getSource),
		field("src_port", "number", "The source port.", getSourcePort),
		field("listener", "string", "auth, acct, coa.", getListener),
		field("log_id", "string", "The request's id in log and trace.", getLogID),
		field("client", "table", "The client: name, address, type, vars. A copy.", getClient),
		field("nas_type", "string?", "The type of the client.", getNASType),
		field("now", "number", "Epoch seconds of receipt.", getNow),
		field("generation", "number", "The number of the generation.", getGeneration),
		field("verdict", "string?", "From reply on: accept, reject, challenge; in done also discard, drop, response.", getVerdict),
		field("reason", "string?", "From reply on: password, unknown-user, …", getReason),
		field("proxy", "table?", "What became of forwarding: realm, pool (the line of the realms file), server, attempts, took (seconds), result (accept, reject, challenge, response, timeout, dead) and reply, all that was received, read-only. nil if no home server was asked.", getProxy),
		field("state", "any", "What state= sealed; nil in a first round.", getState),
		field("ctx", "table", "Plain data for the handlers of one request.", getCtx),
		field("reply", "AttributeList", "The reply.", getReply),
		field("control", "AttributeList", "Orders: Auth-Type, passwords, Simultaneous-Use, …", getControl),
	}
	setters := map[string]func(*Runner, *attributes, lua.LValue) error{"user": setUser, "password": setPassword, "ctx": setCtx}
	for i := range list {
		list[i].set = setters[list[i].Name]
		list[i].Writable = list[i].set != nil
	}
	return list
}

func requestAPI() []Entry {
	method := func(name, arguments, doc string, call func(*Runner, *lua.LState) int) Entry {
		return Entry{Of: OfRequestFn, Group: "Request", Name: name, Signature: "req:" + name + arguments, Doc: doc, call: call}
	}
	return []Entry{
		method("check_password", "([stored])", "true if the request's PAP, CHAP or MS-CHAP credential fits stored, or the password in req.control; MS-CHAP's success and keys then join the reply. Other methods raise.", requestCheckPassword),
		method("huntgroup", "(name)", "true, false, or nil for unknown.", requestHuntgroup),
		method("group", "(name)", "true if the user is in that Unix group, by /etc/group and /etc/passwd.", requestGroup),
		method("octets", "()", "Total, in and out octets of an accounting request, with gigawords.", requestOctets),
		method("trace", "(fmt, …)", "A line for the request's trace.", requestTrace),
		method("note", "(key, value)", "Adds to the request's log line; 8 at most.", requestNote),
	}
}

func attributesAPI() []Entry {
	method := func(name, arguments, doc string, call func(*Runner, *lua.LState) int) Entry {
		return Entry{Of: OfAttributes, Group: "Attribute lists", Name: name, Signature: "l:" + name + arguments, Doc: doc, call: call}
	}
	return []Entry{
		method("get", "(name [, i])", "The i-th value (from 1); nil beyond the last.", listGet),
		method("set", "(name, value [, i])", "Sets all values, or only the i-th; one beyond the last appends.", listSet),
		method("add", "(name, value)", "Appends a value.", listAdd),
		method("del", "(name [, i])", "Deletes all values or the i-th; gives the number deleted.", listDel),
		method("merge", "{attributes}", "Merges by the additivity of each attribute, as a users rule does.", listMerge),
		method("has", "(name)", "true if there is a value.", listHas),
		method("count", "(name)", "The number of values.", listCount),
		method("all", "(name)", "A new list of all values.", listAll),
		method("is", "(name, pattern)", "true if any value fits a pattern as in when.", listIs),
		method("int", "(name [, i])", "The number behind an enumeration, address or date; nil if absent.", listInt),
		method("pairs", "()", "for name, value, tag in l:pairs(): the list as it was at the call, in order.", listPairs),
		method("vlan", "(id [, tag])", "Sets Tunnel-Type, Tunnel-Medium-Type and Tunnel-Private-Group-Id.", listVLAN),
	}
}

// objectNames gives the fields and methods of req, and those of every list.
func objectNames() (request, list map[string]Entry) {
	request, list = map[string]Entry{}, map[string]Entry{}
	for _, e := range API() {
		if e.Of != OfGlobal {
			request[e.Name] = e
		}
		if e.Of == OfAttributes {
			list[e.Name] = e
		}
	}
	return request, list
}
