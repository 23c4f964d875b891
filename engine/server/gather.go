package server

import (
	"perilune/engine/acct"
	"perilune/engine/radius"
)

// A GroupWriter is a DetailWriter that loops may use themselves. *acct.Detail is one.
type GroupWriter interface {
	// Quick reports that Write is not expected to wait.
	Quick() bool
	// Write writes records before it returns, and sets Err of those that it could not write.
	Write(group []acct.DetailRecord)
}

// groups gives the writer of detail files, if it is one that loops may use; else nil.
func (c *Core) groups() GroupWriter {
	g, _ := c.detail.(GroupWriter)
	return g
}

// A gathering holds back those requests of a batch whose records go to detail files alone. When the batch is through, the
// role writes them as one and answers them with the batch: parking each, and waking those who go on with it, costs several
// times what the write does. Where the write might take long they are parked as others.
type gathering struct {
	writer  GroupWriter // nil: there is none
	desks   []*desk
	records []acct.DetailRecord // of the desks
	at      int                 // the desk to go on with next; above 0 the records are written
	spare   []*desk             // without a Lua state
}

// gather takes a request that waits for its record, if the role may write that itself.
func (ro *role) gather(d *desk, s *slot) bool {
	g, w := &ro.gathered, &d.way
	if d.detached || w.records.store || d.Runner != nil || g.writer == nil || len(g.desks) == 0 && !g.writer.Quick() {
		return false
	}
	g.desks = append(g.desks, d)
	g.records = append(g.records, acct.DetailRecord{Name: w.records.file, Record: w.detail})
	*ro.waiting.slot(s.hash)++
	ro.desk = g.take()
	ro.desk.role = ro
	return true
}

func (g *gathering) take() *desk {
	n := len(g.spare)
	if n == 0 {
		return newDesk()
	}
	d := g.spare[n-1]
	g.spare = g.spare[:n-1]
	return d
}

// gatheredBefore reports whether the same request came earlier in the batch and is held back (RFC 5080 s2.2.2).
func (ro *role) gatheredBefore(s *slot, auth *radius.Authenticator) bool {
	g := &ro.gathered
	if len(g.desks) == 0 || *ro.waiting.slot(s.hash) == 0 {
		return false
	}
	for _, d := range g.desks {
		if d.slot.hash == s.hash && d.slot.key == s.key && d.Packet.Authenticator == *auth {
			return true
		}
	}
	return false
}

// settle writes what was gathered and goes on with it. It is false if the role passed to another goroutine meanwhile, which
// does the rest.
func (ro *role) settle() bool {
	g := &ro.gathered
	if g.at == 0 {
		g.writer.Write(g.records)
	}
	for g.at < len(g.desks) {
		d := g.desks[g.at]
		d.way.failure = g.records[g.at].Err
		g.at++
		*ro.waiting.slot(d.slot.hash)--
		ro.desk.releaseRunner()
		g.spare = append(g.spare, ro.desk)
		ro.desk = d
		ro.server.guard(&d.Request, ro.server.resume)
		if !ro.goOn(d, d.slot) {
			return false
		}
	}
	clear(g.desks)
	clear(g.records)
	g.desks, g.records, g.at = g.desks[:0], g.records[:0], 0
	return true
}

// forget drops the spare desks, which would keep an old generation in memory.
func (g *gathering) forget() {
	clear(g.spare)
	g.spare = g.spare[:0]
}
