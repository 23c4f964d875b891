package reload

import (
	"fmt"
	"time"

	"perilune/engine/raddb"
	"perilune/policy/replay"
)

// A Report tells what became of one attempt.
type Report struct {
	Trigger   string        `json:"trigger"`
	OK        bool          `json:"ok"`
	Unchanged bool          `json:"unchanged,omitempty"`
	From      uint64        `json:"from"`
	To        uint64        `json:"to"`
	Hash      string        `json:"hash,omitempty"`
	Time      time.Time     `json:"time"`
	Took      time.Duration `json:"took"`
	Tests     int           `json:"tests"`
	Changes   []string      `json:"changes,omitempty"`
	Errors    []string      `json:"errors,omitempty"`
	Warnings  []string      `json:"warnings,omitempty"`

	Shadow      *replay.Report `json:"shadow,omitempty"`      // what live requests would have got; nil: none were tried
	Unconfirmed *Unconfirmed   `json:"unconfirmed,omitempty"` // nil: it stays
}

// Status is what `perilune status` and readiness tell of generations.
type Status struct {
	Generation uint64    `json:"generation"`
	Hash       string    `json:"hash"`
	Loaded     time.Time `json:"loaded"`
	Degraded   string    `json:"degraded,omitempty"`       // why the server does not run what lies on disk
	RolledBack uint64    `json:"rolled_back_to,omitempty"` // by command; the next change of the files ends it
	Last       Report    `json:"last_reload"`
	Reloads    Attempts  `json:"reloads"`

	Unconfirmed *Unconfirmed `json:"unconfirmed,omitempty"` // nil: the active generation stays
	TakenBack   uint64       `json:"taken_back"`            // generations that nobody has confirmed in time
}

// Attempts counts reloads by what became of them.
type Attempts struct {
	OK        uint64 `json:"ok"`
	Unchanged uint64 `json:"unchanged"`
	Refused   uint64 `json:"refused"`
}

// Status tells which generation is active and how the last attempt went.
func (r *Reloader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Generations lists those that are kept, newest first.
func (r *Reloader) Generations() []Manifest {
	r.building.Lock()
	defer r.building.Unlock()
	return r.keep().Manifests()
}

// Wipe forgets all generations but the active one: their secrets leave the disk.
func (r *Reloader) Wipe() error {
	r.building.Lock()
	defer r.building.Unlock()
	if u := r.unconfirmed; u != nil {
		return fmt.Errorf("generation %d is not confirmed: what would come back must not be forgotten", u.Generation)
	}
	return r.keep().prune(1)
}

// refuse records a failure: the old generation serves on, and everybody hears of it until it is mended.
func (r *Reloader) refuse(report Report) {
	r.mu.Lock()
	r.status.Last = report
	r.status.Degraded = "the files on disk are broken and were refused"
	if r.kept != 0 {
		r.status.Degraded = fmt.Sprintf("the files on disk are broken; serving generation %d as it was kept", r.kept)
	}
	r.status.Reloads.Refused++
	r.mu.Unlock()
	for _, e := range report.Errors {
		r.log().Error(e)
	}
	for _, w := range report.Warnings {
		r.log().Warn(w)
	}
	r.log().Error("policy reload refused: the old generation serves on", "generation", report.From, "errors", len(report.Errors),
		"took", report.Took.Round(time.Millisecond), "trigger", report.Trigger)
}

// keepOut records that good files are not put in place: the old generation serves on. If it has the same files nobody needs
// to do anything.
func (r *Reloader) keepOut(report Report, same bool) {
	r.mu.Lock()
	r.status.Last = report
	if report.Shadow != nil {
		r.status.Last.Shadow = nil // status stays short
	}
	if !same {
		r.status.Degraded = "the files on disk were tried and are not put in place: " + report.Errors[0]
	}
	r.status.Reloads.Refused++
	r.mu.Unlock()
	r.log().Warn("policy reload: the files are not put in place", "generation", report.From, "why", report.Errors[0], "trigger", report.Trigger)
}

// settle records a success: whatever was wrong with the files before is mended.
func (r *Reloader) settle(report Report) {
	r.mu.Lock()
	if report.Unchanged {
		r.status.Reloads.Unchanged++
	} else {
		r.status.Reloads.OK++
		r.status.Loaded = report.Time
	}
	r.status.Generation, r.status.Hash, r.status.Last = report.To, report.Hash, report
	r.status.Last.Shadow = nil // status stays short
	if !r.keptFiles {
		r.status.Degraded, r.status.RolledBack, r.kept = "", 0, 0
	}
	r.mu.Unlock()
	select {
	case r.settled <- struct{}{}:
	default:
	}
}

func texts(errs raddb.List) []string {
	var list []string
	for _, e := range errs {
		list = append(list, e.Error())
	}
	return list
}

// apart gives the errors, and the warnings among them.
func apart(list raddb.List) (errs, warnings []string) {
	for _, e := range list {
		if e.Warning {
			warnings = append(warnings, e.Error())
		} else {
			errs = append(errs, e.Error())
		}
	}
	return errs, warnings
}
