// Package program runs what is not part of the server: single programs with a result, programs that nobody
// waits for, and filters, which live long and answer line by line.
//
// Everything is bounded: how many run at once, how long each runs, how much it may print. No shell is involved.
// A program gets its arguments, an environment that holds PATH alone, the system's temporary directory, no
// descriptors but the three standard ones, and an account that is not root's unless that was asked for. It leads a
// process group of its own, which is killed whole when its time is up and when the program itself has ended, so
// that nothing stays behind.
package program
