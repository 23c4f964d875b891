//go:build unix

package replay_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"perilune/policy/replay"
)

// BenchmarkReplay replays a record of PAP, each user a chain of its own. The time of all processors together counts:
// cpu-ns/request is what one processor needs for one.
func BenchmarkReplay(b *testing.B) {
	for name, script := range map[string]string{
		"plain":  "\n",
		"script": `on("reply", {name = "mark"}, function(req) req.reply["Filter-Id"] = req.user:upper() end)`,
	} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, map[string]string{"scripts/mark.lua": script, "raddb/users": "$DIALECT freeradius\nDEFAULT Cleartext-Password := \"hello-bob\"\n  Session-Timeout = 600\n"})
			const n = 1000
			for i := range n {
				s.ask(fmt.Sprintf("User-Name=bob%d", i), "User-Password=hello-bob", "NAS-IP-Address=10.0.0.1", "NAS-Port=7", "Called-Station-Id=x", "Calling-Station-Id=y")
			}
			record := strings.Repeat(s.text(nil, false), 10)
			b.ReportAllocs()
			before := spent(b)
			for b.Loop() {
				e := replay.New(replay.Subject{Generation: s.c.Generation, Program: s.c.Program}, replay.Options{})
				if err := e.Run(replay.Read(strings.NewReader(record), "r", nil)); err != nil {
					b.Fatal(err)
				}
				if r := e.Close(); r.Same != 10*n {
					b.Fatal(written(r))
				}
			}
			each := float64(spent(b)-before) / float64(b.N) / (10 * n)
			b.ReportMetric(each, "cpu-ns/request")
			b.ReportMetric(1e9/each, "requests/s/core")
			b.ReportMetric(float64(b.N)*10*n/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// spent gives the time that all processors have given to this process.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
