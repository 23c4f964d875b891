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
	"strings"
	"time"

	"perilune/engine/raddb"
)

// A Store keeps the last good generations below one directory: the content of each file once, under its
// hash, and a manifest for each generation. It holds secrets: directories are 0700, files 0600.
type Store struct {
	dir  string
	keep int // manifests
}

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

// OpenStore makes the directories as needed and keeps at most keep generations.
func OpenStore(dir string, keep int) (*Store, error) {
	for _, d := range []string{dir, filepath.Join(dir, "content")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
		if err := os.Chmod(d, 0o700); err != nil {
			return nil, err
		}
	}
	return &Store{dir, max(keep, 1)}, nil
}

// Save keeps a generation. A file that has changed since it was read makes the save fail: what is kept
// must be what runs.
func (s *Store) Save(m Manifest, inputs []raddb.Input) error {
	m.Files = map[string]string{}
	for _, in := range inputs {
		absent := in.Sum == [sha256.Size]byte{}
		if absent || strings.HasPrefix(in.Path, "[") || strings.HasSuffix(in.Path, "/") {
			continue
		}
		sum := hex.EncodeToString(in.Sum[:])
		if err := s.keepContent(in.Path, sum); err != nil {
			return err
		}
		m.Files[in.Path] = sum
	}
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	if err := writeDurably(s.manifestPath(m.Number), b); err != nil {
		return err
	}
	return s.prune()
}

// Copy keeps a generation that was read from another's snapshot under a new number.
func (s *Store) Copy(m Manifest) error {
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return writeDurably(s.manifestPath(m.Number), b)
}

// Manifests gives what is kept, newest first. A manifest that cannot be read is left out.
func (s *Store) Manifests() []Manifest {
	names, _ := filepath.Glob(filepath.Join(s.dir, "*.json"))
	var list []Manifest
	for _, n := range names {
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

// Tree gives the files of a generation as they were.
func (s *Store) Tree(m Manifest) *raddb.Tree {
	stored := map[string]string{}
	for path, sum := range m.Files {
		stored[path] = s.contentPath(sum)
	}
	return raddb.OpenSnapshot(m.Root, stored)
}

func (s *Store) manifestPath(number uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%08d.json", number))
}

func (s *Store) contentPath(sum string) string { return filepath.Join(s.dir, "content", sum) }

func (s *Store) keepContent(path, sum string) error {
	if _, err := os.Stat(s.contentPath(sum)); err == nil {
		return nil
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(filepath.Join(s.dir, "content"), ".new-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	defer to.Close()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, h), from); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != sum {
		return fmt.Errorf("%s changed while it was kept", path)
	}
	if err := to.Sync(); err != nil {
		return err
	}
	return os.Rename(to.Name(), s.contentPath(sum))
}

// prune drops the oldest manifests and the content that none names any more.
func (s *Store) prune() error {
	list := s.Manifests()
	used := map[string]bool{}
	for i, m := range list {
		if i >= s.keep {
			if err := os.Remove(s.manifestPath(m.Number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			continue
		}
		for _, sum := range m.Files {
			used[sum] = true
		}
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, "content"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !used[e.Name()] && !strings.HasPrefix(e.Name(), ".") {
			os.Remove(s.contentPath(e.Name()))
		}
	}
	return nil
}

// Wipe removes everything that is kept.
func (s *Store) Wipe() error { return os.RemoveAll(s.dir) }

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
