// Package reload makes generations: it builds one aside from the files, runs the policy's own tests in it,
// swaps it in whole or not at all, and keeps the last good ones on disk. Editing a file, `perilune reload`
// and SIGHUP all take the same way.
package reload
