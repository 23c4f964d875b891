package acct

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// inJournal makes a record a line of the journal.
func inJournal(n int, record string) string { return fmt.Sprintf(`{"seq":%d,%s`+"\n", n, record[1:]) }

// drawRecord gives any record of a few sessions of two NASes.
func drawRecord(t *rapid.T) string {
	ids := rapid.SampledFrom([]string{"a", "b", "c"})
	status := rapid.SampledFrom([]Status{Start, Start, Interim, Stop, Stop, AccountingOn, AccountingOff}).Draw(t, "status")
	at := rapid.IntRange(0, 3).Draw(t, "hours")*3600 + rapid.IntRange(0, 90).Draw(t, "seconds")
	if status.ofNAS() {
		return rec(at, status)
	}
	user := rapid.SampledFrom([]string{bob, bob, "1 User-Name=eve"}).Draw(t, "user")
	pairs := []string{user, "44 Acct-Session-Id=" + ids.Draw(t, "id"), in(rapid.IntRange(0, 3).Draw(t, "in"))}
	if rapid.Bool().Draw(t, "time") {
		pairs = append(pairs, secs(rapid.IntRange(0, 90).Draw(t, "secs")))
	}
	if rapid.Bool().Draw(t, "delayed") {
		pairs = append(pairs, delay(rapid.IntRange(0, 9000).Draw(t, "delay")))
	}
	return rec(at, status, pairs...)
}

// sameSessions compares all but what the database gives.
var sameSessions = []cmp.Option{cmpopts.IgnoreUnexported(Session{}), cmpopts.IgnoreFields(Session{}, "Row"), cmpopts.EquateEmpty()}

// TestTwoFaces: however far the database is behind, what is seen is what all records make that anybody has taken,
// and what is written is what they make without trouble.
func TestTwoFaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		for i := range rapid.IntRange(1, 40).Draw(t, "records") {
			lines = append(lines, inJournal(i+1, drawRecord(t)))
		}
		after := make([][]Session, len(lines)+1)
		plain := newMemory(Rules{})
		for i, line := range lines {
			plain.play(t, false, strings.TrimSpace(line))
			after[i+1] = plain.w.live.Select(Filter{})
		}
		var ahead work
		m := newMemory(Rules{})
		ahead.init(m.w.rules, m.w.live)
		ahead.face = shown{m.w.live}
		written, seen := 0, 0
		for written < len(lines) {
			if seen = max(seen, written); rapid.Bool().Draw(t, "ahead") && seen < len(lines) {
				n := rapid.IntRange(seen+1, len(lines)).Draw(t, "seen")
				ahead.parse(strings.Join(lines[seen:n], ""), &counts{})
				if err := ahead.fill(noDatabase{}); err != nil {
					t.Fatal(err)
				}
				for _, s := range ahead.batch.sessions {
					m.w.live.show(s)
				}
				seen = n
			} else {
				n := rapid.IntRange(written+1, len(lines)).Draw(t, "written")
				m.w.parse(strings.Join(lines[written:n], ""), &counts{})
				if err := m.w.fill(nowhere{}); err != nil {
					t.Fatal(err)
				}
				for _, s := range m.w.batch.sessions {
					m.rows[s.Unique()] = s
				}
				m.w.batch.last = uint64(n)
				m.w.publish(&counts{})
				written = n
			}
			if diff := cmp.Diff(after[max(seen, written)], m.w.live.Select(Filter{}), sameSessions...); diff != "" {
				t.Fatalf("seen with %d written and %d seen (-want +got):\n%s", written, seen, diff)
			}
		}
		if diff := cmp.Diff(plain.rows, m.rows, sameSessions...); diff != "" {
			t.Fatalf("rows (-want +got):\n%s", diff)
		}
		if n := len(m.w.live.shadows.byKey) + len(m.w.live.shadows.clients); n != 0 {
			t.Fatalf("%d shadows are left", n)
		}
	})
}

// TestShadowsAreBounded: sessions that came and went while the database was away take no more room than live ones may.
func TestShadowsAreBounded(t *testing.T) {
	l := newLive(2 * keptClosed)
	for i := range 4 * keptClosed {
		s := session("u", fmt.Sprint(i), Device{})
		s.End, s.number = noon.Unix(), uint64(i+1)
		l.show(s)
	}
	if n := len(l.shadows.byKey); n > 2*keptClosed+1 {
		t.Errorf("%d shadows", n)
	}
	l.settle(nil, 4*keptClosed)
	if n := len(l.shadows.byKey) + len(l.byKey); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// TestMisjudged: what was shown for want of a row that the database has gives way to what the database says.
func TestMisjudged(t *testing.T) {
	l := newLive(10)
	d := Device{Client: "c", Calling: "x"}
	l.show(numberedSession("u", "1", d, 0, 1))
	l.Claim(Claim{User: "u", Device: Device{Client: "c", Calling: "y"}, Limit: 5, Now: noon})
	right := numberedSession("u", "1", d, 3, 1)
	l.put(right)
	if got := l.Select(Filter{}); len(got) != 1 || got[0].Epoch != 0 {
		t.Errorf("before it is settled: %+v", got)
	}
	l.settle([]*Session{right}, 1)
	if got := l.Select(Filter{}); len(got) != 1 || got[0].Epoch != 3 {
		t.Errorf("after: %+v", got)
	}
	if l.Booked(noon) != 1 {
		t.Error("the correction took the place of another device")
	}
	l.show(numberedSession("u", "2", d, 0, 2))
	l.settle(nil, 2)
	if got := l.Select(Filter{}); len(got) != 1 || l.Len() != 1 {
		t.Errorf("what the database does not have is still there: %+v", got)
	}
}

func numberedSession(user, id string, d Device, epoch uint32, number uint64) *Session {
	s := session(user, id, d)
	s.Epoch, s.number = epoch, number
	return s
}
