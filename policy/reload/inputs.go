package reload

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/server"
)

// A fingerprint is the state on disk of the inputs of one attempt: file -> hash, directory/ -> hash of its
// listing. What is gone has the zero hash.
type fingerprint map[string][sha256.Size]byte

// An eye looks at files again and again and hashes only what may have changed: small files always, since
// time stamps lie; large ones when the kernel's record of them differs.
type eye struct {
	seen map[string]glimpse
}

type glimpse struct {
	size         int64
	mtime, ctime int64
	inode        uint64
	sum          [sha256.Size]byte
	settled      bool // the record was older than a tick when it was hashed: an unseen change is impossible
}

const (
	alwaysHashed = 1 << 20 // octets; a file up to this size is read at every look
	tick         = 2 * time.Second
)

func newEye() *eye { return &eye{map[string]glimpse{}} }

// look gives the state on disk of the same files and directories. busy is told while large files are hashed.
func (e *eye) look(at fingerprint, busy *server.Busy) fingerprint {
	now := fingerprint{}
	for path := range at {
		if dir, ok := strings.CutSuffix(path, "/"); ok {
			now[path] = listing(dir)
		} else {
			now[path] = e.hash(path, busy)
		}
	}
	return now
}

func (f fingerprint) equal(g fingerprint) bool { return maps.Equal(f, g) }

func listing(dir string) [sha256.Size]byte {
	t := raddb.Open("/")
	if _, err := t.ReadDir(dir); err != nil {
		return [sha256.Size]byte{}
	}
	return t.Inputs()[0].Sum
}

func (e *eye) hash(path string, busy *server.Busy) [sha256.Size]byte {
	st, err := os.Stat(path)
	if err != nil {
		return [sha256.Size]byte{}
	}
	g := glimpse{size: st.Size(), mtime: st.ModTime().UnixNano()}
	g.ctime, g.inode = identity(st)
	old, known := e.seen[path]
	if known && st.Size() > alwaysHashed && old.settled && old.size == g.size && old.mtime == g.mtime && old.ctime == g.ctime && old.inode == g.inode {
		return old.sum
	}
	f, err := os.Open(path)
	if err != nil {
		return [sha256.Size]byte{}
	}
	defer f.Close()
	h := sha256.New()
	busy.Enter()
	_, err = io.CopyBuffer(yielding{h, busy}, f, make([]byte, 64<<10))
	busy.Leave()
	if err != nil {
		return [sha256.Size]byte{}
	}
	g.sum = [sha256.Size]byte(h.Sum(nil))
	g.settled = time.Since(time.Unix(0, max(g.mtime, g.ctime))) > tick
	e.seen[path] = g
	return g.sum
}

// yielding lets packets through between the pieces of a large file.
type yielding struct {
	io.Writer
	busy *server.Busy
}

func (y yielding) Write(b []byte) (int, error) {
	y.busy.Yield()
	return y.Writer.Write(b)
}

// directories gives every directory in which something may happen to the inputs: those they lie in, those
// that links lead to, and those that hold the links (a release switched by a link, a ConfigMap).
func directories(root string, read fingerprint) []string {
	set := map[string]bool{filepath.Dir(root): true}
	for path := range read {
		dir, isDir := strings.CutSuffix(path, "/")
		if !isDir {
			dir = filepath.Dir(path)
			if real, err := filepath.EvalSymlinks(path); err == nil {
				set[filepath.Dir(real)] = true
			}
		}
		addLinks(set, dir)
	}
	list := make([]string, 0, len(set))
	for d := range set {
		list = append(list, d)
	}
	return list
}

func addLinks(set map[string]bool, dir string) {
	for d := dir; !set[d]; d = filepath.Dir(d) {
		if d == dir {
			set[d] = true
		}
		if st, err := os.Lstat(d); err == nil && st.Mode()&os.ModeSymlink != 0 {
			set[filepath.Dir(d)] = true
			if real, err := filepath.EvalSymlinks(d); err == nil {
				set[real] = true
			}
		}
		if d == filepath.Dir(d) {
			return
		}
	}
}

// hashOf names a generation: one hash over the paths relative to the root and the hashes of all inputs.
func hashOf(root string, inputs []raddb.Input) string {
	h := sha256.New()
	for _, in := range inputs {
		path := in.Path
		if rel, err := filepath.Rel(root, path); err == nil && !strings.HasPrefix(path, "[") {
			path = rel
		}
		io.WriteString(h, path)
		h.Write(in.Sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
