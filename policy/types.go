package policy

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/server"
	"perilune/policy/module"
)

// A TypedName is a name of scripts for WriteTypes that neither API nor package module has: those of tests.
type TypedName struct {
	Of        string // the kind of value that it belongs to, "" for a global
	Name      string // "send", "test.case"; "accept" of a value
	Signature string
	Doc       string
	Field     bool // read, not called
	Gives     string
}

// WriteTypes writes the types of scripts as the Lua language server reads them: every name of the API, with what it
// does, and the attributes of a dictionary. more are the names of tests.
func WriteTypes(w io.Writer, d *dictionary.Dictionary, more []TypedName) error {
	t := typeWriter{bufio.NewWriter(w)}
	t.line("---@meta")
	t.line("-- Types for editors, made by `perilune dict -lua-types`. Nothing runs this file.")
	t.attributes(d)
	t.request()
	t.verdicts()
	t.registration()
	t.modules(more)
	t.base()
	return t.Flush()
}

type typeWriter struct{ *bufio.Writer }

func (t typeWriter) line(format string, a ...any) {
	if len(a) > 0 {
		format = fmt.Sprintf(format, a...)
	}
	t.WriteString(format + "\n")
}

// attributes writes the lists: each attribute with the type that it is read as.
func (t typeWriter) attributes(d *dictionary.Dictionary) {
	t.line("\n---Attributes by name: `l[\"A\"]` is the first value or nil, `l[\"A\"] = v` replaces all, a list sets many, nil deletes.\n---@class AttributeList")
	for _, a := range d.Attributes() {
		if a.Type == dictionary.TypeVSA || a.Type == dictionary.TypeExtended || a.Type == dictionary.TypeLongExtended || a.Type == dictionary.TypeEVS {
			continue
		}
		t.line("---@field [%s] %s? %s", quoted(a.FullName()), typeOf(a), aboutAttribute(a))
	}
	t.line("---@field [string] any tags as \"Tunnel-Type:1\", numbers as \"Attr-26.9.1\", names that scripts declare")
	t.line("local AttributeList = {}")
	for _, e := range API() {
		if e.Of == OfAttributes {
			t.function("AttributeList:"+e.Name, e.Signature, e.Doc, listReturns[e.Name])
		}
	}
}

// listReturns and requestReturns are what methods give.
var (
	listReturns = map[string]string{
		"get": "any", "del": "integer", "has": "boolean", "count": "integer", "all": "any[]", "is": "boolean",
		"int": "integer?", "pairs": "fun(): string?, any, integer?",
	}
	requestReturns = map[string]string{"check_password": "boolean", "huntgroup": "boolean?", "group": "boolean", "octets": "integer, integer, integer"}
)

// typeOf gives the Lua type of what is read.
func typeOf(a *dictionary.Attribute) string {
	switch {
	case a.Codec != nil:
		return a.Codec.(*codec).examples[0].value.Type().String()
	case a.Type == dictionary.TypeTLV || a.Type == dictionary.TypeStruct:
		return "table"
	case numeric(a) && a.HasValues():
		return "string|integer"
	case numeric(a):
		return "integer"
	}
	return "string"
}

// aboutAttribute says on one line what an editor shows of an attribute.
func aboutAttribute(a *dictionary.Attribute) string {
	text := a.Type.String()
	if !a.Internal {
		text = strings.TrimPrefix(a.NumberName(), "Attr-") + ", " + text
	} else {
		text += ", never on the wire"
	}
	if a.Tagged {
		text += ", with a tag"
	}
	if example := CodecExample(a); example != "" {
		text += ", like " + example
	}
	var names []string
	for name := range a.ValueNames() {
		if n, _ := a.ValueNumber(name); firstName(a, n) == name {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return text
	}
	slices.SortFunc(names, func(p, q string) int {
		m, _ := a.ValueNumber(p)
		n, _ := a.ValueNumber(q)
		return int(int64(m) - int64(n))
	})
	if more := len(names) - maxShownValues; more > 0 {
		names = append(names[:maxShownValues], "…")
	}
	return text + ": " + strings.Join(names, ", ")
}

const maxShownValues = 12

func firstName(a *dictionary.Attribute, n uint64) string {
	name, _ := a.ValueName(n)
	return name
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `\"`) + `"` }

// request writes req.
func (t typeWriter) request() {
	t.line("\n---The request. It is valid until its handler returns.\n---@class Request: AttributeList")
	for _, e := range API() {
		if e.Of == OfRequest {
			_, kind, _ := strings.Cut(e.Signature, ": ")
			t.line("---@field %s %s %s", e.Name, kind, e.Doc)
		}
	}
	t.line("local Request = {}")
	for _, e := range API() {
		if e.Of == OfRequestFn {
			t.function("Request:"+e.Name, e.Signature, e.Doc, requestReturns[e.Name])
		}
	}
}

