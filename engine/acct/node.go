package acct

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// nodeName names this server's journal in a shared database, which remembers how much of it is applied: the name in
// the settings and a random number that lives beside the journal. A journal that begins anew, because its directory
// was lost, so is another one: its numbers begin anew as well.
func nodeName(o *StoreOptions) (string, error) {
	path := filepath.Join(o.Dir, "node")
	p := spool{path: filepath.Join(o.Dir, "spool.jsonl")}
	list, err := p.segments()
	if err != nil {
		return "", err
	}
	id, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if len(list) > 0 && len(id) > 0 {
		return o.Node + "/" + strings.TrimSpace(string(id)), nil
	}
	return newNode(o)
}

// newNode gives the journal another name.
func newNode(o *StoreOptions) (string, error) {
	text := randomName()
	if err := writeDurably(filepath.Join(o.Dir, "node"), text+"\n"); err != nil {
		return "", err
	}
	return o.Node + "/" + text, nil
}

func randomName() string {
	var random [8]byte
	rand.Read(random[:])
	return hex.EncodeToString(random[:])
}

// writeDurably puts a small file in place, whole or not at all.
func writeDurably(path, text string) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(path+".new", path); err != nil {
		return err
	}
	return disk{}.Sync(filepath.Dir(path))
}
