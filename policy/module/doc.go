// Package module holds the libraries that scripts see beside Lua's own: log, json, bytes, net, time, re, crypto
// and dict, one file each. A table of all functions registers them and makes their documentation.
//
// Misuse (a wrong type or an impossible option) raises at the script's line. Bad data gives nil and a text. What
// is not found gives nil alone. A backend that fails raises an error of kind Backend; the same function with try_
// before its name gives nil and the text instead.
package module
