package config

import "path/filepath"

// StateDir gives the directory of state: state.dir; else $STATE_DIRECTORY, which systemd sets; else
// /var/lib/perilune for root; else $XDG_STATE_HOME/perilune or ~/.local/state/perilune.
func (c *Config) StateDir(getenv func(string) string, uid int) string {
	switch {
	case c.State.Dir != "":
		return filepath.Clean(c.State.Dir)
	case getenv("STATE_DIRECTORY") != "":
		return getenv("STATE_DIRECTORY")
	case uid == 0:
		return "/var/lib/perilune"
	case getenv("XDG_STATE_HOME") != "":
		return filepath.Join(getenv("XDG_STATE_HOME"), "perilune")
	}
	return filepath.Join(getenv("HOME"), ".local", "state", "perilune")
}
