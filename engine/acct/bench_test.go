package acct

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkStore sends whole sessions of a Start, an Interim and a Stop, with 16 records waiting at a time, and
// some thousand sessions open at a time. It reports the processor time of the whole process.
func BenchmarkStore(b *testing.B) {
	s := openTest(b, StoreOptions{Pace: 50 * time.Millisecond})
	records := benchRecords(b.N)
	b.ReportAllocs()
	start := processorTime()
	b.ResetTimer()
	feed(b, s, records, 16)
	<-s.Settled()
	b.StopTimer()
	b.ReportMetric(float64(processorTime()-start)/float64(b.N)/1e3, "cpu-µs/op")
}

// BenchmarkPostgres does the same; the time of the database's processes is in it, those of its start too.
func BenchmarkPostgres(b *testing.B) {
	c := newCluster(b)
	c.stop()
	c.fsync = "on"
	records := benchRecords(b.N)
	start := processorTime()
	c.start()
	s := openTest(b, StoreOptions{Pace: 50 * time.Millisecond, Database: c.url()})
	b.ReportAllocs()
	b.ResetTimer()
	feed(b, s, records, 16)
	<-s.Settled()
	b.StopTimer()
	s.Close()
	c.stop()
	b.ReportMetric(float64(processorTime()-start)/float64(b.N)/1e3, "cpu-µs/op")
}

func benchRecords(n int) [][]byte {
	records := make([][]byte, 0, n+2)
	const open = 5000
	for i := 0; len(records) < n; i++ {
		at := i * 3 / 1000
		records = append(records, benchRecord(i, at, Start))
		if i >= open {
			records = append(records, benchRecord(i-open, at, Interim))
		}
		if i >= 2*open {
			records = append(records, benchRecord(i-2*open, at, Stop))
		}
	}
	return records[:n]
}

func processorTime() int64 {
	sum := int64(0)
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		syscall.Getrusage(who, &r)
		sum += r.Utime.Nano() + r.Stime.Nano()
	}
	return sum
}

// feed appends records in order with so many waiting at a time.
func feed(b testing.TB, s *Store, records [][]byte, window int) {
	var all sync.WaitGroup
	room := make(chan struct{}, window)
	done := func(err error) {
		if err != nil {
			b.Error(err)
		}
		<-room
		all.Done()
	}
	for _, r := range records {
		room <- struct{}{}
		all.Add(1)
		s.Append(r, done)
	}
	all.Wait()
}

func benchRecord(session, at int, status Status) []byte {
	octets := 0
	if status != Start {
		octets = 100000 + at
	}
	return []byte(rec(at, status, fmt.Sprintf("1 User-Name=user%d@example.net", session*7919%100003), "5 NAS-Port=17", "61 NAS-Port-Type=Ethernet",
		"40 Acct-Status-Type="+status.String(), fmt.Sprintf("44 Acct-Session-Id=5F3A21B7-%08x", session), "45 Acct-Authentic=RADIUS",
		"31 Calling-Station-Id=02-00-5E-10-20-30", "30 Called-Station-Id=02-00-5E-00-00-01:campus", "8 Framed-IP-Address=10.1.2.3",
		fmt.Sprintf("42 Acct-Input-Octets=%d", octets), fmt.Sprintf("43 Acct-Output-Octets=%d", octets), fmt.Sprintf("46 Acct-Session-Time=%d", octets/100), "41 Acct-Delay-Time=0"))
}

func BenchmarkParse(b *testing.B) {
	text := string(benchRecord(1, 1, Interim))
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var e Event
		if err := e.Parse(text); err != nil || !strings.HasPrefix(e.UserName, "user") {
			b.Fatal(err)
		}
	}
}
