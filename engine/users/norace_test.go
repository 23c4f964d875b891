//go:build !race

package users

// raceDetector makes pools forget at random: allocations are not counted then.
const raceDetector = false
