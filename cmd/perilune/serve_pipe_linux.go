package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// pipeRoom is how much of the log a pipe shall hold, in octets: what Linux lets everybody ask for.
const pipeRoom = 1 << 20

// unblocked gives a way to write to a pipe that holds no processor while the reader is slow: on a machine with one
// processor nothing would be answered meanwhile. It is opened anew, as to be blocking or not is also a matter of others
// who have the same end of the pipe. Any other file is given as it is, and so is a pipe that cannot be opened.
func unblocked(f *os.File) io.Writer {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return f
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return f
	}
	var own *os.File
	if e := raw.Control(func(fd uintptr) {
		if room, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0); err == nil && room < pipeRoom {
			_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeRoom) // or it stays as small as it is
		}
		own, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_WRONLY|unix.O_NONBLOCK, 0)
	}); e != nil || err != nil {
		return f
	}
	return own
}
