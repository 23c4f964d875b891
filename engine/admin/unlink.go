package admin

import (
	"net"
	"os"
	"path/filepath"
)

// unlinking is a listener whose socket was renamed after binding, so that it must be removed by its final
// name.
type unlinking struct {
	net.Listener
	path string
}

func (l *unlinking) Close() error {
	os.Remove(l.path)
	return l.Listener.Close()
}

func dirOf(path string) string { return filepath.Dir(path) }
