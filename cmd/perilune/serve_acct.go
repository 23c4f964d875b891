package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"perilune/engine/acct"
	"perilune/engine/admin"
	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/engine/server"
)

// openAccounting opens what records are kept in: the detail files and the store. They are closed after the server, the
// store first, since its last records go on to the files.
func (d *daemon) openAccounting(c *config.Config) (err error) {
	a := c.Acct
	if a.Detail != "" {
		d.detail, err = acct.OpenDetail(acct.DetailOptions{
			Dir: d.first.Path(a.Detail), Sync: a.DetailSync, MaxSize: int64(a.DetailSize), Every: a.DetailEvery, Log: d.log,
		})
		if err != nil {
			return &raddb.Error{Pos: c.Place("acct.detail"), Msg: "acct.detail: " + err.Error()}
		}
		d.closers = append(d.closers, func() { d.detail.Close() })
	}
	o := d.storeOptions(c)
	if d.store, err = acct.OpenStore(o); err != nil {
		return placed(c, err, "acct.database", "acct.journal")
	}
	d.closers = append(d.closers, func() { d.closeStore() })
	d.tellOldJournal(o.Dir)
	return nil
}

// placed gives an error the place of the first key that the file has.
func placed(c *config.Config, err error, keys ...string) error {
	for _, key := range keys {
		if at := c.Place(key); at.Line != 0 {
			return &raddb.Error{Pos: at, Msg: key + ": " + err.Error()}
		}
	}
	return fmt.Errorf("accounting: %w", err)
}

// storeOptions maps [acct].
func (d *daemon) storeOptions(c *config.Config) acct.StoreOptions {
	a := c.Acct
	dir, database := accountingPlace(a, d.first.StateDir, d.first.Path)
	o := acct.StoreOptions{
		Dir: dir, Database: database, Node: a.Node, NoSpool: !a.Spool, Backlog: int64(a.SpoolSize),
		Rules:     acct.Rules{Identity: acct.ParseIdentity(a.Identity), Back: a.MaxSkew, Ahead: a.MaxAhead},
		Retention: acct.Retention{Sessions: a.KeepSessions, Events: a.KeepEvents},
		Reap:      c.Sessions.Reap,
		Log:       d.log,
	}
	if a.OnScope == "called-station" {
		o.Rules.OnScope = acct.ScopeCalledStation
	}
	return o
}

// accountingPlace gives the directory of the journal, and the database. path makes a path of the configuration whole.
func accountingPlace(a config.Acct, stateDir string, path func(string) string) (dir, database string) {
	if dir = filepath.Join(stateDir, "acct"); a.Journal != "" {
		dir = path(a.Journal)
	}
	switch database = a.Database.Name(); {
	case database == "":
		database = filepath.Join(dir, "acct.db")
	case !a.Database.Shared():
		database = path(database)
	}
	return dir, database
}

// closeStore tells what is left to do at the next start.
func (d *daemon) closeStore() {
	if err := d.store.Close(); err != nil {
		d.log.Error("accounting was not closed well; what was answered is in the journal", "error", err)
	}
}

// tellOldJournal tells of records that an earlier version has left: it had a journal alone.
func (d *daemon) tellOldJournal(dir string) {
	path := filepath.Join(dir, "journal.jsonl")
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		d.log.Warn("an earlier version has left its accounting records; they stay in this file and are not in the database", "file", path, "octets", info.Size())
	}
}

// reopenAccounting opens files anew that somebody may have renamed.
func (d *daemon) reopenAccounting() {
	d.store.Reopen()
	if d.detail != nil {
		d.detail.Reopen()
	}
}

// unhealthy tells why accounting is not answered, nil if it is.
func (d *daemon) unhealthy() error {
	if d.store.Healthy() {
		return nil
	}
	if why := d.store.Status().Failure; why != "" {
		return fmt.Errorf("accounting records cannot be kept: %s", why)
	}
	return fmt.Errorf("accounting records cannot be written")
}

// detailWriter gives the writer of detail files, a real nil if there is none.
func (d *daemon) detailWriter() server.DetailWriter {
	if d.detail == nil {
		return nil
	}
	return d.detail
}

