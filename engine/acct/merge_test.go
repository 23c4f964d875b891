package acct

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// memory plays records without a database.
type memory struct {
	w    work
	rows map[string]*Session
	seen []string // verdicts
}

// nowhere is a backend without rows.
type nowhere struct{ backend }

func (nowhere) begin(uint64, []Key, func(Key) *Session, func(*Session)) error { return nil }
func (nowhere) stranger(*Event) (*Session, error)                             { return nil, nil }
func (nowhere) ofClient(string, func(*Session)) error                         { return nil }

func newMemory(r Rules) *memory {
	m := &memory{rows: map[string]*Session{}}
	m.w.init(&r, newLive(1<<20))
	return m
}

// play takes records, all in one transaction or each in its own.
func (m *memory) play(t rapid.TB, together bool, records ...string) {
	t.Helper()
	var parts []string
	for _, r := range records {
		if together && len(parts) > 0 {
			parts[0] += r + "\n"
			continue
		}
		parts = append(parts, r+"\n")
	}
	for _, part := range parts {
		m.w.parse(part, &counts{})
		if err := m.w.fill(nowhere{}); err != nil {
			t.Fatal(err)
		}
		for i := range m.w.batch.events {
			m.seen = append(m.seen, m.w.batch.events[i].verdict())
		}
		for _, s := range m.w.batch.sessions {
			m.rows[s.Unique()] = s
		}
		m.w.publish(&counts{})
	}
}

// table gives the rows, seconds after noon, in the order of their begin: id/epoch user begin-end seconds in/out cause.
func (m *memory) table() []string {
	var list []string
	for _, s := range m.rows {
		end := "open"
		if !s.Open() {
			end = fmt.Sprint(s.End - noon.Unix())
		}
		list = append(list, fmt.Sprintf("%s/%d %s %d-%s %ds in=%d out=%d %s", s.SessionID, s.Epoch, s.User, s.Begin-noon.Unix(), end, s.Seconds, s.Input, s.Output, s.TerminateCause))
	}
	slices.Sort(list)
	return list
}

const (
	bob = "1 User-Name=bob"
	idA = "44 Acct-Session-Id=a"
)

func in(n int) string     { return fmt.Sprintf("42 Acct-Input-Octets=%d", n) }
func inGiga(n int) string { return fmt.Sprintf("52 Acct-Input-Gigawords=%d", n) }
func secs(n int) string   { return fmt.Sprintf("46 Acct-Session-Time=%d", n) }
func delay(n int) string  { return fmt.Sprintf("41 Acct-Delay-Time=%d", n) }
func stamped(n int, record string) string {
	return fmt.Sprintf(`{"stamp":%d,%s`, noon.Unix()+int64(n), record[1:])
}

