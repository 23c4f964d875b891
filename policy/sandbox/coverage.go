package sandbox

import (
	"iter"
	"maps"
	"math"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// A Coverage counts how often the lines of scripts are run, in all states that it was given to with Cover. States that
// share one must not run at the same time.
type Coverage struct {
	files     map[string][]*coveredFunction
	functions map[*lua.FunctionProto]*coveredFunction
	last      *coveredFunction // where the instruction before was, and its line
	line      int
}

// A coveredFunction is the lines of one function that hold instructions, with their counts.
type coveredFunction struct{ counts map[int]int }

// NewCoverage counts the lines of some programs; others are not looked at.
func NewCoverage(programs iter.Seq[*Program]) *Coverage {
	c := &Coverage{files: map[string][]*coveredFunction{}, functions: map[*lua.FunctionProto]*coveredFunction{}}
	for p := range programs {
		c.add(p.File, p.proto)
	}
	return c
}

// add notes the lines of a function and of those in it. The return that ends each of them stands in no script.
func (c *Coverage) add(file string, p *lua.FunctionProto) {
	f := &coveredFunction{map[int]int{}}
	for i := range len(p.Code) - 1 {
		if line := p.DbgSourcePositions[i]; line > 0 {
			f.counts[line] = 0
		}
	}
	c.functions[p] = f
	c.files[file] = append(c.files[file], f)
	for _, inner := range p.FunctionPrototypes {
		c.add(file, inner)
	}
}

// Cover counts the lines that this state runs from now on; nil ends that. It slows the state down.
func (s *State) Cover(c *Coverage) { s.cover = c }

// hit counts the line of the instruction that a thread is about to run.
func (c *Coverage) hit(l *lua.LState) {
	d, ok := l.GetStack(0)
	if !ok {
		return
	}
	v, err := l.GetInfo("lf", d, lua.LNil)
	fn, ok := v.(*lua.LFunction)
	if err != nil || !ok || fn.IsG {
		return
	}
	f := c.functions[fn.Proto]
	if f == nil || f == c.last && d.CurrentLine == c.line {
		return
	}
	c.last, c.line = f, d.CurrentLine
	if n, ok := f.counts[d.CurrentLine]; ok {
		f.counts[d.CurrentLine] = n + 1
	}
}

// A CoveredLine is a line that holds instructions, and how often it was entered.
type CoveredLine struct{ Line, Count int }

// Lines gives the lines of each script in order, scripts by their names.
func (c *Coverage) Lines() iter.Seq2[string, []CoveredLine] {
	return func(yield func(string, []CoveredLine) bool) {
		for _, name := range slices.Sorted(maps.Keys(c.files)) {
			counts := map[int]int{} // a line may belong to several functions
			for _, f := range c.files[name] {
				for line, n := range f.counts {
					counts[line] = max(counts[line], n)
				}
			}
			var lines []CoveredLine
			for _, line := range slices.Sorted(maps.Keys(counts)) {
				lines = append(lines, CoveredLine{line, counts[line]})
			}
			if !yield(name, lines) {
				return
			}
		}
	}
}

// setMark says at how many steps left the budget looks up. While lines are counted it does so at each instruction.
func (b *budget) setMark(n int) {
	b.mark = n
	if b.state.cover != nil {
		b.mark, b.seen = math.MaxInt, n
	}
}

// covered counts an instruction and reports whether that was all there is to do.
func (b *budget) covered() bool {
	c := b.state.cover
	if c == nil || b.kind != 0 {
		return false
	}
	c.hit(b.state.l.G.CurrentThread)
	return b.left > b.seen
}
