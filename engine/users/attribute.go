package users

import (
	"fmt"
	"strings"

	"perilune/engine/dictionary"
)

// A class says how an attribute is treated beyond plain comparison and reply.
type class uint8

const (
	classPlain        class = iota
	classSets               // in the check list it is an order for the server and never compared
	classUserPassword       // GNU: sets; FreeRADIUS: compared with what the user typed
	classCryptPassword
	classAuthType
	classExpiration
	classLoginTime
	classFallThrough
	classHuntgroup
	classRewrite
	classProfile
	classHint
	classPrefix
	classSuffix
	classGroup
	classUID
	classPort     // NAS-Port: ranges
	classInterval // Acct-Interim-Interval: not below a minute
	classTimeout  // Session-Timeout: 0 is doubtful
	classProgram  // Exec-Program and its like: a command
)

// sets reports whether the class is an order, so that it is never compared.
func (c class) sets() bool { return c >= classSets && c <= classLoginTime && c != classUserPassword }

// A name is an attribute name as it stands in a file, resolved.
type name struct {
	ref   dictionary.Ref
	id    uint16 // index of Table.attrs
	class class
	err   error // what is wrong with the name itself
}

func (n *name) attr() *dictionary.Attribute { return n.ref.Attr }

// classByName holds what has no field in dictionary.Known. Keys are in lower case.
var classByName = map[string]class{
	"pam-auth": classSets, "auth-data": classSets, "password-location": classSets, "log-mode-mask": classSets,
	"termination-menu": classSets, "acct-interim-interval": classInterval, "group-name": classGroup, "user-uid": classUID,
	"exec-program": classProgram, "exec-program-wait": classProgram, "auth-failure-trigger": classProgram, "acct-ext-program": classProgram,
}

// refused holds attributes that cannot be had here, and what to write for them. Keys are in lower case.
var refused = map[string]string{
	"ldap-group":             `ask the directory in a hook: huntgroup("name", fn), then Huntgroup-Name = "name"`,
	"sql-group":              `ask the database in a hook: huntgroup("name", fn), then Huntgroup-Name = "name"`,
	"autz-type":              `write an authorize hook: on("authorize", fn)`,
	"post-auth-type":         `write a reply hook: on("reply", fn)`,
	"session-type":           `write Simultaneous-Use := 1`,
	"scheme-procedure":       `write a reply hook: on("reply", fn)`,
	"scheme-acct-procedure":  `write an accounting hook: on("accounting", fn)`,
	"connect-rate":           `compare Connect-Info in a hook`,
	"add-port-to-ip-address": `write the address with a plus sign: Framed-IP-Address = 10.0.0.1+`,
	"client-shortname":       aboutPacket + "req.client.name",
	"client-ip-address":      aboutPacket + "req.client.address",
	"packet-src-ip-address":  aboutPacket + "req.src",
	"packet-src-port":        aboutPacket + "req.src_port",
	"packet-dst-ip-address":  aboutPacket + "req.listener",
	"packet-dst-port":        aboutPacket + "req.listener",
	"gnu-server-address":     localWay,
	"gnu-server-port":        localWay,
	"packet-type":            `only Access-Requests ask the users file`,
	"response-packet-type":   `write a reply hook: on("reply", {when={verdict="reject"}}, fn)`,
	"virtual-server":         `write huntgroup("name", fn), then Huntgroup-Name = "name"`,
	"current-time":           `write Login-Time := "Wk0800-1800"`,
	"time-of-day":            `write Login-Time := "Wk0800-1800"`,
}

// aboutPacket begins the way out for what is known of a packet beside its attributes.
const aboutPacket = `write huntgroup("name", fn), then Huntgroup-Name = "name", or a computed value, with `

// localWay is the way out for the attributes that Options.Local allows.
const localWay = "set local-attributes = true in [server] of config.toml"

// names resolves attribute names, each spelling once for each dialect.
type names struct {
	d     *dictionary.Dictionary
	local bool // GNU-Server-Address and GNU-Server-Port are in the request
	table *Table
	seen  [3]map[string]*name
	ids   map[*dictionary.Attribute]uint16
	known map[*dictionary.Attribute]class
}

func newNames(d *dictionary.Dictionary, t *Table) names {
	k := &d.Known
	return names{
		d: d, table: t, ids: map[*dictionary.Attribute]uint16{},
		seen: [3]map[string]*name{GNU: {}, FreeRADIUS: {}},
		known: map[*dictionary.Attribute]class{
			k.AuthType: classAuthType, k.UserPassword: classUserPassword, k.CryptPassword: classCryptPassword,
			k.CleartextPassword: classSets, k.PasswordWithHeader: classSets, k.NTPassword: classSets,
			k.SimultaneousUse: classSets, k.AcctType: classSets, k.StripUserName: classSets,
			k.ReplaceUserName: classSets, k.Menu: classSets, k.Expiration: classExpiration,
			k.LoginTime: classLoginTime, k.FallThrough: classFallThrough, k.HuntgroupName: classHuntgroup,
			k.RewriteFunction: classRewrite, k.MatchProfile: classProfile, k.Hint: classHint,
			k.Prefix: classPrefix, k.Suffix: classSuffix, k.Group: classGroup, k.NASPort: classPort,
			k.SessionTimeout: classTimeout,
		},
	}
}

// get resolves a name as a dialect spells it. It is never nil.
func (ns *names) get(text []byte, d Dialect) *name {
	if n := ns.seen[d][string(text)]; n != nil {
		return n
	}
	n := ns.resolve(string(text), d)
	ns.seen[d][string(text)] = n
	return n
}

func (ns *names) resolve(text string, d Dialect) *name {
	low := strings.ToLower(text)
	if way := refused[low]; way != "" && (way != localWay || !ns.local) {
		return &name{err: fmt.Errorf("%s cannot be had in a users file; %s", text, way)}
	}
	if d == FreeRADIUS && low == "password" {
		return &name{err: fmt.Errorf(`unknown attribute "Password" in the FreeRADIUS dialect; expected Cleartext-Password := "..."`)}
	}
	resolve := ns.d.Resolve
	if d == GNU {
		resolve = ns.d.ResolveGNU
	}
	ref, err := resolve(text)
	if err != nil {
		return &name{err: err}
	}
	id, err := ns.id(ref.Attr)
	return &name{ref: ref, id: id, class: ns.class(ref.Attr), err: err}
}

// id gives the attribute's number in the table.
func (ns *names) id(a *dictionary.Attribute) (uint16, error) {
	if id, ok := ns.ids[a]; ok {
		return id, nil
	}
	if len(ns.table.attrs) > 0xffff {
		return 0, fmt.Errorf("more than 65536 different attributes")
	}
	id := uint16(len(ns.table.attrs))
	ns.ids[a] = id
	ns.table.attrs = append(ns.table.attrs, a)
	return id, nil
}

func (ns *names) class(a *dictionary.Attribute) class {
	if c := ns.known[a]; c != classPlain {
		return c
	}
	low := strings.ToLower(a.Name)
	if c := classByName[low]; c != classPlain {
		return c
	}
	if a.Internal && (strings.HasSuffix(low, "-password") || strings.HasSuffix(low, "-password-with-header")) {
		return classSets
	}
	return classPlain
}
