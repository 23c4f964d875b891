// Package backend keeps what scripts ask beside RADIUS: pools of connections to HTTP servers, databases and
// directories, tables of keys, windows of counts, external programs. They outlive reloads: what two generations open
// under one name with the same settings is one thing.
package backend
