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
	files map[string]*coveredFile
	last  *coveredFile // where the instruction before was, and its line
	line  int
}

// A coveredFile is the lines of one script that hold instructions.
type coveredFile struct{ counts map[int]int }

// NewCoverage counts the lines of some programs; others are not looked at.
func NewCoverage(programs iter.Seq[*Program]) *Coverage {
	c := &Coverage{files: map[string]*coveredFile{}}
	for p := range programs {
		f := &coveredFile{map[int]int{}}
		f.addLines(p.proto)
		c.files[p.File] = f
	}
	return c
}

// addLines notes the lines of a function and of those in it. The return that ends each of them stands in no script.
func (f *coveredFile) addLines(p *lua.FunctionProto) {
	for i := range len(p.Code) - 1 {
		if line := p.DbgSourcePositions[i]; line > 0 {
			f.counts[line] = 0
		}
	}
	for _, inner := range p.FunctionPrototypes {
		f.addLines(inner)
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
	if _, err := l.GetInfo("Sl", d, lua.LNil); err != nil {
		return
	}
	f := c.files[d.Source]
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
			var lines []CoveredLine
			counts := c.files[name].counts
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
