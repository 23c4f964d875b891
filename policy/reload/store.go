package reload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/server"
)

// A Store keeps the last good generations below one directory: the content of each file once, under its
// hash, and a manifest for each generation. It holds secrets: directories are 0700, files 0600.
type Store struct {
	dir  string
	busy *server.Busy    // told while large files are hashed
	good map[string]bool // contents that this process wrote or verified
}

// ErrLocked says that another server uses the state directory.
var ErrLocked = errors.New("another server uses this state directory")

// A Manifest names what one generation was made from.
type Manifest struct {
	Number  uint64            `json:"number"`
	Hash    string            `json:"hash"`
	Time    time.Time         `json:"time"`
	Version string            `json:"version"` // of the program that wrote it
	Trigger string            `json:"trigger"`
	Root    string            `json:"root"`
	Scripts string            `json:"scripts"`
	Files   map[string]string `json:"files"` // path -> hash of the content, hex
}

// OpenStore makes the directories as needed.
func OpenStore(dir string, busy *server.Busy) (*Store, error) {
	for _, d := range []string{dir, filepath.Join(dir, "content")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
		if err := os.Chmod(d, 0o700); err != nil {
			return nil, err
		}
	}
	return &Store{dir, busy, map[string]bool{}}, nil
}

// Save keeps the generation that was made from tree, and no more than keep of them all. A file that has
// changed since it was read makes the save fail: what is kept must be what runs.
func (s *Store) Save(m Manifest, tree *raddb.Tree, keep int) error {
	m.Files = map[string]string{}
	for _, in := range tree.Inputs() {
		if !isFile(in) || in.System {
			continue
		}
		sum := hex.EncodeToString(in.Sum[:])
		if err := s.keepContent(tree, in.Path, sum); err != nil {
			return err
		}
		m.Files[in.Path] = sum
		if len(m.Files)%yieldFiles == 0 {
			s.busy.Yield()
		}
	}
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	s.busy.Yield()
	if err := writeDurably(s.manifestPath(m.Number), b); err != nil {
		return err
	}
	s.busy.Yield()
	return s.prune(keep)
}

// yieldFiles is the number of files that are looked at between two yields.
const yieldFiles = 32

// Manifests gives what is kept, newest first. A manifest that cannot be read is left out.
func (s *Store) Manifests() []Manifest {
	names, _ := filepath.Glob(filepath.Join(s.dir, "*.json"))
	var list []Manifest
	for _, n := range names {
		s.busy.Yield()
		var m Manifest
		if b, err := os.ReadFile(n); err == nil && json.Unmarshal(b, &m) == nil && m.Number > 0 {
			list = append(list, m)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Number > list[j].Number })
	return list
}

// Find gives the manifest of a generation.
func (s *Store) Find(number uint64) (Manifest, error) {
	for _, m := range s.Manifests() {
		if m.Number == number {
			return m, nil
		}
	}
	return Manifest{}, fmt.Errorf("generation %d is not kept; `perilune generations` lists those that are", number)
}

// Tree gives the files of a generation as they were. What was damaged since is an error: nothing is served
// from it.
func (s *Store) Tree(m Manifest) (*raddb.Tree, error) {
	stored := map[string]string{}
	for path, sum := range m.Files {
		if !s.sound(sum) {
			return nil, fmt.Errorf("the content that was kept of %s is missing or damaged", path)
		}
		stored[path] = s.contentPath(sum)
	}
	return raddb.OpenSnapshot(m.Root, stored), nil
}

// sound reports whether a content is there and is what its name says.
func (s *Store) sound(sum string) bool {
	if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size {
		return false // no way out of the directory
	}
	f, err := os.Open(s.contentPath(sum))
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	s.busy.Enter()
	defer s.busy.Leave()
	_, err = io.Copy(yielding{h, s.busy}, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == sum
}

func (s *Store) manifestPath(number uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%08d.json", number))
}

func (s *Store) contentPath(sum string) string { return filepath.Join(s.dir, "content", sum) }

// keepContent copies a file of the tree, unless its content is there already.
func (s *Store) keepContent(tree *raddb.Tree, path, sum string) error {
	if s.good[sum] || s.sound(sum) {
		s.good[sum] = true
		return nil
	}
	from, err := tree.OpenFile(path)
	if err != nil {
		return err
	}
	to, err := os.CreateTemp(filepath.Join(s.dir, "content"), ".new-") // mode 0600
	if err != nil {
		from.Close()
		return err
	}
	defer os.Remove(to.Name())
	defer to.Close()
	s.busy.Enter()
	_, err = io.Copy(yielding{to, s.busy}, from)
	s.busy.Leave() // what waits for the disk leaves the processor to others
	from.Close()   // the tree knows then what was read
	if err != nil {
		return err
	}
	if now := tree.Sum(path); hex.EncodeToString(now[:]) != sum {
		return fmt.Errorf("%s changed while it was kept", path)
	}
	if err := to.Sync(); err != nil {
		return err
	}
	s.good[sum] = true
	return os.Rename(to.Name(), s.contentPath(sum))
}

// prune keeps the newest manifests and the content that they name. What was left by a crash goes too.
func (s *Store) prune(keep int) error {
	list := s.Manifests()
	used := map[string]bool{}
	for i, m := range list {
		if i >= max(keep, 1) {
			if err := os.Remove(s.manifestPath(m.Number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			continue
		}
		for _, sum := range m.Files {
			used[sum] = true
		}
	}
	s.busy.Yield()
	entries, err := os.ReadDir(filepath.Join(s.dir, "content"))
	if err != nil {
		return err
	}
	s.busy.Yield()
	for _, e := range entries {
		if !used[e.Name()] {
			s.remove(s.contentPath(e.Name()))
			delete(s.good, e.Name())
		}
	}
	return nil
}

// remove deletes a file from its end on: the kernel takes milliseconds to free what it keeps in memory of a large one.
func (s *Store) remove(path string) {
	const step = 4 << 20
	if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
		for size := st.Size() - step; size > 0; size -= step {
			os.Truncate(path, size)
			s.busy.Yield()
		}
	}
	os.Remove(path)
}

// writeDurably writes a file so that after a crash it is there whole or not at all.
func writeDurably(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
