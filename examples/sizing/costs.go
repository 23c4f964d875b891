package main

import (
	"fmt"
	"strconv"
	"strings"
)

// costs are what was measured of one server. Times are in nanoseconds, memory in octets.
type costs struct {
	login, hook, duplicate float64 // processor of a node: an Access-Request, a handler on it, a repetition
	record, recordDB       float64 // processor of an accounting record: of the node, and of the database's machine
	apply, place           float64 // time from record to record, and from limited login to login, that the database takes
	journal, row, event    float64 // octets of a record: in the journal, as a row of radacct, as one of acctevent
	base, user, session    float64 // memory: of a server without users, of a user, of an open session
	liveSessions           float64 // that a server holds in memory, at most
	buffer                 float64 // packets that a socket's buffer holds
}

// readCosts reads lines of name, value, unit and where the value is from; # begins a comment.
func readCosts(text string) (c costs, err error) {
	fields := map[string]*float64{
		"login": &c.login, "hook": &c.hook, "duplicate": &c.duplicate, "record": &c.record, "record-database": &c.recordDB, "apply": &c.apply, "place": &c.place,
		"journal": &c.journal, "row": &c.row, "event": &c.event,
		"base": &c.base, "user": &c.user, "session": &c.session, "live-sessions": &c.liveSessions, "buffer": &c.buffer,
	}
	units := map[string]float64{"µs": 1e3, "ns": 1, "octets": 1, "KiB": 1 << 10, "MiB": 1 << 20, "packets": 1, "sessions": 1}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 4 {
			return c, fmt.Errorf("costs:%d: expected: name value unit where-from", i+1)
		}
		field, known := fields[words[0]]
		unit, fits := units[words[2]]
		n, err := strconv.ParseFloat(words[1], 64)
		if !known || !fits || err != nil || n < 0 {
			return c, fmt.Errorf("costs:%d: unknown, or twice: %q", i+1, strings.Join(words[:3], " "))
		}
		*field = n * unit
		delete(fields, words[0])
	}
	for name := range fields {
		return c, fmt.Errorf("costs: %s is missing", name)
	}
	return c, nil
}
