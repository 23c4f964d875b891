package backend

import "perilune/engine/config"

// Settings is the table [backend] of a configuration, and where a server keeps its state.
type Settings struct {
	config.Backend
	StateDir string
}
