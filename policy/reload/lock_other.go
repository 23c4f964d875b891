//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package reload

import (
	"fmt"
	"os"
)

// lockDirectory makes a state directory. This system has no lock that ends with its process, so the ports
// alone keep a second server away.
func lockDirectory(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the state directory cannot be used: %w", err)
	}
	return func() {}, nil
}
