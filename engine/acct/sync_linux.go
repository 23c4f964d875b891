package acct

import (
	"os"
	"syscall"
)

// syncData makes the content of a file durable, and of its metadata what is needed to read it.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
