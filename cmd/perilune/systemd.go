package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// notifySystemd tells the service manager what has happened, if there is one (sd_notify(3)).
func notifySystemd(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' {
		path = "\x00" + path[1:]
	}
	if c, err := net.Dial("unixgram", path); err == nil {
		c.Write([]byte(state))
		c.Close()
	}
}

// notifyReloading says that a reload begins; the time stamp is what Type=notify-reload asks for.
func notifyReloading() {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) == nil {
		notifySystemd(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
	}
}

// feedWatchdog tells the service manager that the packet loops turn, as often as WatchdogSec asks.
func (d *daemon) feedWatchdog(ctx context.Context) {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return
	}
	ticker := time.NewTicker(time.Duration(usec) * time.Microsecond / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if d.live() == nil {
				notifySystemd("WATCHDOG=1")
			}
		}
	}
}
