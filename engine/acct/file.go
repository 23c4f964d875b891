package acct

import (
	"errors"
	"io"
	"os"
)

// A File is what a Journal needs of an open file; *os.File is one.
type File interface {
	io.Writer // at the end
	io.ReaderAt
	io.Closer
	Size() (int64, error)
	Sync() error
	Truncate(size int64) error
}

// A Directory holds the journal's files. Names are paths.
type Directory interface {
	// Open opens for reading and appending; it makes a file that does not exist, for the owner and group.
	Open(name string) (File, error)
	Exists(name string) bool
	Rename(from, to string) error
	// Sync makes names durable: new files and renames in the directory.
	Sync(dir string) error
}

// disk is the Directory of the operating system.
type disk struct{}

type diskFile struct{ *os.File }

// Size implements File.
func (f diskFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Open implements Directory.
func (disk) Open(name string) (File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

// Exists implements Directory.
func (disk) Exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// Rename implements Directory.
func (disk) Rename(from, to string) error { return os.Rename(from, to) }

// Sync implements Directory.
func (disk) Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
