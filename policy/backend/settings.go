package backend

import (
	"errors"

	"perilune/engine/config"
)

// Settings is the table [backend] of a configuration, where its tree is, and where a server keeps its state.
type Settings struct {
	config.Backend
	Root     string // of the tree: files are named relative to it
	StateDir string
	// File reads a file of the tree, which is an input of the generation from then on; nil: there are none.
	File func(name string) ([]byte, error)
	Run  Programs // how exec runs programs
	// Serve says that the generation is to serve: its tables are kept in files where scripts want it.
	Serve bool
	// Memory says that tables of a Redis are in memory, too, as tests have them. Scripts wait for them as for others.
	Memory bool
}

// MaxFile bounds the files with certificates and keys, in octets.
const MaxFile = 1 << 20

type fileRead struct {
	text []byte
	err  error
}

// file gives a file as it was when the generation read it first.
func (l *Lease) file(name string) ([]byte, error) {
	if l.settings.File == nil {
		return nil, errors.New("there are no files here")
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	f, known := l.files[name]
	if !known {
		f.text, f.err = l.settings.File(name)
		l.files[name] = f
	}
	return f.text, f.err
}
