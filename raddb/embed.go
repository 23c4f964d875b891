// Package raddb carries the default configuration in the program.
package raddb

import "embed"

// Files are the default raddb directory.
//
//go:embed access.deny clients config.toml dictionary* radius.conf realms users
var Files embed.FS
