package raddb

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path/filepath"
	"sort"
	"sync"
	"time"
)

// A Tree is a directory of configuration together with the memory of what was read from it: the inputs of
// a generation. It may be used from several goroutines.
type Tree struct {
	Root string // absolute or as given; names are relative to it

	mu     sync.Mutex // protects inputs, opened, system and torn
	inputs map[string][sha256.Size]byte
	opened map[string]Opened
	system map[string]bool // inputs that ReadSystemFile read
	torn   bool

	from source // the disk, a snapshot, or files that the program carries
}

// An Input is one thing a generation was made from: a file by its path, or a value by a name in brackets.
type Input struct {
	Path   string
	Sum    [sha256.Size]byte
	System bool // a file of the system: it is read where it lies, and no copy is kept of it
	Opened Opened
}

// An Opened is what a file that was read in passing looked like before it was read, so that nobody needs to read it
// again to see that it is still the same.
type Opened struct {
	Info fs.FileInfo // nil: it was read otherwise
	At   time.Time
}

// Open gives the tree below root. Nothing is read yet.
func Open(root string) *Tree {
	return &Tree{Root: root, inputs: map[string][sha256.Size]byte{}, from: disk{}}
}

// Path resolves a name as it stands in a file: relative to the root unless absolute.
func (t *Tree) Path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(t.Root, name)
}

// ReadFile reads a whole file and remembers it.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, err := t.open(t.Path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.remember(t.Path(name), [sha256.Size]byte{})
		return nil, err
	}
	t.remember(t.Path(name), sha256.Sum256(b))
	return b, nil
}

// ReadFileUpTo is ReadFile for a file that is a regular one of at most limit octets; what is not is an error
// without being read.
func (t *Tree) ReadFileUpTo(name string, limit int64) ([]byte, error) {
	f, err := t.open(t.Path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
	case !st.Mode().IsRegular():
		err = &fs.PathError{Op: "read", Path: t.Path(name), Err: errors.New("is no regular file")}
	case st.Size() > limit:
		err = &fs.PathError{Op: "read", Path: t.Path(name), Err: fmt.Errorf("has %d octets; expected at most %d", st.Size(), limit)}
	default:
		return t.ReadFile(name)
	}
	t.remember(t.Path(name), [sha256.Size]byte{})
	return nil, err
}

// ReadSystemFile reads a file of the system that holds more than a configuration (passwords of accounts): always
// from the disk, also for a snapshot, so that what has changed there since holds. It is an input, of which no copy
// is to be kept.
func (t *Tree) ReadSystemFile(path string) ([]byte, error) {
	live := &Tree{Root: t.Root, inputs: map[string][sha256.Size]byte{}, from: disk{}}
	b, err := live.ReadFile(path)
	path = t.Path(path)
	t.mu.Lock()
	if t.system == nil {
		t.system = map[string]bool{}
	}
	t.system[path] = true
	t.mu.Unlock()
	t.remember(path, live.inputs[path])
	return b, err
}

// open remembers also what cannot be had, under the zero sum: that the file appears is a change.
func (t *Tree) open(path string) (fs.File, error) {
	f, err := t.from.open(path)
	if err != nil {
		t.remember(path, [sha256.Size]byte{})
	}
	return f, err
}

// Absent reports that a file does not exist, and remembers that.
func (t *Tree) Absent(name string) bool {
	f, err := t.open(t.Path(name))
	if err == nil {
		f.Close()
	}
	return errors.Is(err, fs.ErrNotExist)
}

// OpenFile opens a file for reading in passing (large users files). Close reads what is left of it, and
// remembers it.
func (t *Tree) OpenFile(name string) (*File, error) {
	path := t.Path(name)
	f, err := t.open(path)
	if err != nil {
		return nil, err
	}
	h := &File{file: f, path: path, sum: sha256.New(), tree: t}
	h.opened.At = time.Now()
	h.opened.Info, _ = f.Stat()
	return h, nil
}

// Remember adds an input that is no file: a resolved address, an environment value.
func (t *Tree) Remember(name string, value []byte) {
	t.remember("["+name+"]", sha256.Sum256(value))
}

func (t *Tree) remember(path string, sum [sha256.Size]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old, known := t.inputs[path]; known && old != sum {
		t.torn = true
	}
	t.inputs[path] = sum
}

// Torn reports that something was read twice and had changed between: what was made from it is mixed.
func (t *Tree) Torn() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.torn
}

// Sum gives what was last read of a file, by its path; zero if that was nothing.
func (t *Tree) Sum(path string) [sha256.Size]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inputs[path]
}

// Inputs gives all that was read so far, ordered by path.
func (t *Tree) Inputs() []Input {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Input, 0, len(t.inputs))
	for p, s := range t.inputs {
		list = append(list, Input{Path: p, Sum: s, System: t.system[p], Opened: t.opened[p]})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Path < list[j].Path })
	return list
}

// noteOpened keeps what a file looked like before it was read in passing, the last time.
func (t *Tree) noteOpened(path string, o Opened) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opened == nil {
		t.opened = map[string]Opened{}
	}
	t.opened[path] = o
}

// A File is read in passing. It serves one goroutine at a time.
type File struct {
	file   fs.File
	path   string
	sum    hash.Hash
	opened Opened
	tree   *Tree
}

// Read implements io.Reader.
func (f *File) Read(b []byte) (int, error) {
	n, err := f.file.Read(b)
	f.sum.Write(b[:n])
	return n, err
}

// Close reads what is left, which of a large file takes long, and remembers the whole.
func (f *File) Close() error {
	sum := [sha256.Size]byte{}
	if _, err := io.Copy(f.sum, f.file); err == nil {
		sum = [sha256.Size]byte(f.sum.Sum(nil))
		f.tree.noteOpened(f.path, f.opened)
	}
	f.tree.remember(f.path, sum)
	return f.file.Close()
}

// Abandon closes a file of which nothing was used: it is not remembered. Whoever reads it from its beginning later
// has that remembered.
func (f *File) Abandon() error { return f.file.Close() }
