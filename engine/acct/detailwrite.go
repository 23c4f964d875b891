package acct

import "time"

// Quick reports that Write does not wait for the disk, as far as one can tell: nobody asks for an fsync, and the last
// groups were taken at once.
func (d *Detail) Quick() bool {
	if d.o.Sync {
		return false
	}
	until := d.slow.Load()
	return until == 0 || time.Now().UnixNano() > until
}

// What is slow, and for how long Quick says so afterwards: as many times as long as the write was, so that who calls Write
// only then spends a small part of its time waiting, and at least for a while if a file cannot be written.
const (
	slowWrite   = 5 * time.Millisecond
	slowPauses  = 16
	brokenPause = time.Second
)

// Write adds records to their files as Append does, but on the caller's goroutine: they are written when it returns, or
// their Err says why not. Records for one file are one write.
func (d *Detail) Write(group []DetailRecord) {
	began := time.Now()
	var pause time.Duration
	if d.writeNow(group) {
		pause = brokenPause
	}
	end := time.Now()
	if took := end.Sub(began); took > slowWrite {
		pause = max(pause, slowPauses*took)
	}
	if pause > 0 {
		d.slow.Store(end.Add(pause).UnixNano())
	}
}

func (d *Detail) writeNow(group []DetailRecord) (broken bool) {
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	d.writing.Lock()
	defer d.writing.Unlock()
	now := d.o.Now()
	var f *detailFile
	for i := range group {
		e := &group[i]
		e.Name, e.Err = detailName(e.Name)
		if closed {
			e.Err = ErrClosed
		}
		if e.Err == nil {
			f = d.put(f, e.Name, e.Record, now)
		}
	}
	errs := d.commit()
	for i := range group {
		if e := &group[i]; e.Err == nil {
			e.Err = errs[e.Name]
		}
	}
	return len(errs) > 0
}
