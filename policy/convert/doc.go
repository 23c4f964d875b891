// Package convert turns the directory of another server into a tree of Perilune: it tells whose the directory
// is, has it converted, and writes what came out.
package convert
