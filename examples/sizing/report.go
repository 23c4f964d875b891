package main

import (
	"fmt"
	"math"
	"time"
)

// A line of the report.
type line struct{ what, value string }

// A size is what the busiest hour needs.
type size struct {
	cells, nodes, nases    int     // nodes and NASes of each cell
	logins, records        float64 // a second, of all cells
	open                   float64 // sessions, of all cells
	inUse                  float64 // share of a node's processors, with the spare nodes away
	pace                   float64 // share of its time that the database of a cell works on records
	database, memory, disk float64 // processors, of each cell; octets of each node; octets a day, of each cell
}

// sizeOf computes what the busiest hour needs.
func sizeOf(w *workload, c *costs) size {
	mean, peak := w.loginsPerSecond()
	s := size{cells: w.cells, logins: peak, open: float64(w.subscribers) * w.online}
	// Each login has a Start and, on the mean, a Stop.
	s.records = 2*peak + s.open/w.interim.Seconds()
	if s.cells == 0 {
		s.cells = int(math.Ceil(max(s.open/c.liveSessions, s.records*c.apply/1e9/w.busy)))
	}
	cells := float64(s.cells)
	s.nases = int(math.Ceil(float64(w.subscribers) / float64(w.perNAS) / cells))
	load := (peak*(c.login+c.hook) + s.records*c.record) / 1e9 / cells
	need := int(math.Ceil(load / w.busy / float64(w.cores)))
	s.nodes = max(1, need) + w.spare
	s.inUse = load / float64(max(1, need)*w.cores)
	s.pace = s.records * c.apply / 1e9 / cells
	s.database = s.records * c.recordDB / 1e9 / cells
	if w.limited {
		s.database += peak * c.place / 1e9 / cells // its processes work all that time
	}
	held := min(s.open/cells, c.liveSessions)
	// A reload builds the new users beside the old ones.
	s.memory = c.base + 2*c.user*float64(w.subscribers)/cells + held*c.session
	daily := 86400 * (2*mean + s.open*0.8/w.interim.Seconds())
	s.disk = (daily*c.event + 86400*mean*c.row) / cells
	return s
}

// report gives the lines for a workload.
func report(w *workload, c *costs) []line {
	s := sizeOf(w, c)
	lines := []line{
		{"subscribers, sessions in the busiest hour", fmt.Sprintf("%d, %.0f", w.subscribers, s.open)},
		{"cells (groups of nodes with a database)", fmt.Sprint(s.cells)},
		{"nodes of a cell, with " + fmt.Sprint(w.spare) + " to spare; processors of each", fmt.Sprintf("%d; %d", s.nodes, w.cores)},
		{"busiest hour: logins, records a second in all", fmt.Sprintf("%.0f, %.0f", s.logins, s.records)},
		{"processors of a node in use, the spare ones away", fmt.Sprintf("%.1f %%", 100*s.inUse)},
		{"memory of a node, all users in files, in a reload", fmt.Sprintf("%.1f GiB", s.memory/(1<<30))},
		{"database of a cell: rows a second, processors in use", fmt.Sprintf("%.0f, %.2f", 2*s.records/float64(s.cells), s.database)},
		{"database of a cell: share of its pace, writing records", fmt.Sprintf("%.0f %%", 100*s.pace)},
		{"database of a cell: growth a day", fmt.Sprintf("%.1f GiB", s.disk/(1<<30))},
	}
	lines = append(lines, storm(w, c, &s)...)
	return append(lines, loss(w, c, &s)...)
}

// storm lets the fallen subscribers of a cell come back at once, with the spare nodes away.
func storm(w *workload, c *costs, s *size) []line {
	logins := int(math.Ceil(float64(w.perNAS) * w.fallen))
	r := newCell(w, c, max(1, s.nodes-w.spare), s.nases, logins, w.spread)
	o := r.play()
	full, _ := r.dropped()
	behind, most := o.backlog(c.apply)
	lines := []line{
		{fmt.Sprintf("%.0f %% come back at once: half, 99 %%, all are in after", 100*w.fallen), fmt.Sprintf("%s, %s, %s", seconds(o.within(0.5)), seconds(o.within(0.99)), seconds(o.worst))},
		{"… logins a second of a cell; logins that had to begin anew", fmt.Sprintf("%.0f, %d", float64(o.logins)/(float64(o.last)/1e9), o.gaveUp)},
		{"… logins for which Simultaneous-Use of other nodes was not known in time", fmt.Sprint(o.unasked)},
		{"… packets dropped for want of room; repeated", fmt.Sprintf("%d, %d", full, o.repeated)},
		{"… Starts that wait for the database at most, in octets of the journals", fmt.Sprintf("%d, %.0f MiB", most, float64(most)*c.journal/(1<<20))},
		{"… the database has them all after", seconds(behind)},
	}
	if missing := logins*s.nases - o.logins; missing > 0 {
		lines = append(lines, line{"… **not in after a day**", fmt.Sprint(missing)})
	}
	return lines
}

// backlog plays the records into a database that takes one in so many nanoseconds, and gives when it has them all, to
// a second, and the most that waited.
func (o *outcome) backlog(apply float64) (behind int64, most int) {
	rest := 0.0
	for i := 0; i < len(o.starts) || rest > 0; i++ {
		if i < len(o.starts) {
			rest += float64(o.starts[i])
		}
		rest = max(0, rest-1e9/apply)
		most = max(most, int(rest))
		behind = int64(i+1) * 1e9
	}
	return behind, most
}

// loss kills a node in the busiest hour.
func loss(w *workload, c *costs, s *size) []line {
	if s.nodes < 2 {
		return nil
	}
	const run, dies = 60 * time.Second, 20 * time.Second
	nases := float64(s.nases * s.cells)
	r := newCell(w, c, s.nodes, s.nases, int(math.Ceil(s.logins/nases*run.Seconds())), run)
	for i := range r.loops[0] {
		r.loops[0][i].deadFrom = int64(dies)
	}
	r.gone, r.end = int64(dies), int64(run)
	for i := range r.nases {
		r.nases[i].every = int64(nases / (s.records - s.logins) * 1e9)
		r.queue.push(event{r.chance.Int64N(r.nases[i].every), interims, int32(i)})
	}
	o := r.play()
	_, dead := r.dropped()
	return []line{
		{fmt.Sprintf("a node dies, the balancer notices after %v: packets lost", w.noticed), fmt.Sprint(dead)},
		{"… logins that had to begin anew, of those of a minute", fmt.Sprintf("%d of %d", o.gaveUp, o.logins)},
		{"… 99 %, all logins of that minute took", fmt.Sprintf("%s, %s", seconds(o.within(0.99)), seconds(o.worst))},
		{"… records that NASes gave up", fmt.Sprint(o.recordsLost)},
	}
}

func seconds(ns int64) string {
	if ns < 1e9 {
		return fmt.Sprintf("%d ms", (ns+999_999)/1e6)
	}
	return fmt.Sprintf("%.1f s", float64(ns)/1e9)
}