// ruleCases are records and the rows that they make, as memory.table tells of them.
var ruleCases = []struct {
	name    string
	rules   Rules
	records []string
	want    []string
	seen    string // "" leaves it unchecked
}{
	{name: "a session", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, in(5), secs(60)), rec(90, Stop, bob, idA, in(7), secs(90), "49 Acct-Terminate-Cause=Idle-Timeout")},
		want: []string{"a/0 bob 0-90 90s in=7 out=0 Idle-Timeout"}, seen: "[new same same]"},
	{name: "port and source may change", records: []string{rec(0, Start, bob, idA, "5 NAS-Port=1"), rec(9, Stop, bob, idA, "5 NAS-Port=2", secs(9))},
		want: []string{"a/0 bob 0-9 9s in=0 out=0 "}},
	{name: "a Start that was long on its way", records: []string{rec(9000, Start, bob, idA), rec(9010, Start, bob, idA, delay(9010)), rec(9060, Stop, bob, idA)},
		want: []string{"a/0 bob 9000-9060 60s in=0 out=0 "}, seen: "[new stale same]"},
	{name: "a late Start of a row that an Interim made", records: []string{rec(9000, Interim, bob, idA), rec(9010, Start, bob, idA, delay(9010)), rec(9060, Stop, bob, idA)},
		want: []string{"a/0 bob 0-9060 9060s in=0 out=0 "}, seen: "[new same same]"},
	{name: "User-Name may change in a session", records: []string{rec(0, Start, bob, idA), rec(9, Interim, "1 User-Name=robert", idA, in(3)), rec(10, Stop, "1 User-Name=robert", idA)},
		want: []string{"a/0 bob 0-10 10s in=3 out=0 "}},
	{name: "multilink: each link by its Acct-Multi-Session-Id", records: []string{rec(0, Start, bob, idA, "50 Acct-Multi-Session-Id=m"), rec(0, Start, bob, idA, "50 Acct-Multi-Session-Id=n")},
		want: []string{"a/0 bob 0-open 0s in=0 out=0 ", "a/0 bob 0-open 0s in=0 out=0 "}},
	{name: "the id again after a reboot: open row", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, secs(60)), rec(4000, Start, bob, idA)},
		want: []string{"a/0 bob 0-120 120s in=0 out=0 NAS-Reboot", "a/1 bob 4000-open 0s in=0 out=0 "}, seen: "[new same reused]"},
	{name: "the id again: other user", records: []string{rec(0, Start, bob, idA), rec(10, Start, "1 User-Name=eve", idA)},
		want: []string{"a/0 bob 0-10 10s in=0 out=0 NAS-Reboot", "a/1 eve 10-open 0s in=0 out=0 "}},
	{name: "the id again: other user in the same second", records: []string{rec(0, Start, bob, idA), rec(0, Start, "1 User-Name=eve", idA), rec(1, Start, "1 User-Name=eve", idA, delay(1))},
		want: []string{"a/0 bob 0-0 0s in=0 out=0 NAS-Reboot", "a/1 eve 0-open 0s in=0 out=0 "}, seen: "[new reused repeated]"},
	{name: "the id again: closed row", records: []string{rec(0, Start, bob, idA), rec(60, Stop, bob, idA, secs(60)), rec(70, Start, bob, idA), rec(71, Stop, bob, idA, secs(1))},
		want: []string{"a/0 bob 0-60 60s in=0 out=0 ", "a/1 bob 70-71 1s in=0 out=0 "}},
	{name: "the id again: Start was lost", records: []string{rec(0, Start, bob, idA), rec(60, Stop, bob, idA, secs(60)), rec(9000, Interim, bob, idA, secs(100))},
		want: []string{"a/0 bob 0-60 60s in=0 out=0 ", "a/1 bob 8900-open 100s in=0 out=0 "}},
	{name: "Event-Timestamp", records: []string{stamped(-3600, rec(0, Start, bob, idA)), stamped(-3500, rec(0, Stop, bob, idA))},
		want: []string{"a/0 bob -3600--3500 100s in=0 out=0 "}},
	{name: "clocks of 1970 and of the future", records: []string{`{"stamp":17,` + rec(0, Start, bob, idA)[1:], stamped(400, rec(60, Stop, bob, idA))},
		want: []string{"a/0 bob 0-60 60s in=0 out=0 "}},
	{name: "max-skew is a setting", rules: Rules{Back: 10 * time.Second, Ahead: 400 * time.Second}, records: []string{stamped(-11, rec(0, Start, bob, idA)), stamped(400, rec(60, Stop, bob, idA))},
		want: []string{"a/0 bob 0-400 400s in=0 out=0 "}},
	{name: "Acct-Delay-Time", records: []string{rec(10, Start, bob, idA, delay(10)), rec(70, Stop, bob, idA, delay(5))},
		want: []string{"a/0 bob 0-65 65s in=0 out=0 "}},
	{name: "retransmissions with other delays", records: []string{rec(0, Start, bob, idA), rec(5, Start, bob, idA, delay(5)), rec(60, Interim, bob, idA, in(9)), rec(66, Interim, bob, idA, in(9), delay(5)), rec(90, Stop, bob, idA), rec(95, Stop, bob, idA, delay(5)), rec(97, Start, bob, idA, delay(97))},
		want: []string{"a/0 bob 0-90 90s in=9 out=0 "}, seen: "[new repeated same repeated same repeated repeated]"},
	{name: "Start repeated without a delay", records: []string{rec(0, Start, bob, idA), rec(20, Start, bob, idA)},
		want: []string{"a/0 bob 0-open 0s in=0 out=0 "}, seen: "[new same]"},
	{name: "two stamped begins of one id are two sessions", records: []string{stamped(0, rec(0, Start, bob, idA)), stamped(30, rec(30, Start, bob, idA))},
		want: []string{"a/0 bob 0-30 30s in=0 out=0 NAS-Reboot", "a/1 bob 30-open 0s in=0 out=0 "}},
	{name: "Gigawords", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, in(5), inGiga(2))},
		want: []string{"a/0 bob 0-open 0s in=8589934597 out=0 "}},
	{name: "a counter goes round", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, in(4000000000)), rec(120, Interim, bob, idA, in(10)), rec(180, Interim, bob, idA, in(11))},
		want: []string{"a/0 bob 0-open 0s in=4294967307 out=0 "}},
	{name: "an old Interim is no counter gone round", records: []string{rec(0, Start, bob, idA), rec(120, Interim, bob, idA, in(500), secs(120)), rec(130, Interim, bob, idA, in(300), secs(60), delay(70))},
		want: []string{"a/0 bob 0-open 120s in=500 out=0 "}},
	{name: "nor is a smaller one with Gigawords", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, in(500), inGiga(1)), rec(120, Interim, bob, idA, in(400), inGiga(1))},
		want: []string{"a/0 bob 0-open 0s in=4294967796 out=0 "}},
	{name: "nor a Stop that does not count", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, in(500)), rec(61, Stop, bob, idA, in(0))},
		want: []string{"a/0 bob 0-61 61s in=500 out=0 "}},
	{name: "Interim after Stop", records: []string{rec(0, Start, bob, idA), rec(60, Stop, bob, idA, in(500), secs(60)), rec(61, Interim, bob, idA, in(600), secs(60)), rec(62, Interim, bob, idA, in(1), secs(60))},
		want: []string{"a/0 bob 0-60 60s in=600 out=0 "}},
	{name: "Stop without Start", records: []string{rec(100, Stop, bob, idA, in(500), secs(60))},
		want: []string{"a/0 bob 40-100 60s in=500 out=0 "}, seen: "[new]"},
	{name: "Interim without Start", records: []string{rec(100, Interim, bob, idA, secs(60))},
		want: []string{"a/0 bob 40-open 60s in=0 out=0 "}},
	{name: "Start after Stop", records: []string{rec(100, Stop, bob, idA, secs(60)), rec(101, Start, bob, idA, delay(62), "77 Connect-Info=fast")},
		want: []string{"a/0 bob 39-100 60s in=0 out=0 "}, seen: "[new same]"},
	{name: "Stop twice: the larger wins", records: []string{rec(0, Start, bob, idA), rec(60, Stop, bob, idA, in(9), secs(60)), rec(90, Stop, bob, idA, in(5), secs(90))},
		want: []string{"a/0 bob 0-90 90s in=9 out=0 "}},
	{name: "a late Stop corrects what we closed", records: []string{rec(0, Start, bob, idA), rec(60, AccountingOff), rec(70, Stop, bob, idA, in(9), secs(55), delay(15), "49 Acct-Terminate-Cause=NAS-Request")},
		want: []string{"a/0 bob 0-55 55s in=9 out=0 NAS-Request"}},
	{name: "Accounting-On", records: []string{rec(0, Start, bob, idA), rec(50, Start, bob, "44 Acct-Session-Id=later"), rec(60, AccountingOn, delay(30))},
		want: []string{"a/0 bob 0-30 30s in=0 out=0 NAS-Reboot", "later/0 bob 50-open 0s in=0 out=0 "}},
	{name: "a Stop of the session before, long on its way", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, secs(60)), rec(4000, Start, bob, idA), rec(4010, Stop, bob, idA, in(9), secs(110), delay(3900)), rec(4060, Stop, bob, idA, in(2), secs(60))},
		want: []string{"a/0 bob 0-120 120s in=0 out=0 NAS-Reboot", "a/1 bob 4000-4060 60s in=2 out=0 "}, seen: "[new same reused stale same]"},
	{name: "a Start fills the time that a Stop did not tell", records: []string{rec(100, Stop, bob, idA), rec(101, Start, bob, idA, delay(61))},
		want: []string{"a/0 bob 40-100 60s in=0 out=0 "}},
	{name: "a counter that was round when the late Stop came", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, in(4000000000), secs(60)), rec(70, AccountingOff), rec(95, Stop, bob, idA, in(9), secs(90), delay(5))},
		want: []string{"a/0 bob 0-90 90s in=4294967305 out=0 NAS-Reboot"}},
	{name: "more than a database's number", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, in(5), inGiga(1<<32-1))},
		want: []string{"a/0 bob 0-open 0s in=9223372036854775807 out=0 "}},
	{name: "longer than there are clocks", records: []string{rec(0, Stop, bob, idA, secs(1<<32-1))},
		want: []string{fmt.Sprintf("a/0 bob %d-0 4294967295s in=0 out=0 ", 1-noon.Unix())}},
	{name: "two sites behind NAT with one address", records: []string{from("north", "192.168.1.1", "", 0, Start, bob, idA), from("south", "192.168.1.1", "", 1, Start, bob, idA), from("north", "192.168.1.1", "", 9, Stop, bob, idA, in(4))},
		want: []string{"a/0 bob 0-9 9s in=4 out=0 ", "a/0 bob 1-open 0s in=0 out=0 "}, seen: "[new new same]"},
	{name: "a Status-Type of ours on the wire", records: []string{rec(0, Start, bob, idA), rec(5, Close, bob, idA)},
		want: []string{"a/0 bob 0-open 0s in=0 out=0 "}, seen: "[new ]"},
	{name: "a malformed number", records: []string{rec(0, Start, bob, idA), rec(60, Interim, bob, idA, "42 Acct-Input-Octets=0x01", secs(60))},
		want: []string{"a/0 bob 0-open 60s in=0 out=0 "}},
	{name: "what is missing or unknown makes no row", records: []string{rec(0, Start, bob), rec(0, 15, bob, idA), rec(0, 0, bob, idA), rec(0, 10, bob, idA)},
		seen: "[   ]"},
	{name: "no User-Name", records: []string{rec(0, Start, idA), rec(5, Interim, idA, bob), rec(9, Stop, idA)},
		want: []string{"a/0 bob 0-9 9s in=0 out=0 "}},
	{name: "canonical user", records: []string{`{"user":"bob@r",` + rec(0, Start, bob, idA)[1:]},
		want: []string{"a/0 bob@r 0-open 0s in=0 out=0 "}},
	{name: "identity by port too", rules: Rules{Identity: DefaultIdentity | ByPort}, records: []string{rec(0, Start, bob, idA, "5 NAS-Port=1"), rec(0, Start, bob, idA, "5 NAS-Port=2")},
		want: []string{"a/0 bob 0-open 0s in=0 out=0 ", "a/0 bob 0-open 0s in=0 out=0 "}},
}

