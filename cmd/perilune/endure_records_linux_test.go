package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"perilune/engine/radius"
)

// A ledger is what a NAS knows of its sessions: which of the three records of each are answered. It belongs to a lane,
// whose lock protects it.
type ledger struct {
	name  string
	known []uint8 // by session: bit i for record i that was answered
	ready []int   // sessions whose next record can be sent
}

var ledgerStatuses = [...]string{"Start", "Interim-Update", "Stop"}

// openSessions is how many sessions of a ledger are open at the same time at least.
const openSessions = 200

func newLedger(i int) *ledger { return &ledger{name: fmt.Sprintf("nas%d", i)} }

// next gives the next record: of a session that goes on, or of a new one.
func (l *ledger) next() (errand, bool) {
	session := len(l.known)
	if len(l.ready) >= openSessions {
		session, l.ready = l.ready[0], l.ready[1:]
	} else {
		l.known = append(l.known, 0)
	}
	record := 0
	for l.known[session]&(1<<record) != 0 {
		record++
	}
	return errand{packet: l.packet(session, record), sign: true, judge: answersRecord, done: func(answered bool) {
		if !answered {
			return // and nothing comes of that session any more
		}
		l.known[session] |= 1 << record
		if record < len(ledgerStatuses)-1 {
			l.ready = append(l.ready, session)
		}
	}}, true
}

func answersRecord(p *radius.Packet, _, _ int64) wrong {
	if p.Code != radius.CodeAccountingResponse {
		return wrongVerdict
	}
	return right
}

func (l *ledger) packet(session, record int) []byte {
	p := append(make([]byte, 0, 160), byte(radius.CodeAccountingRequest), 0, 0, 0)
	p = append(p, make([]byte, 16)...)
	for _, a := range [][]byte{
		avp(40, [...]int{1, 3, 2}[record]), avp(44, fmt.Sprintf("%s-%d", l.name, session)), avp(1, fmt.Sprintf("u%04d", session%enduranceUsers)),
		avp(32, l.name), avp(42, 1000*record), avp(46, record), avp(55, int(time.Now().Unix())),
	} {
		p = append(p, a...)
	}
	radius.PutLength(p)
	return p
}

// checkRecords compares the database of a server that has ended with what the NASes know: each record that was answered is
// there once, and no other is there twice. It gives the number of those that were answered.
func (e *endurance) checkRecords() (answered int) {
	path := filepath.Join(e.dir, "state", "acct", "acct.db")
	kept := map[string][len(ledgerStatuses)]int{}
	for line := range strings.Lines(sqlite3(e.t, path, "SELECT r.acctsessionid||'|'||e.status||'|'||count(*) FROM acctevent e JOIN radacct r USING(acctuniqueid) WHERE e.verdict<>'repeated' GROUP BY r.acctsessionid, e.status")) {
		id, rest, _ := strings.Cut(strings.TrimSpace(line), "|")
		status, count, _ := strings.Cut(rest, "|")
		n, _ := strconv.Atoi(count)
		k := kept[id]
		k[slices.Index(ledgerStatuses[:], status)] += n
		kept[id] = k
	}
	var twice, missing []string
	for _, l := range e.ledgers {
		for session, known := range l.known {
			id := fmt.Sprintf("%s-%d", l.name, session)
			for i, n := range kept[id] {
				switch told := known&(1<<i) != 0; {
				case n > 1:
					twice = append(twice, id)
				case told && n == 0:
					missing = append(missing, id)
				}
				answered += int(known >> i & 1)
			}
		}
	}
	e.complain("records were answered and are not there", missing)
	e.complain("records are there more than once", twice)
	if twins := sqlite3(e.t, path, "SELECT count(*)-count(DISTINCT acctsessionid) FROM radacct"); twins != "0" {
		e.t.Errorf("%s sessions have more than one row", twins)
	}
	return answered
}

func (e *endurance) complain(what string, ids []string) {
	if len(ids) > 0 {
		e.t.Errorf("%d %s: %s …", len(ids), what, strings.Join(ids[:min(len(ids), 5)], " "))
	}
}
