// Package sandbox runs Lua 5.1 inside bounds. It compiles scripts to shared, immutable programs, checks them
// as they are loaded (unknown globals, values that hooks may not change, syntax of newer Lua), and runs
// functions in states whose steps, time, memory, strings, tables, depth and coroutines are limited.
//
// It stands on gopher-lua, whose own string library and `..` know no bounds. Both are replaced here: patterns
// by a matcher that pays for its steps, `..` by a call (see rewrite.go). The package knows nothing of RADIUS.
package sandbox
