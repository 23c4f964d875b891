package users

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"iter"
	"time"

	"perilune/engine/raddb"
)

const (
	yieldEvery = 64 // entries
	indexBatch = 32 // records that are entered together
)

// Load reads the users file name of the tree, whole: all errors and warnings are collected in errs. The
// table is to be closed even if there are errors.
func Load(tree *raddb.Tree, name string, o Options, errs *raddb.List) *Table {
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.Names == nil {
		o.Names = nobody{}
	}
	lang := language{dialect: GNU}
	if o.Dialect != Infer {
		lang = language{dialect: o.Dialect, declared: true}
	}
	before := len(*errs)
	var seen signs
	for {
		l := newLoader(tree, o, lang, errs)
		l.signs = seen
		l.include(name, raddb.Pos{}, lang)
		if !l.again {
			l.finish()
			l.tally.rest(name, errs)
			(*errs)[before:].Sort()
			return l.table
		}
		// The signs have shown another language than what was assumed: begin anew. Signs are only added,
		// so that this ends.
		l.table.Close(o.Yield)
		*errs = (*errs)[:before]
		seen = l.signs
		lang = infer(seen)
	}
}

// A loader is one attempt to read the file in a language.
type loader struct {
	compiler
	opened  raddb.Includes
	signs   signs // of all undeclared files
	again   bool  // the language turned out to be another
	root    language
	tally   tally
	windows [][]byte  // of files that were read, for the next one
	parsed  int       // entries
	strange raddb.Pos // the first entry that was read in another dialect than its file's
	rings   rings
	touched place // without a meaning: it keeps reads of memory from being left out
}

// An entering is a record on its way into the index.
type entering struct {
	place  place
	record record
	hash   uint64
}

func newLoader(tree *raddb.Tree, o Options, lang language, errs *raddb.List) *loader {
	t := &Table{location: o.Location, patterns: map[string]int{}, heads: newHeads(), order: lang.dialect,
		port: o.Dictionary.Known.NASPort, stripped: o.Dictionary.Attribute("Stripped-User-Name"), typed: o.Dictionary.Attribute("User-Password"), huntgroups: map[int]string{}}
	l := &loader{root: lang, tally: tally{seen: len(*errs)}}
	l.compiler = compiler{
		o: o, table: t, errs: errs, names: newNames(o.Dictionary, t), refs: map[string]reference{},
		tree: tree,
		memo: memo{seed: maphash.MakeSeed()},
	}
	l.names.local = o.Local
	return l
}

// include reads a file and what it includes.
func (l *loader) include(name string, at raddb.Pos, lang language) {
	path := l.tree.Path(name)
	if !l.opened.Enter(path, at, l.errs) {
		return
	}
	defer l.opened.Leave()
	f, err := l.tree.OpenFile(name)
	if err != nil {
		l.unreadable(name, at, err)
		return
	}
	defer l.leave(f)
	l.table.files = append(l.table.files, name)
	if len(l.table.files) > 0xffff {
		l.errs.Errorf(at, "more than 65535 files are included")
		return
	}
	r := fileReader{loader: l, src: f, lang: lang, id: len(l.table.files) - 1}
	r.file, r.errs, r.line = name, l.errs, 1
	r.read()
}

// leave closes a file. Of one that is read again nothing counts yet; another one counts as a whole, also where reading
// ended early.
func (l *loader) leave(f *raddb.File) {
	if l.again {
		f.Abandon()
		return
	}
	rest := l.takeWindow()
	for rest = rest[:cap(rest)]; ; l.yield() {
		if _, err := f.Read(rest); err != nil {
			break
		}
	}
	l.windows = append(l.windows, rest[:0])
	f.Close()
}

func (l *loader) unreadable(name string, at raddb.Pos, err error) {
	if at.File == "" {
		at.File = name
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	l.errs.Errorf(at, "cannot read %s: %v", name, err)
}

// stop reports whether reading on is of no use.
func (l *loader) stop() bool {
	l.tally.count(l.errs)
	return l.again || l.tally.errors > maxErrors
}

// finish makes the index and resolves what needs all entries.
func (l *loader) finish() {
	t := l.table
	if err := l.index(); err != nil {
		l.errs.Errorf(raddb.Pos{File: l.file}, "%v", err)
		return
	}
	l.resolveProfiles()
	t.indexRules(minRules, l.rings.long, l.yield)
	l.warnOrder()
	t.patterns, t.heads.common, t.heads.whole = nil, nil, nil
}

// index enters all records with a literal name, in file order.
func (l *loader) index() error {
	t := l.table
	x, err := newIndex(t.named, l.o.IgnoreCase)
	if err != nil {
		return err
	}
	t.index = x
	var batch [indexBatch]entering
	n, done := 0, 0
	for p, r := range t.records() {
		if done++; done%yieldEvery == 0 {
			l.yield()
			l.tally.count(l.errs)
		}
		if r.has(flagListed) {
			continue
		}
		batch[n] = entering{p, r, t.index.hash(r.name())}
		if n++; n == len(batch) {
			l.enter(batch[:n])
			n = 0
		}
	}
	l.enter(batch[:n])
	return nil
}

// enter puts records into the index. Their slots lie anywhere in memory: looking at all of them first lets the
// processor wait for them at the same time.
func (l *loader) enter(batch []entering) {
	t := l.table
	for i := range batch {
		_, p := t.index.slot(batch[i].hash)
		l.touched += p
	}
	for _, e := range batch {
		if last := t.enter(e.place, e.hash); last != 0 {
			l.second(t.record(last), e.record)
			l.rings.joined(last, e.place)
		}
		if e.record.has(flagAlways) && !e.record.has(flagFallThrough) {
			e.record.set(flagCloses)
		}
	}
}

// second looks at an entry whose name has one before it.
func (l *loader) second(before, r record) {
	if !before.has(flagCloses) {
		return
	}
	r.set(flagCloses)
	l.errs.Warnf(l.table.at(r), "this entry of %s is never reached; one before it always matches, without Fall-Through = Yes", r.name())
}

func (l *loader) yield() {
	if l.o.Yield != nil {
		l.o.Yield()
	}
}

// nobody has registered nothing.
type nobody struct{}

func (nobody) Huntgroup(string) (int, bool) { return 0, false }
func (nobody) Rewrite(string) (int, bool)   { return 0, false }
func (nobody) Expression(string, raddb.Pos) (int, error) {
	return 0, errors.New("computed values need a policy; there is none")
}
func (nobody) All(string) iter.Seq[string] { return func(func(string) bool) {} }
