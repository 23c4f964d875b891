package program

import (
	"math"

	"golang.org/x/sys/unix"
)

// awaitExit waits until the child has ended and leaves it as it is: its number stays taken. It is false if that
// cannot be told.
func awaitExit(pid int) bool {
	for {
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != unix.EINTR {
			return err == nil
		}
	}
}

// closeOnExec keeps descriptors that the server itself has inherited from programs; those of its own are kept from
// them anyway.
func closeOnExec() { unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }
