package rewrite

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy"
	"perilune/policy/convert/output"
	shipped "perilune/raddb"
)

// known is the shipped dictionary.
var known = sync.OnceValue(func() *dictionary.Dictionary {
	var errs raddb.List
	d := dictionary.Load(raddb.OpenFS(shipped.Files), "dictionary", &errs)
	if errs.Failed() {
		panic(errs)
	}
	d.Freeze()
	return d
})

// nasTable stands for lib/nas.lua, which the conversion of naslist writes.
const nasTable = `
local nas = {}
function nas.name(address) return "name-" .. address end
function nas.short_name(address) return "short-" .. address end
function nas.full_name(address) return "full-" .. address end
return nas
`

// A harness is what both testing.T and rapid.T are.
type harness interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// A house is the policy runtime with translated functions.
type house struct {
	t    harness
	pr   *policy.Program
	dict *dictionary.Dictionary
	log  bytes.Buffer
	tree output.Tree
	rep  output.Report
}

// load writes the program's scripts, and more, to a directory and loads them as a server does.
func load(t harness, p *Program, more map[string]string) *house {
	t.Helper()
	h := &house{t: t, dict: known()}
	p.Write(&h.tree, &h.rep)
	h.tree.File("scripts/lib/nas.lua").Printf("%s", nasTable)
	for name, text := range more {
		h.tree.File(name).Printf("%s", text)
	}
	dir, err := os.MkdirTemp("", "rewrite")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range h.tree.Names() {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, h.tree.File(name).Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pr, errs := policy.Load(policy.Options{
		Tree: raddb.Open(dir), Dir: "scripts", Dictionary: h.dict,
		Log: slog.New(slog.NewTextHandler(&h.log, nil)),
	})
	t.Cleanup(pr.Close)
	t.Cleanup(pr.Close)
	errs = append(errs, pr.Link()...)
	if len(errs) > 0 { // warnings too: nobody wants them in a new tree
		t.Fatalf("%v\n%s", errs, h.text())
	}
	h.pr = pr
	return h
}

// text gives all scripts.
func (h *house) text() string {
	text := ""
	for _, name := range h.tree.Names() {
		text += "== " + name + "\n" + h.tree.File(name).String()
	}
	return text
}

// request makes an Access-Request of "Name", "value" pairs.
func (h *house) request(attrs ...string) *server.Request {
	h.t.Helper()
	r := &server.Request{
		Packet: radius.Packet{Code: radius.CodeAccessRequest, Identifier: 9}, Listener: "auth", Serial: 77, Method: "pap",
		Generation: &server.Generation{Number: 7, Dictionary: h.dict, Policy: h.pr},
		Arrival:    time.Unix(1_700_000_000, 0), Deadline: time.Now().Add(30 * time.Second),
	}
	r.Source = netip.MustParseAddrPort("192.0.2.7:4000")
	r.Client = &nas.Client{Name: "nas-1"}
	for i := 0; i < len(attrs); i += 2 {
		ref, err := h.dict.Resolve(attrs[i])
		if err != nil {
			h.t.Fatal(err)
		}
		value, err := ref.Attr.ParseText(nil, attrs[i+1])
		if err != nil {
			h.t.Fatal(err)
		}
		r.Attributes.Add(ref, value)
	}
	return r
}

// compile gives the numbers of what stands behind the = of users values. All are compiled before one is computed.
func (h *house) compile(sources ...string) (refs []int) {
	h.t.Helper()
	for _, source := range sources {
		ref, err := h.pr.Expression(source, raddb.Pos{File: "users", Line: 1})
		if err != nil {
			h.t.Fatalf("%s: %v\n%s", source, err, h.text())
		}
		refs = append(refs, ref)
	}
	return refs
}

// value computes a value for an attribute; "failed" if that ends the request.
func (h *house) value(ref int, attr string, r *server.Request) string {
	h.t.Helper()
	rn := h.pr.Acquire()
	defer h.pr.Release(rn)
	defer rn.End(r)
	a := h.dict.Attribute(attr)
	value, ok, v := rn.Evaluate(ref, r, &server.Pair{Attr: a})
	if !ok || v != nil {
		return "failed"
	}
	return string(a.AppendText(nil, value))
}

// listText gives the attributes of a request.
func listText(l *dictionary.List) string {
	var b []byte
	for i := range l.Pairs {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = l.Pairs[i].AppendText(b, false)
	}
	return string(b)
}

// parse reads one file with the shipped dictionary.
func parse(file, text string) (*Program, raddb.List) {
	return Parse([]Source{{file, []byte(text)}}, known().GNUAttribute)
}

// register makes rewrite.lua register a function by its name.
func (p *Program) register(name string) (string, error) {
	f, err := p.entry(name)
	if err != nil {
		return "", err
	}
	f.external, f.registered = true, true
	return f.lua, nil
}

// text gives rewrite.lua, for a program that no script shares.
func (p *Program) text() string {
	p.settle()
	return p.mainText(p.live())
}
