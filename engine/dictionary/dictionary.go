package dictionary

import (
	_ "embed"

	"perilune/engine/raddb"
)

// A Dictionary knows the attributes of one generation. After Freeze it may be read from any goroutine.
type Dictionary struct {
	Known Known // the attributes that native code asks for

	wire     [256]*Attribute       // of RFC 2865's space by number; never nil
	raw      [256]*Attribute       // Attr-N: octets, for what is not declared or does not fit its type
	spaces   map[uint32]*space     // the attributes of each vendor
	extended map[place]*Attribute  // those inside an Extended-Vendor-Specific attribute
	vendors  map[string]*Vendor    // by folded name
	names    map[string]*Attribute // by folded name and alias
	all      []*Attribute          // by Index
	made     madeUp                // made up by number, for what is not declared
	frozen   bool
}

// A space is the attributes of one vendor by number.
type space struct {
	vendor *Vendor
	low    [256]*Attribute
	high   map[uint32]*Attribute // numbers above 255
}

func (s *space) get(number uint32) *Attribute {
	if number < 256 {
		return s.low[number]
	}
	return s.high[number]
}

func (s *space) set(a *Attribute) {
	if a.Number < 256 {
		s.low[a.Number] = a
		return
	}
	if s.high == nil {
		s.high = map[uint32]*Attribute{}
	}
	s.high[a.Number] = a
}

//go:embed internal.dictionary
var internalDictionary string

// Load reads the dictionary file name of the tree with all that it includes, on top of the internal
// attributes that the program carries. All errors are collected in errs; the Dictionary is usable for
// further checking even if there are some.
func Load(tree *raddb.Tree, name string, errs *raddb.List) *Dictionary {
	return LoadYielding(tree, name, nil, errs)
}

// LoadYielding is Load that calls yield every 50 µs or so, so that others can run; nil: never.
func LoadYielding(tree *raddb.Tree, name string, yield func(), errs *raddb.List) *Dictionary {
	if yield == nil {
		yield = func() {}
	}
	yield()
	d := carried(errs)
	yield()
	p := parser{d: d, tree: tree, errs: errs, statements: statements(), yield: yield}
	p.include(name, raddb.Pos{File: name})
	p.resolveValues()
	return d
}

// carried gives the dictionary that every other begins with.
func carried(errs *raddb.List) *Dictionary {
	d := &Dictionary{
		spaces:   map[uint32]*space{},
		extended: map[place]*Attribute{},
		vendors:  map[string]*Vendor{},
		names:    map[string]*Attribute{},
	}
	for n := range d.raw {
		d.raw[n] = madeUpAttribute(nil, nil, uint32(n))
	}
	d.wire = d.raw
	p := parser{d: d, errs: errs, statements: statements(), yield: func() {}, carried: true}
	p.text("internal.dictionary", internalDictionary)
	p.resolveValues()
	d.Known.fill(d.all)
	return d
}

// Freeze ends the building. Nothing may be added later.
func (d *Dictionary) Freeze() {
	d.frozen = true
	for _, a := range d.all {
		if a.isBare() {
			a.bare = 1 + a.size()
		}
	}
}
