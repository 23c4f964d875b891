package acct

// strangers are the open sessions that another program has written, such as FreeRADIUS before us: their rows, by what
// tells one from another. They are not counted, since nobody tells us of their end. An event of one of them takes its
// row over, so that a session is not in the table twice and paid for twice.
type strangers map[string]int64

// maxStrangers bounds the memory for them.
const maxStrangers = 1 << 20

func strangerKey(id, nas, user string) string { return id + "\x00" + nas + "\x00" + user }

// take keeps a row of another program; false if it is one of ours, which always have a time of arrival.
func (t strangers) take(s *Session) bool {
	if s.Heard != 0 {
		return false
	}
	if len(t) < maxStrangers {
		t[strangerKey(s.SessionID, s.NASAddress, s.UserName)] = s.Row
	}
	return true
}

// row gives the place of an event's session, 0 if there is none.
func (t strangers) row(e *Event) int64 {
	if len(t) == 0 {
		return 0
	}
	return t[strangerKey(e.SessionID, e.Address(), e.UserName)]
}

// adoptRow looks for the row that another program has begun for a session, and goes on with it. If the event begins
// another session, that row ends. It gives false if a session is to be made.
func (w *work) adoptRow(db backend, e *entryEvent, k Key) (bool, error) {
	s, err := db.stranger(e.Event)
	if s == nil || err != nil {
		return false, err
	}
	w.keep(s)
	s.described = true
	switch w.rules.Judge(s, e.Event) {
	case Same, Repeated:
	default:
		s.Finish(s.displaced(w.rules.begin(e.Event, e.at)), CauseReboot)
		return false, nil
	}
	delete(w.now, s.Key)
	s.Key, s.Epoch, s.Client = k, 0, e.Client
	s.MultiSessionID, s.NASIdentifier, s.NASIPAddress, s.NASIPv6Address = e.MultiSessionID, e.NASIdentifier, e.NASAddress, e.NASIPv6Address
	s.own()
	w.now[k] = s
	w.rules.Merge(s, e.Event)
	e.what = Same
	return true, nil
}
