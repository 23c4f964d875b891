// Package server holds the sockets and the way of a request: down once, up once. It owns the interface
// Policy, which package policy fills with Lua, and is tested without it.
package server
