//go:build !linux

package main

import (
	"io"
	"os"
)

// unblocked gives the file as it is.
func unblocked(f *os.File) io.Writer { return f }
