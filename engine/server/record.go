package server

import "perilune/engine/acct"

// Recording are the settings of what is recorded.
type Recording struct {
	NoSessions       bool // records make no sessions
	RefuseIncomplete bool // no answer without Acct-Status-Type, or to a Start without a user
	Detail           bool // there is a directory of detail files
	DetailOnly       bool // and records go nowhere else, unless Acct-Type says so
	DetailAuth       bool // Access-Requests go there too
	StripNames       bool // with the name as it stands after hints
	OldNames         bool // and attributes are named as GNU Radius did
	Name, AuthName   DetailName
}

// A DetailWriter writes detail files; *acct.Detail is one. done is called once, on another goroutine, and record
// must not change until then.
type DetailWriter interface {
	Append(name string, record []byte, done func(error))
}

// records is what an accounting request leaves behind.
type records struct {
	store    bool   // way.record goes to the Recorder
	apart    bool   // and makes no session
	file     string // way.detail goes to this detail file; "": to none
	recorded func(error)
	detailed func(error)
}

// The values of Acct-Type.
const (
	acctTypeSystem = 1
	acctTypeDetail = 2
	acctTypeSQL    = 3
)

// prepareRecords makes the records of a request and leaves it to wait for them, or decides it.
func (c *Core) prepareRecords(r *Request) {
	s := &r.Generation.Settings.Recording
	detail := c.choose(r, s)
	if s.RefuseIncomplete && r.incomplete() {
		r.refuse(Discard, ReasonIncomplete)
		return
	}
	if detail && !c.makeDetail(r, s) {
		return
	}
	w := &r.way
	if !w.records.store && w.records.file == "" {
		c.finishAccounting(r)
		return
	}
	r.Verdict = Accept
	if w.records.store {
		c.takeClass(r)
		w.record = r.appendRecord(w.record[:0])
	}
	r.pending = waitRecord
}

// choose says by Acct-Type, in the request or in control, which recorders run. Without one all do. What names a
// recorder that there is not goes to the store, as a record that makes no session: nothing is answered that nobody has
// kept, unless the value None orders that.
func (c *Core) choose(r *Request, s *Recording) (detail bool) {
	w := &r.way.records
	hasDetail := c.detail != nil || c.dry && s.Detail
	set := r.acctTypes()
	if set == 0 {
		w.store, w.apart = !hasDetail || !s.DetailOnly, s.NoSessions
		return hasDetail
	}
	const none = 1 << 0
	detail = set&(1<<acctTypeDetail) != 0 && hasDetail
	w.store = set&(1<<acctTypeSystem|1<<acctTypeSQL) != 0 || !detail && set != none
	w.apart = set&(1<<acctTypeSystem) == 0 || s.NoSessions
	return detail
}

// acctTypes gives the set of the values of Acct-Type below 32; others count as an unknown one.
func (r *Request) acctTypes() (set uint32) {
	attr := r.Generation.Dictionary.Known.AcctType
	if !r.way.asked || attr == nil {
		return 0 // it is an internal attribute: only a script can have put it there
	}
	for _, pairs := range [...][]Pair{r.Attributes.Pairs, r.Control.Pairs} {
		for i := range pairs {
			if pairs[i].Attr == attr {
				set |= 1 << min(uint32Of(pairs[i].Value), 31)
			}
		}
	}
	return set
}

// incomplete reports what GNU Radius did not answer: a request without Acct-Status-Type, and one that begins a
// session of nobody.
func (r *Request) incomplete() bool {
	status, ok := r.Attributes.First(r.Generation.Dictionary.Known.AcctStatusType)
	if !ok {
		return true
	}
	if acct.Status(uint32Of(status)) != acct.Start {
		return false
	}
	known := &r.Generation.Dictionary.Known
	_, named := r.Attributes.First(known.UserName)
	_, station := r.Attributes.First(known.CallingStationID)
	return !named && !station && !r.way.records.apart && r.hasPort()
}

// hasPort reports NAS-Port or NAS-Port-Id.
func (r *Request) hasPort() bool {
	const nasPort, nasPortID = 5, 87
	for i := range r.Attributes.Pairs {
		a := r.Attributes.Pairs[i].Attr
		if (a.Number == nasPort || a.Number == nasPortID) && a.Vendor == nil && a.Parent == nil {
			return true
		}
	}
	return false
}

// appendRecord appends the record for the store.
func (r *Request) appendRecord(b []byte) []byte {
	w := &r.way
	h := acct.Head{
		Arrival: r.Arrival, ID: r.Serial, Client: r.Client.Name, Source: r.Source, User: r.account(),
		Realm: r.Realm, Received: r.receivedUser(), Apart: w.records.apart,
	}
	if len(h.User) == 0 && r.Generation.Settings.Recording.RefuseIncomplete {
		h.User = r.stationUser()
	}
	if w.class != nil {
		w.values = w.class.appendTo(w.values[:0])
		h.More = w.values
	}
	return acct.AppendRecord(b, &h, r.Attributes.Pairs)
}

// stationUser names the user of a session without a name as GNU Radius did: # and the station.
func (r *Request) stationUser() []byte {
	station, _ := r.Attributes.First(r.Generation.Dictionary.Known.CallingStationID)
	if len(station) == 0 {
		return nil
	}
	return append([]byte("#"), station...)
}

// receivedUser gives User-Name as received, if hints have changed it. What the accounting phase has changed is what
// shall be recorded.
func (r *Request) receivedUser() []byte {
	name, _ := r.Attributes.First(r.Generation.Dictionary.Known.OrigUserName)
	return name
}

// record hands a pending request to its recorders, one after the other: the store, then the detail file. Their
// goroutines call resume. The request belongs to them from here on. A Request keeps its callbacks, so that nothing
// is allocated for each record.
func (c *Core) record(r *Request) {
	w := &r.way.records
	if w.recorded == nil {
		w.recorded = func(err error) {
			r.way.failure = err
			if err == nil && w.file != "" {
				c.detail.Append(w.file, r.way.detail, w.detailed)
				return
			}
			r.resume()
		}
		w.detailed = func(err error) {
			r.way.failure = err
			r.resume()
		}
	}
	if w.store {
		c.stirred.note(r.account(), c.now())
		c.recorder.Append(r.way.record, w.recorded)
		return
	}
	c.detail.Append(w.file, r.way.detail, w.detailed)
}

// stir notes that the table of sessions will change: the record is durable, and the table follows.
func (c *Core) stir(r *Request) {
	if !r.way.records.store || c.stirred == nil {
		return
	}
	status, _ := r.Attributes.First(r.Generation.Dictionary.Known.AcctStatusType)
	switch acct.Status(uint32Of(status)) {
	case acct.AccountingOn, acct.AccountingOff:
		c.stirred.noteAll(c.now())
	default:
		c.stirred.note(r.account(), c.now())
	}
}

func (w *records) reset() { w.store, w.apart, w.file = false, false, "" }
