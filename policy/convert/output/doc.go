// Package output holds what a conversion makes until it is written: the files of the new tree, and the report
// for the person who has asked for it. Nothing is written before all sources are read.
package output
