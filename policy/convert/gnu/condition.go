package gnu

import (
	"fmt"
	"slices"
	"strings"

	"perilune/policy/convert/output"
)

// skipped are the attributes that no comparison looks at: they are orders, or nothing at all.
var skipped = []string{
	"Expiration", "Login-Time", "User-Password", "Crypt-Password", "Password-Location", "Auth-Type", "Pam-Auth",
	"Simultaneous-Use", "Strip-User-Name", "Replace-User-Name", "Rewrite-Function", "Acct-Type", "Log-Mode-Mask", "Menu",
	"Termination-Menu", "Match-Profile", "Auth-Data",
}

// compared reports whether a pair of the left side is compared with the request.
func (p *pair) compared() bool { return p.dropped == "" && !slices.Contains(skipped, p.attr.Name) }

// never tells why a comparison never holds when hints and huntgroups are asked; "" if it may.
func (p *pair) never() string {
	switch p.attr.Name {
	case "Fall-Through":
		return "Fall-Through on the left side was compared like any attribute, and no request has it"
	case "Proxy-Replied":
		return `it is for answers of other servers: write on("post_proxy", fn)`
	case "Realm-Name":
		return "the realm was not known yet: compare req.realm"
	case "User-UID":
		return `the old server compared it wrongly: write req:group("name")`
	case "Scheme-Procedure", "Connect-Rate", "Add-Port-To-IP-Address":
		return "no request has it"
	}
	switch {
	case p.host:
		return fmt.Sprintf("%q is a host name, which was looked up when the file was read: write its address", p.value.text)
	case !numeric(p.attr) && !address(p.attr) && !isText(p.attr):
		return "attributes of this type were never compared"
	}
	return ""
}

// condition gives the Lua of a list of comparisons that all must hold, "" if there are none.
func condition(list []pair) string {
	var parts []string
	for i := range list {
		if p := &list[i]; p.compared() {
			parts = append(parts, p.condition())
		}
	}
	return strings.Join(parts, " and ")
}

// neverHolds tells why a list of comparisons never holds, "" if it may.
func neverHolds(list []pair) (p *pair, why string) {
	for i := range list {
		if p := &list[i]; p.compared() {
			if why := p.never(); why != "" {
				return p, why
			}
		}
	}
	return nil, ""
}

// condition gives the Lua of one comparison. What a request lacks matches nothing, != neither.
func (p *pair) condition() string {
	switch p.attr.Name {
	case "Prefix":
		return p.affix(fmt.Sprintf("req.user:sub(1, %d)", len(p.value.text)))
	case "Suffix":
		return p.affix(fmt.Sprintf("req.user:sub(-%d)", len(p.value.text)))
	case "Hint":
		return p.present(fmt.Sprintf(`req:is("Hint", %s)`, output.LuaString(output.LiteralGlob(p.value.text))))
	case "Group", "Group-Name":
		return p.asked(fmt.Sprintf("req:group(%s)", output.LuaString(p.value.text)))
	case "Huntgroup-Name":
		return p.asked(fmt.Sprintf("req:huntgroup(%s)", output.LuaString(p.value.text)))
	}
	switch {
	case p.ranges != nil:
		return p.ports()
	case numeric(p.now):
		return p.compareNumber()
	case address(p.now) && p.op.text != "=" && p.op.text != "!=":
		return p.ordered("net.aton(" + output.LuaString(p.valueText()) + ")")
	}
	return p.compareText()
}

func (p *pair) negated() bool { return p.op.text == "!=" }

// affix compares one end of the name.
func (p *pair) affix(end string) string {
	switch {
	case p.value.text == "":
		return `req:has("User-Name")`
	case p.negated():
		return fmt.Sprintf(`req:has("User-Name") and %s ~= %s`, end, output.LuaString(p.value.text))
	}
	return end + " == " + output.LuaString(p.value.text)
}

// present gives a question that counts as no for != only if the attribute is there.
func (p *pair) present(question string) string {
	if p.negated() {
		return fmt.Sprintf("%s and not %s", p.has(), question)
	}
	return question
}

func (p *pair) asked(question string) string {
	if p.negated() {
		return "not " + question
	}
	return question
}

// ports compares with ranges: being inside counts as equal, outside as less.
func (p *pair) ports() string {
	inside := fmt.Sprintf("req:is(%s, %s)", output.LuaString(p.now.FullName()), output.LuaString(strings.ReplaceAll(p.value.text, " ", "")))
	switch p.op.text {
	case "=", ">=":
		return inside
	case "<=":
		return p.has()
	case ">":
		return "false"
	}
	return fmt.Sprintf("%s and not %s", p.has(), inside)
}

func (p *pair) has() string { return fmt.Sprintf("req:has(%s)", output.LuaString(p.now.FullName())) }

func (p *pair) compareNumber() string {
	_, named := p.now.ValueName(uint64(p.num))
	switch {
	case p.op.text != "=" && p.op.text != "!=":
		return p.ordered(fmt.Sprint(p.num))
	case !named && p.now.HasValues():
		return p.equal(fmt.Sprintf("req:int(%s)", output.LuaString(p.now.FullName())), fmt.Sprint(p.num))
	}
	return p.equal(field(p.now), p.luaValue())
}

func (p *pair) equal(left, right string) string {
	if p.negated() {
		return fmt.Sprintf("%s and %s ~= %s", p.has(), left, right)
	}
	return left + " == " + right
}

// ordered compares the number behind the attribute.
func (p *pair) ordered(right string) string {
	otherwise := "0"
	switch {
	case p.op.text[0] == '<':
		otherwise = "math.huge"
	case p.op.text == ">=" && right == "0":
		return p.has()
	}
	return fmt.Sprintf("(req:int(%s) or %s) %s %s", output.LuaString(p.now.FullName()), otherwise, p.op.text, right)
}

// compareText compares texts by octets.
func (p *pair) compareText() string {
	left, right := field(p.now), p.luaValue()
	switch p.op.text {
	case "=", "!=":
		return p.equal(left, right)
	case ">":
		if left != "req.user" {
			left = "(" + left + ` or "")`
		}
		return left + " > " + right
	}
	return fmt.Sprintf("%s and %s %s %s", p.has(), left, p.op.text, right)
}
