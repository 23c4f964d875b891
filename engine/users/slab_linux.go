package users

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mapMemory gives n zeroed octets that the garbage collector does not know. Huge pages are not asked for: with the records as
// small as they are a request gains nothing by them, and a page fault of one stalls a reload.
func mapMemory(n int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("users: %d octets of memory: %w", n, err)
	}
	return b, nil
}

// unmapMemory gives memory back in steps: one munmap of 150 MiB stalls its thread for milliseconds.
func unmapMemory(b []byte, yield func()) {
	for i := 0; i < len(b); i += freeStep {
		// An error here only means that the pages go later, with the whole.
		_ = unix.Madvise(b[i:min(i+freeStep, len(b))], unix.MADV_DONTNEED)
		if yield != nil {
			yield()
		}
	}
	_ = unix.Munmap(b) // fails only for memory that is not mapped
}