// accountingMetrics gives the state of the store.
func (d *daemon) accountingMetrics(yield func(admin.Sample)) {
	st := d.store.Status()
	gauge := func(name, help string, v float64) {
		yield(admin.Sample{Name: name, Help: help, Gauge: true, Value: v})
	}
	count := func(name, help string, n uint64) {
		yield(admin.Sample{Name: name, Help: help, Value: float64(n)})
	}
	gauge("perilune_journal_healthy", "Whether accounting records can be written and answered.", truth(d.store.Healthy()))
	gauge("perilune_accounting_database_healthy", "Whether the accounting database takes records.", truth(st.Failure == ""))
	gauge("perilune_accounting_backlog_bytes", "Octets of records that wait for the database.", float64(st.Backlog))
	gauge("perilune_accounting_behind_seconds", "How long the oldest of them has waited.", st.Behind.Seconds())
	gauge("perilune_sessions", "Open sessions.", float64(st.Live))
	gauge("perilune_sessions_booked", "Logins that were let in and whose Start has not come.", float64(st.Booked))
	count("perilune_accounting_records_total", "Records that the database has taken.", st.Records)
	count("perilune_accounting_batches_total", "Transactions of the database; records by batches is their size.", st.Batches)
	count("perilune_accounting_repeated_total", "Records that had come before: retransmissions, fail-over.", st.Repeated)
	count("perilune_accounting_reused_total", "Sessions whose id a NAS gave to another one, mostly after a reboot.", st.Reused)
	count("perilune_accounting_reaped_total", "Sessions closed because their interims stopped.", st.Reaped)
	count("perilune_accounting_refused_total", "Records that the database refuses for what they hold, put aside in refused.jsonl.", st.Refused)
	count("perilune_accounting_unreadable_total", "Lines of the journal that are no records.", st.Unreadable)
	gauge("perilune_sessions_incomplete", "Whether more sessions are open than memory may hold, so that logins are counted too low.", truth(st.Spilled))
	count("perilune_places_asked_total", "Limited logins that the shared database was asked about.", st.Asked)
	count("perilune_places_elsewhere_total", "Of them: refused because of what other servers have.", st.Elsewhere)
	count("perilune_places_unanswered_total", "Limited logins that this server's sessions alone decided, as the shared database did not answer.", st.Unanswered)
}

// accountingStatus is what `perilune status` tells of accounting.
type accountingStatus struct {
	Database   string        `json:"database"`
	Detail     string        `json:"detail,omitempty"`
	Healthy    bool          `json:"healthy"` // records are answered
	Failure    string        `json:"failure,omitempty"`
	Backlog    int64         `json:"backlog"`
	Behind     time.Duration `json:"behind"`
	Live       int           `json:"open_sessions"`
	Booked     int           `json:"booked"`
	Records    uint64        `json:"records"`
	Batches    uint64        `json:"batches"`
	Repeated   uint64        `json:"repeated"`
	Reused     uint64        `json:"reused"`
	Reaped     uint64        `json:"reaped"`
	Unreadable uint64        `json:"unreadable"`
	Refused    uint64        `json:"refused"`
	Spilled    bool          `json:"spilled"`
	Shared     bool          `json:"shared"`
}

func (d *daemon) accountingStatus() accountingStatus {
	a := d.first.Config.Acct
	st := d.store.Status()
	s := accountingStatus{
		Healthy: d.store.Healthy(), Failure: st.Failure, Backlog: st.Backlog, Behind: st.Behind, Live: st.Live, Booked: st.Booked,
		Records: st.Records, Batches: st.Batches, Repeated: st.Repeated, Reused: st.Reused, Reaped: st.Reaped,
		Unreadable: st.Unreadable, Refused: st.Refused, Spilled: st.Spilled, Shared: st.Shared,
	}
	if s.Database = a.Database.String(); s.Database == "" {
		s.Database = filepath.Join(d.storeOptions(d.first.Config).Dir, "acct.db")
	}
	if a.Detail != "" {
		s.Detail = d.first.Path(a.Detail)
	}
	return s
}

// write gives the state for people.
func (s *accountingStatus) write(w io.Writer) {
	fmt.Fprintf(w, "accounting in %s: %d open sessions, %d records in %d transactions, %d of them repeated\n",
		s.Database, s.Live, s.Records, s.Batches, s.Repeated)
	if s.Shared {
		fmt.Fprintln(w, "sessions are counted together with the other servers of that database")
	} else {
		fmt.Fprintln(w, "sessions are counted by this server alone")
	}
	if !s.Healthy {
		fmt.Fprintln(w, "ACCOUNTING IS NOT ANSWERED: records cannot be kept")
	}
	if s.Failure != "" {
		fmt.Fprintf(w, "DATABASE CANNOT BE WRITTEN: %s; %d octets of records wait in the journal, the oldest for %v\n", s.Failure, s.Backlog, s.Behind.Round(time.Second))
	}
	if s.Refused > 0 {
		fmt.Fprintf(w, "%d records that the database does not take are in refused.jsonl beside the journal\n", s.Refused)
	}
	if s.Spilled {
		fmt.Fprintln(w, "more sessions are open than memory may hold: logins are counted too low")
	}
}
