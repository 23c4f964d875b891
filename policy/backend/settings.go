package backend

import "perilune/engine/config"

// Settings is the table [backend] of a configuration, where its tree is, and where a server keeps its state.
type Settings struct {
	config.Backend
	Root     string // of the tree: files are named relative to it
	StateDir string
}
