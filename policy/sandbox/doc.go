// Package sandbox runs Lua 5.1 inside bounds. It compiles scripts to shared, immutable programs, checks them
// as they are loaded (unknown globals, values that hooks may not change, syntax of newer Lua), and runs
// functions in states whose steps, time, memory, strings, tables, depth and coroutines are limited.
//
// It stands on gopher-lua, whose own string library and `..` know no bounds. Both are replaced here: patterns
// by a matcher that pays for its steps, `..` by a call (see rewrite.go). The package knows nothing of RADIUS.
//
// Where it differs from Lua 5.1 on purpose: integers up to 2^53 print in full; a malformed pattern raises even if
// matching would not come by the fault; tonumber knows neither inf nor nan; __tostring must give a string; a list
// has at most 65,535 entries; yield works in a coroutine's own functions, not below pcall, a metamethod or a
// callback. Lua 5.1 shares the last one.
package sandbox
