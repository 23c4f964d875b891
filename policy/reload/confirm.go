package reload

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// An Unconfirmed is a generation that is taken back unless somebody confirms it. It lies in the state directory too,
// so that a server that ends meanwhile starts with the generation before.
type Unconfirmed struct {
	Generation uint64    `json:"generation"`
	Hash       string    `json:"hash"`
	Back       uint64    `json:"back_to"` // the last one that counts as confirmed
	Until      time.Time `json:"until"`
	Over       bool      `json:"over,omitempty"` // it was taken back: a start does not serve its files again
}

// ErrConfirmed says that there is nothing to confirm.
var ErrConfirmed = errors.New("no generation waits to be confirmed")

func (s *Store) unconfirmedPath() string {
	return filepath.Join(filepath.Dir(s.dir), "unconfirmed.json")
}

// SaveUnconfirmed keeps what must be confirmed; nil removes it.
func (s *Store) SaveUnconfirmed(u *Unconfirmed) error {
	if u == nil {
		err := os.Remove(s.unconfirmedPath())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	b, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return writeDurably(s.unconfirmedPath(), b)
}

// Unconfirmed gives what must be confirmed; nil if nothing must. A file that cannot be read counts as none.
func (s *Store) Unconfirmed() *Unconfirmed {
	var u Unconfirmed
	b, err := os.ReadFile(s.unconfirmedPath())
	if err != nil || json.Unmarshal(b, &u) != nil || u.Back == 0 {
		return nil
	}
	return &u
}

// Confirm makes the active generation one that stays.
func (r *Reloader) Confirm(who string) (Unconfirmed, error) {
	r.building.Lock()
	defer r.building.Unlock()
	u := r.unconfirmed
	if u == nil {
		return Unconfirmed{}, ErrConfirmed
	}
	r.expect(nil)
	r.log().Info("the generation is confirmed", "generation", u.Generation, "by", who)
	return *u, nil
}

// expect replaces what must be confirmed, in memory and on disk; nil: nothing.
func (r *Reloader) expect(u *Unconfirmed) {
	if r.patience != nil {
		r.patience.Stop()
		r.patience = nil
	}
	r.unconfirmed = u
	if err := r.store.SaveUnconfirmed(u); err != nil {
		r.log().Error("what must be confirmed could not be kept on disk", "error", err)
	}
	r.mu.Lock()
	r.status.Unconfirmed = u
	r.mu.Unlock()
	if u != nil {
		r.patience = time.AfterFunc(time.Until(u.Until), func() { r.expire(u) })
	}
}

// await notes, before the swap, that c must be confirmed. A generation that follows one that waits to be confirmed
// waits as long, and what would come back stays the same.
func (r *Reloader) await(c *Candidate) {
	was := r.unconfirmed
	switch {
	case r.confirm > 0 && was != nil:
		r.expect(&Unconfirmed{Generation: c.Number, Hash: c.Hash, Back: was.Back, Until: time.Now().Add(r.confirm)})
	case r.confirm > 0 && r.active != nil:
		r.expect(&Unconfirmed{Generation: c.Number, Hash: c.Hash, Back: r.active.Number, Until: time.Now().Add(r.confirm)})
	case was != nil:
		r.expect(&Unconfirmed{Generation: c.Number, Hash: c.Hash, Back: was.Back, Until: was.Until})
	default:
		r.store.SaveUnconfirmed(nil) // of files that were taken back before
	}
}

// expire takes back what nobody has confirmed in time.
func (r *Reloader) expire(u *Unconfirmed) {
	r.building.Lock()
	defer r.building.Unlock()
	if r.unconfirmed != u || r.closed() {
		return
	}
	r.log().Error("the generation was not confirmed in time and is taken back", "generation", u.Generation, "back_to", u.Back)
	if _, err := r.rollback(u.Back, "not confirmed in time"); err != nil {
		r.log().Error("the generation before cannot be put in place again", "generation", u.Back, "error", err)
		r.expect(nil)
		return
	}
	r.takenBack(u)
	r.mu.Lock()
	r.status.TakenBack++
	r.mu.Unlock()
}

// startBefore starts with the generation before where c, the files on disk, was not confirmed before the server ended.
// nil: c it is.
func (r *Reloader) startBefore(c *Candidate, began time.Time) *Candidate {
	u := r.store.Unconfirmed()
	if c == nil || u == nil || u.Hash != c.Hash {
		return nil
	}
	before, m, err := r.load(u.Back)
	if err != nil {
		r.log().Error("the files on disk were not confirmed, and the generation before cannot be used", "generation", u.Back, "error", err)
		return nil
	}
	r.log().Error("the files on disk were not confirmed: the generation before is served", "generation", m.Number, "not_confirmed", u.Generation)
	r.accept(before, Report{Trigger: "start without what was not confirmed", Time: began, Took: time.Since(began)})
	r.takenBack(u)
	r.mu.Lock()
	r.kept, r.status.RolledBack = m.Number, m.Number
	r.mu.Unlock()
	return before
}

// load makes a candidate from a generation that is kept, ready to be put in place.
func (r *Reloader) load(number uint64) (*Candidate, Manifest, error) {
	m, err := r.keep().Find(number)
	if err != nil {
		return nil, m, err
	}
	c, errs := r.fromStore(m)
	if c != nil {
		errs = append(errs, c.Program.RunLoad()...)
	}
	if errs.Failed() {
		c.Discard()
		return nil, m, errs
	}
	return c, m, nil
}

// takenBack keeps on disk that files were taken back: a start does not serve them again, as long as they are the same.
func (r *Reloader) takenBack(u *Unconfirmed) {
	over := *u
	over.Over = true
	if err := r.store.SaveUnconfirmed(&over); err != nil {
		r.log().Error("what was taken back could not be kept on disk", "error", err)
	}
}

// String gives the time that is left, for people.
func (u *Unconfirmed) String() string {
	return fmt.Sprintf("generation %d is not confirmed: generation %d comes back at %s", u.Generation, u.Back, u.Until.Local().Format(time.DateTime))
}
