package main

import (
	"path/filepath"

	"perilune/engine/admin"
	"perilune/policy/reload"
	"perilune/policy/replay"
)

// openRecord makes the recorder of requests, which the first generation may switch on.
func (d *daemon) openRecord() error {
	key, err := replay.OpenKey(stateKey(d.first))
	if err != nil {
		return err
	}
	d.requests = replay.NewRecorder(d.core, d.log, key)
	d.closers = append(d.closers, d.requests.Close)
	return nil
}

// stateKey gives the path of the key that seals State.
func stateKey(c *reload.Candidate) string {
	if path := c.KeyFile(); path != "" {
		return path
	}
	return filepath.Join(c.StateDir, "state.key")
}

// recordOf gives what a generation says of the record.
func recordOf(c *reload.Candidate) replay.RecorderSettings {
	r := c.Config.Record
	s := replay.RecorderSettings{File: r.File, Size: int64(r.Size), Keep: r.Keep, Sample: r.Sample, Answers: r.Answers}
	if s.File != "" && !filepath.IsAbs(s.File) {
		s.File = filepath.Join(c.StateDir, s.File)
	}
	return s
}

// recordMetrics gives how many requests were recorded.
func (d *daemon) recordMetrics(yield func(admin.Sample)) {
	written, lost, failed := d.requests.Counters()
	for _, n := range []struct {
		result string
		count  uint64
	}{{"written", written}, {"lost", lost}, {"failed", failed}} {
		yield(admin.Sample{Name: "perilune_recorded_requests_total", Help: "Requests for the record, by what became of them: written, lost for want of room, failed to be written.",
			Labels: []string{"result", n.result}, Value: float64(n.count)})
	}
}

// recordStatus is what status shows of the record; nil where there is none.
type recordStatus struct {
	File    string `json:"file"`
	Written uint64 `json:"written"`
	Lost    uint64 `json:"lost"`
	Failed  uint64 `json:"failed"`
}

func (d *daemon) recordStatus() *recordStatus {
	s := &recordStatus{File: d.requests.File()}
	s.Written, s.Lost, s.Failed = d.requests.Counters()
	if s.File == "" {
		return nil
	}
	return s
}
