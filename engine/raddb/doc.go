// Package raddb reads the files of a raddb directory: it remembers every file read, with its hash, as the
// inputs of a generation; it splits the line-oriented ones into fields; and it is the one form of error
// that an administrator sees: file:line:col, what was found, what was expected, the nearest known name.
package raddb
