package raddb

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// MaxIncludes is how deep files may include one another.
const MaxIncludes = 20

// MaxFiles is how many files one file may bring in all. Without a bound twenty small ones that name each other ten
// times would be read for ever.
const MaxFiles = 10_000

// Includes keeps account of $INCLUDE: which files are being read, innermost last. The zero value is ready.
type Includes struct {
	open  []included
	count int // of all files, up to one more than MaxFiles
}

type included struct {
	path string
	at   Pos // of the $INCLUDE; File is "" for the outermost
}

// Enter begins a file. A loop, or a depth beyond MaxIncludes, is an error at the place of the $INCLUDE and
// gives false, as do more than MaxFiles; otherwise Leave must follow.
func (in *Includes) Enter(path string, at Pos, errs *List) bool {
	path = filepath.Clean(path)
	for i, o := range in.open {
		if o.path == path {
			errs.Errorf(at, "$INCLUDE loop: %s; leave one of them out", in.chain(i, path))
			return false
		}
	}
	if len(in.open) >= MaxIncludes {
		errs.Errorf(at, "$INCLUDE is more than %d files deep", MaxIncludes)
		return false
	}
	if in.count > MaxFiles {
		return false
	}
	if in.count++; in.count > MaxFiles {
		errs.Errorf(at, "more than %d files are included; what follows is not read", MaxFiles)
		return false
	}
	in.open = append(in.open, included{path, at})
	return true
}

// Leave ends the file begun last.
func (in *Includes) Leave() { in.open = in.open[:len(in.open)-1] }

func (in *Includes) chain(from int, last string) string {
	var b strings.Builder
	for _, o := range in.open[from:] {
		b.WriteString(filepath.Base(o.path) + " includes ")
	}
	return b.String() + filepath.Base(last)
}

// IncludePath resolves the name of an $INCLUDE that stands in the file from: beside that file if there is
// such a file, otherwise below the root of the tree (GNU Radius). The result is a name as ReadFile takes it.
func (t *Tree) IncludePath(name, from string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	if beside := filepath.Join(filepath.Dir(from), name); t.exists(beside) {
		return beside
	}
	return filepath.Clean(name)
}

func (t *Tree) exists(name string) bool {
	f, err := t.open(t.Path(name))
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// A Line is one line of a file, or of one that it includes.
type Line struct {
	Fields []Field // valid during the call
	File   string
}

// Pos gives the place of the i-th field.
func (l Line) Pos(i int) Pos { return Pos{l.File, l.Fields[i].Line, l.Fields[i].Col} }

// EachLine reads the file name with all that it includes and calls visit for each line of fields. What is
// wrong goes to errs, also that there is no such file.
func (t *Tree) EachLine(name string, errs *List, visit func(Line)) {
	r := lineReader{tree: t, errs: errs, visit: visit}
	r.read(filepath.Clean(name), Pos{})
}

type lineReader struct {
	tree  *Tree
	errs  *List
	visit func(Line)
	in    Includes
}

func (r *lineReader) read(name string, at Pos) {
	if !r.in.Enter(name, at, r.errs) {
		return
	}
	defer r.in.Leave()
	text, err := r.tree.ReadFile(name)
	switch {
	case err != nil && at.File == "":
		r.errs.Errorf(Pos{File: name}, "%s", unreadable("", err))
		return
	case err != nil:
		r.errs.Errorf(at, "%s", unreadable(name, err))
		return
	}
	lines := NewFields(string(text), name, r.errs)
	for f := lines.Next(); f != nil; f = lines.Next() {
		r.line(Line{f, name})
	}
}

func (r *lineReader) line(l Line) {
	first := l.Fields[0]
	if first.Quoted || !strings.EqualFold(first.Text, "$INCLUDE") {
		r.visit(l)
		return
	}
	if len(l.Fields) != 2 {
		r.errs.Errorf(l.Pos(0), "$INCLUDE with %d fields behind it; expected one, the name of a file", len(l.Fields)-1)
		return
	}
	r.read(r.tree.IncludePath(l.Fields[1].Text, l.File), l.Pos(1))
}

// unreadable says why a file could not be read, without naming it twice.
func unreadable(name string, err error) string {
	if name != "" {
		name = " " + name
	}
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no file%s", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("the file%s may not be read by this user", name)
	case errors.As(err, &pe):
		return fmt.Sprintf("the file%s cannot be read: %v", name, pe.Err)
	}
	return fmt.Sprintf("the file%s cannot be read: %v", name, err)
}
