package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAccountingDiskFull bounds the files of a server by the system: nothing is answered that could not be kept,
// Status-Server is silent, and when there is room again all goes on by itself, with every record that was answered.
func TestAccountingDiskFull(t *testing.T) {
	foreignTool(t, "sqlite3")
	c := newCampaign(t, "")
	server := startCrashServer(t, c.dir, c.address)
	n := newTellingNAS(t, c.address)
	limit := func(octets uint64) {
		if err := unix.Prlimit(server.p.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: octets, Max: unix.RLIM_INFINITY}, nil); err != nil {
			without(t, "files of another process cannot be bounded: %v", err)
		}
	}
	limit(1 << 20)
	kept := 0
	for n.tell(2*time.Second, avp(40, 1), avp(44, fmt.Sprint(kept)), avp(1, "bob"), avp(77, strings.Repeat("x", 250))) {
		if kept++; kept > 20_000 {
			t.Fatal("the disk is never full")
		}
	}
	if n.status() {
		t.Error("Status-Server is answered")
	}
	limit(unix.RLIM_INFINITY)
	within(t, "answers again", func() bool { return n.tell(time.Second, avp(40, 1), avp(44, "last"), avp(1, "bob")) })
	server.p.Process.Signal(os.Interrupt)
	server.p.Wait()
	path := filepath.Join(c.dir, "state", "acct", "acct.db")
	got := sqlite3(t, path, "SELECT count(DISTINCT acctsessionid) FROM radacct")
	if got != fmt.Sprint(kept+1) && got != fmt.Sprint(kept+2) { // one more may be kept without an answer
		t.Errorf("%d were answered, %s sessions are there", kept+1, got)
	}
}