// TestRules goes through what operation has taught, one line after the other.
func TestRules(t *testing.T) {
	for _, c := range ruleCases {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", c.name, together), func(t *testing.T) {
				m := newMemory(c.rules)
				m.play(t, together, c.records...)
				if diff := cmp.Diff(c.want, m.table()); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
				if got := fmt.Sprint(m.seen); c.seen != "" && got != c.seen {
					t.Errorf("verdicts %s, want %s", got, c.seen)
				}
			})
		}
	}
}

// from is a record of a NAS of its own.
func from(client, address, identifier string, seconds int, status Status, pairs ...string) string {
	at := noon.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339Nano)
	if address != "" {
		pairs = append(pairs, "4 NAS-IP-Address="+address)
	}
	if identifier != "" {
		pairs = append(pairs, "32 NAS-Identifier="+identifier)
	}
	return line(fmt.Sprintf(`"time":"%s","id":1,"client":"%s","source":"192.0.2.1:1646","status":%d`, at, client, status), pairs...)
}

// TestRebootOfTheSource: where the port of a NAS is the session, a NAS that does not name itself is the source.
func TestRebootOfTheSource(t *testing.T) {
	rules := Rules{Identity: ByClient | ByNASAddress | ByPort | WithoutSessionID}
	on := Event{Client: "c", Status: AccountingOn, Source: netip.MustParseAddrPort("10.0.0.1:1646"), Arrival: time.Unix(9, 0)}
	for address, want := range map[string]bool{"10.0.0.1": true, "10.0.0.2": false} {
		if got := rules.Speaks(&on, &Session{Client: "c", NASAddress: address, NASIPAddress: address}); got != want {
			t.Errorf("sessions of %s end: %v", address, got)
		}
	}
}

