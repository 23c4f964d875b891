package acct

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkPlace is a limited login that a shared PostgreSQL is asked about, eight at a time. It reports the processor time of the
// whole process and of the database, its start included.
func BenchmarkPlace(b *testing.B) {
	c := newCluster(b)
	c.stop()
	start := processorTime()
	c.start()
	s := openTest(b, StoreOptions{Database: c.url(), Node: "a"})
	var n atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i := n.Add(1)
			claim := Claim{User: fmt.Sprint("user", i), Device: Device{Port: fmt.Sprint(i)}, Limit: 1, Now: time.Now(), Grace: time.Minute}
			if got, err := s.Place(context.Background(), claim); err != nil || !got.Granted {
				b.Error(got, err)
			}
		}
	})
	b.StopTimer()
	s.Close()
	c.stop()
	b.ReportMetric(float64(processorTime()-start)/float64(b.N)/1e3, "cpu-µs/op")
}
