// Package gnu turns a raddb directory of GNU Radius into a tree of Perilune that answers the same.
//
// Convert reads every file once into a source, then each part of the source (config, dictionary, clients,
// realms, rule files ...) writes its files of the new tree and its notes of the report. What cannot be read is
// noted with its place and left out; the rest is converted all the same.
//
// Places in notes are relative to the old directory, as `users:12:3`.
package gnu
