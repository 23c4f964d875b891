// Package policy is the Lua runtime: it loads the scripts of a generation, registers their handlers, runs
// them for requests within bounds, and turns what they return into verdicts. It fills server.Policy and
// answers users.Names.
//
// A Program is compiled once and immutable after Link. Each desk of the server runs it in a Lua state of
// its own, so handlers share nothing but what the modules offer. What a script sees is listed once, in
// api.go.
package policy
