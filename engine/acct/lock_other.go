//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package acct

import "os"

// lockFile only makes the file: there is no lock that ends with the process.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640) }
