package nas

import (
	"net/netip"
	"strings"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// Options of LoadWith. The zero Options are right for a check.
type Options struct {
	Resolver Resolver       // of host names; nil: the system's
	Memory   Memory         // last known addresses; nil: none
	Wait     time.Duration  // for one look-up; 0: 2 s
	Location *time.Location // of dates in until=; nil: the process's zone
	Yield    func()         // called every now and then while loading; nil: never
}

// Load reads the clients file name of the tree. Errors and warnings are collected in errs.
func Load(tree *raddb.Tree, name string, errs *raddb.List) *Table {
	return LoadWith(tree, name, Options{}, errs)
}

// LoadWith is Load with options. Host names are looked up, all at once: one that does not resolve keeps its
// last known address or has none, with a warning, never an error.
func LoadWith(tree *raddb.Tree, name string, o Options, errs *raddb.List) *Table {
	l := &loader{tree: tree, o: o, errs: errs, table: &Table{}, secrets: map[string]radius.Secret{}}
	tree.EachLine(name, errs, l.line)
	l.resolve()
	l.audit()
	return l.table
}

// yieldEach is the number of lines between two calls of Options.Yield: some 20 µs.
const yieldEach = 64

type loader struct {
	tree  *raddb.Tree
	o     Options
	errs  *raddb.List
	table *Table

	slab    []Client                 // what is left of a chunk
	lines   int                      // read so far
	seen    uint32                   // options of the line, a bit for each
	secrets map[string]radius.Secret // of files, by path
	inline  []raddb.Pos              // the first secret that stands in each file itself
	waiting []named
}

// named is a line whose host name is still to be resolved.
type named struct {
	client *Client
	host   string
}

// line reads `prefix secret [name] [options]`.
func (l *loader) line(line raddb.Line) {
	if l.lines++; l.lines%yieldEach == 0 && l.o.Yield != nil {
		l.o.Yield()
	}
	f := line.Fields
	if len(f) < 2 {
		l.errs.Errorf(line.Pos(0), "client %q has no secret; expected: prefix secret [name] [options]", f[0].Text)
		return
	}
	c := l.client()
	c.At = line.Pos(0)
	c.Name = f[0].Text
	v := value{text: f[1].Text, raw: f[1].Raw, quoted: f[1].Quoted, at: line.Pos(1)}
	secret, ok := l.secret(v)
	c.Secret = secret
	rest := 2
	l.seen = 0
	if len(f) > 2 && isName(f[2]) {
		rest = 3
		c.Name = f[2].Text
		ok = l.checkName(c.Name, line.Pos(2)) && ok
	}
	for i := rest; i < len(f); i++ {
		ok = l.option(c, f[i], line.Pos(i)) && ok
	}
	ok = l.finish(c) && ok
	l.place(c, f[0].Text, ok)
}

// client gives a fresh one from a chunk, so that a hundred thousand are a hundred allocations.
func (l *loader) client() *Client {
	if len(l.slab) == 0 {
		l.slab = make([]Client, min(1024, max(16, l.lines)))
	}
	c := &l.slab[0]
	l.slab = l.slab[1:]
	return c
}

// isName tells the name from the first option: it holds no = and is not the name of an option, or is quoted.
func isName(f raddb.Field) bool {
	return f.Quoted || !strings.Contains(f.Text, "=") && lookupOption(f.Text) < 0
}

func (l *loader) checkName(name string, at raddb.Pos) bool {
	if name == "" {
		l.errs.Errorf(at, "the name of a client is empty")
		return false
	}
	for _, b := range []byte(name) {
		if b < ' ' || b == 0x7f {
			l.errs.Errorf(at, "the name of a client holds a control character")
			return false
		}
	}
	return true
}

// finish checks what depends on several options.
func (l *loader) finish(c *Client) bool {
	if !c.Until.IsZero() && c.Second.Len() == 0 {
		l.errs.Errorf(c.At, "until= without secret2=; until is the day on which the second secret ends")
		return false
	}
	if c.Second.Len() != 0 && c.Second == c.Secret {
		l.errs.Warnf(c.At, "secret2= is the same as the secret of client %q", c.Name)
	}
	return true
}

// place gives the client its prefix, or puts it off until its name is resolved. A client that is not ok is
// checked but not kept.
func (l *loader) place(c *Client, text string, ok bool) {
	if text == "DEFAULT" {
		second := l.client()
		*second = *c
		l.keep(c, netip.PrefixFrom(netip.IPv4Unspecified(), 0), ok)
		l.keep(second, netip.PrefixFrom(netip.IPv6Unspecified(), 0), ok)
		return
	}
	if IsHostName(text) {
		if ok {
			l.waiting = append(l.waiting, named{c, text})
		}
		return
	}
	p, zone, problem := parsePrefix(text)
	if problem != "" {
		l.errs.Errorf(c.At, "%s", problem)
		return
	}
	if masked := p.Masked(); masked != p {
		l.errs.Warnf(c.At, "%s has bits set behind its length; taken as %s", text, masked)
		p = masked
	}
	c.Zone = zone
	l.keep(c, p, ok)
}

func (l *loader) keep(c *Client, p netip.Prefix, ok bool) {
	c.Prefix = p
	if old := l.table.same(p, c.Zone); old != nil {
		l.errs.Errorf(c.At, "the prefix %s is declared twice: first at %s", p, old.At)
		return
	}
	if ok {
		l.table.add(c)
	}
}