// optionTypes are the types of options of verdicts and registrations.
var optionTypes = map[string]string{
	"message": "string", "vlan": "integer|string", "next": "string", "state": "any", "timeout": "string|number",
	"record": "boolean", "delay": "string|number", "error_cause": "string|integer", "echo": "boolean", "realm": "string",
	"pool": "string", "strip": "boolean", "client": "string", "reason": "string", "name": "string", "when": "table",
	"unless": "table", "on_error": `"reject"|"drop"|"continue"`, "on_timeout": `"reject"|"drop"|"continue"`,
}

func (t typeWriter) options(class string, names []string) {
	t.line("\n---@class %s", class)
	for _, name := range names {
		t.line("---@field %s? %s", name, optionTypes[name])
	}
}

// verdicts writes the constructors, each with a class of its own, so that handlers of a phase are known by what they
// may return.
func (t typeWriter) verdicts() {
	t.line("\n---What a handler decides. It is a value: return it.\n---@class Verdict")
	for _, e := range verdictAPI() {
		class := "Verdict." + e.Name
		k, _ := verdictNamed(e.Name)
		t.options(class+".options: {[string]: any}", verdictOptions[k])
		t.line("\n---@class %s: Verdict\n", class)
		t.line("---%s\n---@param options %s.options\n---@return %s\nfunction %s(options) end", e.Doc, class, class, e.Name)
	}
}

// returnsOf gives the verdicts of a phase as a type.
func returnsOf(p server.Phase) string {
	if p == server.PhaseSession {
		return "boolean?"
	}
	var list []string
	for k := server.Accept; k <= server.Drop; k++ {
		if places[p].verdicts.has(k) {
			list = append(list, "Verdict."+k.String())
		}
	}
	if len(list) == 0 {
		return "nil"
	}
	if !places[p].must {
		list = append(list, "nil")
	}
	return strings.Join(list, "|")
}

// registration writes on, with one overload for each phase, and its like.
func (t typeWriter) registration() {
	for k := kindOn; k <= kindEvery; k++ {
		t.options("Options."+k.String(), optionNames(k))
	}
	for _, e := range registrationAPI() {
		t.line("\n---%s", e.Doc)
		switch e.Name {
		case "on":
			t.on()
			continue
		case "vendor", "attribute":
			t.line("---@param options table")
			t.line("function %s(options) end", e.Name)
			continue
		}
		fn := map[string]string{
			"huntgroup": "fun(req: Request): boolean?", "rewrite": "fun(req: Request, ...): any", "every": "fun()",
			"auth_type": "fun(req: Request): " + returnsOf(server.PhaseAuthType),
			"answer":    "fun(req: Request, text: string?): " + returnsOf(server.PhaseAnswer),
		}[e.Name]
		first, kind := "name", "string"
		if e.Name == "every" {
			first, kind = "interval", "string|number"
		}
		t.line("---@overload fun(%s: %s, fn: %s)", first, kind, fn)
		t.line("---@param %s %s\n---@param options Options.%s\n---@param fn %s\nfunction %s(%s, options, fn) end", first, kind, e.Name, fn, e.Name, first)
	}
}

func (t typeWriter) on() {
	for p := range server.Phase(numPhases) {
		if places[p].must {
			continue
		}
		arguments := "req: Request"
		switch {
		case p == server.PhaseSession:
			arguments += ", session: table"
		case !asks(p):
			arguments = ""
		}
		fn := fmt.Sprintf("fun(%s): %s", arguments, returnsOf(p))
		t.line("---@overload fun(phase: %q, fn: %s)\n---@overload fun(phase: %q, options: Options.on, fn: %s)", places[p].name, fn, places[p].name, fn)
	}
	t.line("function on(phase, options, fn) end")
}

// gives are the kinds of values that functions of modules return, where they have methods, or plain types.
var gives = map[string]string{
	"http.open": "http.client", "sql.open": "sql.db", "ldap.open": "ldap.ldap", "kv.open": "kv.table", "window.open": "window.window",
	"net.cidr": "net.cidr", "net.set": "net.set", "net.mac": "net.mac?", "re.compile": "re.re", "re.posix": "re.re",
	"metrics.counter": "metrics.counter", "metrics.gauge": "metrics.gauge", "bytes.u64": "bytes.u64",
}

// modules writes the modules, their values, and the names of tests.
func (t typeWriter) modules(more []TypedName) {
	var names []TypedName
	for _, f := range append(module.Functions(), module.SecretMethods()...) {
		n := TypedName{Gives: "any ...", Name: f.Module + "." + f.Name, Signature: f.Signature, Doc: f.Doc, Field: !strings.ContainsAny(f.Signature, "({[")}
		if kind := gives[n.Name]; kind != "" {
			n.Gives = kind
		}
		if f.Of != "" {
			n.Of, n.Name = f.Module+"."+f.Of, f.Name
		}
		if f.Waits {
			n.Doc += " Waits."
		}
		names = append(names, n)
	}
	names = append(names, more...)
	t.classes(names)
	for _, n := range names {
		switch {
		case n.Of != "" && !n.Field:
			t.function(kindName(n.Of)+":"+n.Name, n.Signature, n.Doc, n.Gives)
		case n.Of != "":
		case n.Field:
			t.line("\n---%s\n%s = nil ---@type any", n.Doc, n.Name)
		default:
			t.function(n.Name, n.Signature, n.Doc, n.Gives)
		}
	}
}

