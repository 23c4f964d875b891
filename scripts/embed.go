// Package scripts carries the default hooks in the program.
package scripts

import "embed"

// Files are the default scripts directory.
//
//go:embed *.lua
var Files embed.FS
