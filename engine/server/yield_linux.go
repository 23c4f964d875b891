package server

import "syscall"

// giveWay lets the kernel run other threads on this processor: a thread that a packet has woken would else wait for the
// end of this one's slice, some milliseconds. With nobody to run it is back at once.
func giveWay() { syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
