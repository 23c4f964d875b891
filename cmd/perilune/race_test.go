//go:build race

package main

// raceDetector says that the tests run with it: memory and time are then not the program's.
const raceDetector = true
