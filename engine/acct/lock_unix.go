//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package acct

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile takes a lock that ends with the process: two servers with one journal would mix their numbers.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("acct: %s is in use by another server: %w", path, err)
	}
	return f, nil
}
