// Package rewrite translates GNU Radius's Rewrite language to Lua: functions to the scripts rewrite.lua and
// lib/rewrite.lua, `=expression` values of rules to expressions of Lua. What comes out is meant to be read and
// kept by people, so it is written as they would write it; what the language does that Lua does not (numbers
// of 32 bits, strings that count as numbers, assignments inside expressions) is spelt out only where it shows.
package rewrite
