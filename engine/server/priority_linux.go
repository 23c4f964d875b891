package server

import "golang.org/x/sys/unix"

// hashPriority is the nice value of threads that compute hashes.
const hashPriority = 10

// lowerPriority makes the calling thread nice. That it may fail costs others some latency, nothing else.
func lowerPriority() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), hashPriority) }