func TestRebootScope(t *testing.T) {
	start := func(client, address, identifier, id string, pairs ...string) string {
		return from(client, address, identifier, 0, Start, append(pairs, bob, "44 Acct-Session-Id="+id)...)
	}
	sessions := []string{
		start("proxy", "10.0.0.1", "a", "1"), start("proxy", "10.0.0.1", "b", "2"), start("proxy", "10.0.0.2", "", "3"),
		start("proxy", "", "", "4"), start("other", "10.0.0.1", "a", "5"), start("proxy", "10.0.0.9", "r", "6", "30 Called-Station-Id=x"), start("proxy", "10.0.0.9", "r", "7", "30 Called-Station-Id=y"),
	}
	for _, c := range []struct {
		name  string
		scope OnScope
		on    string
		want  string // ids that end
	}{
		{"both named", ScopeNAS, from("proxy", "10.0.0.1", "a", 9, AccountingOn), "1"},
		{"address only", ScopeNAS, from("proxy", "10.0.0.1", "", 9, AccountingOff), "12"},
		{"identifier only", ScopeNAS, from("proxy", "", "b", 9, AccountingOn), "2"},
		{"nobody named", ScopeNAS, from("proxy", "", "", 9, AccountingOn), "4"},
		{"a stranger", ScopeNAS, from("third", "10.0.0.1", "a", 9, AccountingOn), ""},
		{"before they began", ScopeNAS, from("proxy", "10.0.0.1", "a", -9, AccountingOn), ""},
		{"a radio, by NAS", ScopeNAS, from("proxy", "10.0.0.9", "r", 9, AccountingOn, "30 Called-Station-Id=x"), "67"},
		{"a radio, by station", ScopeCalledStation, from("proxy", "10.0.0.9", "r", 9, AccountingOn, "30 Called-Station-Id=x"), "6"},
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", c.name, together), func(t *testing.T) {
				m := newMemory(Rules{OnScope: c.scope})
				m.play(t, together, append(append([]string(nil), sessions...), c.on)...)
				got := ""
				for _, id := range []string{"1", "2", "3", "4", "5", "6", "7"} {
					for _, s := range m.rows {
						if s.SessionID == id && !s.Open() {
							got += id
						}
					}
				}
				if got != c.want {
					t.Errorf("ended: %q, want %q", got, c.want)
				}
				if open := 7 - len(c.want); m.w.live.Len() != open {
					t.Errorf("%d live, want %d", m.w.live.Len(), open)
				}
			})
		}
	}
}