// kindName is the variable that holds the methods of a kind of value in the file.
func kindName(kind string) string { return "kind_" + strings.ReplaceAll(kind, ".", "_") }

// classes declares the tables that functions stand in, and the kinds of values that have methods.
func (t typeWriter) classes(names []TypedName) {
	fields := map[string][]TypedName{}
	tables := map[string]bool{}
	for _, n := range names {
		table, _, dotted := strings.Cut(n.Name, ".")
		switch {
		case n.Of != "":
			fields[n.Of] = append(fields[n.Of], n)
		case dotted:
			tables[table] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		t.line("\n%s = {}", name)
	}
	for _, kind := range slices.Sorted(maps.Keys(fields)) {
		class := kind
		if kind == "reply" {
			class += ": AttributeList"
		}
		t.line("\n---@class %s", class)
		for _, f := range fields[kind] {
			if f.Field {
				t.line("---@field %s any %s", f.Name, f.Doc)
			}
		}
		t.line("local %s = {}", kindName(kind))
	}
}

// base writes the globals beside.
func (t typeWriter) base() {
	t.line("\n---A secret of the configuration, while scripts load. Modules take it; s:reveal() gives its text.\n---@param name string\n---@return secret.secret\nfunction secret(name) end")
	t.line("\n---A file below the scripts directory as text, while scripts load.\n---@param name string\n---@return string\nfunction readfile(name) end")
	t.line("\nperilune = {version = \"\", api = %d}", apiVersion)
	t.line("\n---Unsigned numbers of 32 bits, as in Lua 5.2.\nbit32 = {}")
	for _, name := range []string{"band", "bor", "bxor", "bnot", "lshift", "rshift", "arshift", "lrotate", "rrotate", "btest", "extract", "replace"} {
		t.line("function bit32.%s(...) end", name)
	}
}

// function writes one function with its documentation; its parameters are those of the signature.
func (t typeWriter) function(name, signature, doc, returns string) {
	t.line("\n---`%s`\n---\n---%s", signature, doc)
	parameters := parametersOf(signature)
	var list []string
	for _, p := range parameters {
		if p == "..." {
			t.line("---@param ... any")
		} else {
			t.line("---@param %s %s", p, parameterType(strings.TrimSuffix(p, "?")))
			p = strings.TrimSuffix(p, "?")
		}
		list = append(list, p)
	}
	if returns != "" {
		t.line("---@return %s", returns)
	}
	t.line("function %s(%s) end", name, strings.Join(list, ", "))
}

// parameterTypes are the types of parameters that are the same wherever they come.
var parameterTypes = map[string]string{
	"name": "string", "i": "integer", "id": "integer|string", "tag": "integer", "text": "string", "path": "string", "key": "string",
	"fmt": "string", "query": "string", "options": "table", "rows": "table[]", "fn": "function", "duration": "string|number",
	"pattern": "string|number|boolean|table", "message": "string", "address": "string", "dn": "string", "password": "string",
}

func parameterType(name string) string {
	if t := parameterTypes[name]; t != "" {
		return t
	}
	return "any"
}

// parametersOf reads the parameters of a signature for people: "(name [, i])", "{options}", "[[…]]".
func parametersOf(signature string) (list []string) {
	signature = strings.TrimPrefix(signature, "expect(r):")
	if call, _, found := strings.Cut(signature, "){"); found { // what follows is given to what it gives
		signature = call + ")"
	}
	i := strings.IndexAny(signature, "({[")
	if i < 0 {
		return nil
	}
	if signature[i] != '(' {
		return []string{map[byte]string{'{': "options", '[': "text"}[signature[i]]}
	}
	optional := false
	for word := range strings.SplitSeq(strings.TrimSuffix(flatTables(signature[i+1:]), ")"), ",") {
		name := strings.Trim(strings.TrimSpace(word), "[] ")
		optional = optional || strings.HasPrefix(strings.TrimSpace(word), "[")
		switch {
		case name == "":
		case strings.Contains(name, "…") || strings.Contains(name, "..."):
			list = append(list, "...")
		default:
			if name, _, _ = strings.Cut(name, " "); !identifier(name) {
				name = "value"
			}
			if optional {
				name += "?"
			}
			list = append(list, reserved(name))
		}
		optional = optional || strings.HasSuffix(strings.TrimSpace(word), "[")
	}
	return list
}

// flatTables puts one word in the place of each table of a signature.
func flatTables(text string) string {
	for {
		i := strings.IndexByte(text, '{')
		j := strings.IndexByte(text, '}')
		if i < 0 || j < i {
			return text
		}
		text = text[:i] + "options" + text[j+1:]
	}
}

func reserved(name string) string {
	if strings.TrimSuffix(name, "?") == "end" {
		return strings.Replace(name, "end", "stop", 1)
	}
	return name
}
