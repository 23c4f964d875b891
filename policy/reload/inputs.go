package reload

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
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
	room []byte // a piece of a file
}

type glimpse struct {
	size         int64
	mtime, ctime int64
	inode        uint64
	sum          [sha256.Size]byte
	settled      bool // the file was older than a tick of its time stamps when it was hashed: an unseen change is impossible
}

const (
	alwaysHashed = 1 << 20         // octets; a file up to this size is read at every look
	tick         = 2 * time.Second // of time stamps in whole seconds
	fineTick     = 100 * time.Millisecond
)

// glimpseOf gives the record of a file as it was at a time, without its sum.
func glimpseOf(st fs.FileInfo, at time.Time) glimpse {
	g := glimpse{size: st.Size(), mtime: st.ModTime().UnixNano()}
	g.ctime, g.inode = identity(st)
	wait := tick
	if g.ctime%int64(time.Second) != 0 { // file systems with fractions take the kernel's clock, of 1 to 10 ms
		wait = fineTick
	}
	g.settled = at.Sub(time.Unix(0, max(g.mtime, g.ctime))) > wait
	return g
}

// same reports whether the file is the same, as far as the record tells. What was young when it was hashed may have
// changed unseen.
func (g glimpse) same(now glimpse) bool {
	return g.settled && g.size == now.size && g.mtime == now.mtime && g.ctime == now.ctime && g.inode == now.inode
}

func newEye() *eye { return &eye{map[string]glimpse{}, make([]byte, 64<<10)} }

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
	if err != nil || st.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0 {
		return [sha256.Size]byte{}
	}
	g := glimpseOf(st, time.Now())
	old, known := e.seen[path]
	if known && st.Size() > alwaysHashed && old.same(g) {
		return old.sum
	}
	f, err := os.Open(path)
	if err != nil {
		return [sha256.Size]byte{}
	}
	defer f.Close()
	h := sha256.New()
	busy.Enter()
	_, err = io.CopyBuffer(yielding{h, busy}, struct{ io.Reader }{f}, e.room) // a file alone would take room of its own
	busy.Leave()
	if err != nil {
		return [sha256.Size]byte{}
	}
	g.sum = [sha256.Size]byte(h.Sum(nil))
	e.seen[path] = g
	return g.sum
}

// note takes over what an attempt has hashed itself while it read.
func (e *eye) note(inputs []raddb.Input) {
	for _, in := range inputs {
		if in.Opened.Info == nil || !isFile(in) {
			continue
		}
		g := glimpseOf(in.Opened.Info, in.Opened.At)
		g.sum = in.Sum
		e.seen[in.Path] = g
	}
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

// fingerprintOf gives what a generation was made from, as far as it lies on disk.
func fingerprintOf(inputs []raddb.Input) fingerprint {
	f := fingerprint{}
	for _, in := range inputs {
		if !strings.HasPrefix(in.Path, "[") {
			f[in.Path] = in.Sum
		}
	}
	return f
}

// isFile tells an input that has content from values, listings and files that are not there.
func isFile(in raddb.Input) bool {
	return in.Sum != [sha256.Size]byte{} && !strings.HasPrefix(in.Path, "[") && !strings.HasSuffix(in.Path, "/")
}

// hashOf names a generation: one hash over the contents of its files, with their paths relative to the
// root, and over the values that it depends on. What merely lies beside them does not count.
func hashOf(root string, inputs []raddb.Input) string {
	h := sha256.New()
	for _, in := range inputs {
		if !isFile(in) && !strings.HasPrefix(in.Path, "[") {
			continue
		}
		path := in.Path
		if rel, err := filepath.Rel(root, path); err == nil && !strings.HasPrefix(path, "[") {
			path = rel
		}
		io.WriteString(h, path+"\x00")
		h.Write(in.Sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