// TestAnyOrder: the events of one session in any order, some more than once, in transactions of any size, make one
// row with the counters of the largest and the end of the Stop.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events []string
		events = append(events, stamped(0, rec(0, Start, bob, idA)))
		n, total := rapid.IntRange(0, 5).Draw(t, "interims"), 0
		for i := range n {
			total += rapid.IntRange(1, 1000).Draw(t, "octets")
			events = append(events, stamped(60*(i+1), rec(60*(i+1), Interim, bob, idA, in(total), inGiga(0), secs(60*(i+1)))))
		}
		events = append(events, stamped(60*(n+1), rec(60*(n+1), Stop, bob, idA, in(total+1), inGiga(0), secs(60*(n+1)))))
		events = append(events, rapid.SliceOfN(rapid.SampledFrom(events), 0, 5).Draw(t, "again")...)
		m := newMemory(Rules{})
		m.play(t, rapid.Bool().Draw(t, "together"), rapid.Permutation(events).Draw(t, "order")...)
		want := []string{fmt.Sprintf("a/0 bob 0-%d %ds in=%d out=0 ", 60*(n+1), 60*(n+1), total+1)}
		if diff := cmp.Diff(want, m.table()); diff != "" {
			t.Fatalf("rows (-want +got):\n%s", diff)
		}
	})
}

// TestNeverDown: whatever a NAS sends, counters and times of a row never go down, at most one row of a key is open,
// and a session is counted as live exactly if its row is open.
func TestNeverDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory(Rules{})
		before := map[string]Session{}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			status := rapid.SampledFrom([]Status{Start, Interim, Stop, AccountingOn, AccountingOff}).Draw(t, "status")
			pairs := []string{bob, "44 Acct-Session-Id=" + rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), in(rapid.IntRange(0, 1<<32-1).Draw(t, "in"))}
			if rapid.Bool().Draw(t, "gigawords") {
				pairs = append(pairs, inGiga(rapid.IntRange(0, 9).Draw(t, "giga")))
			}
			if rapid.Bool().Draw(t, "time") {
				pairs = append(pairs, secs(rapid.IntRange(0, 1<<32-1).Draw(t, "secs")))
			}
			m.play(t, false, rec(rapid.IntRange(0, 9999).Draw(t, "arrival"), status, pairs...))
			open := map[Key]int{}
			for unique, s := range m.rows {
				b := before[unique]
				guessed := b.Marks&MarkClosed != 0 // a Stop corrects what we made up
				if s.Input < b.Input || s.Seconds < b.Seconds && !guessed || s.Begin < 0 || !s.Open() && s.End < s.Begin || !b.Open() && s.Open() {
					t.Fatalf("row goes back: %+v, was %+v", *s, b)
				}
				if s.Open() {
					open[s.Key]++
				}
				before[unique] = *s
			}
			for _, n := range open {
				if n > 1 {
					t.Fatal("two open rows of one key")
				}
			}
			if m.w.live.Len() != len(open) {
				t.Fatalf("%d live, %d open", m.w.live.Len(), len(open))
			}
		}
	})
}
