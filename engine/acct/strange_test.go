package acct

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perilune/engine/dictionary"
)

// strangeValues are texts as attributes have brought them: what no database and no index may stumble over.
var strangeValues = []string{
	"", "\x00", "bob\x00", "a\x00b\x00", "b\xfcro", "\xff\xfe\xfd", "\xed\xa0\x80", "π ≈ 3", "👩‍🚀", "\u202eevil", "line\nend", "tab\tquote\"back\\slash'apostrophe",
	"'; DROP TABLE radacct; --", "%s%n%{User-Name}", strings.Repeat("x", 253), strings.Repeat("\xff", 253), strings.Repeat("ü", 2000), strings.Repeat("\x00", 4000), strings.Repeat("\xf0\x9f", 2000),
	"[\"User-Name\",\"x\"]", "}{", "\\u0000", "NULL", "\x7f\x80\x81",
}

// TestStrangeValues sends each of them as each attribute of a session, beside a normal session: all records are kept,
// the rows come back as they are in memory, and a later record finds its session.
func TestStrangeValues(t *testing.T) {
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			o := StoreOptions{Dir: t.TempDir()}
			if where == "postgres" {
				o.Database = newCluster(t).url()
			}
			s := openTest(t, o)
			n := 0
			for _, status := range []Status{Start, Interim} {
				for i, v := range strangeValues {
					for _, number := range []uint32{numUserName, numSessionID, numCallingStationID, numNASIdentifier, numClass, numConnectInfo, numFramedIPAddress, numFramedIPv6Prefix, numNASIPAddress, numInputOctets, numEventTimestamp, numTerminateCause} {
						n++
						add(t, s, string(strangeRecord(status, i, number, v)))
					}
				}
			}
			settle(t, s)
			if st := s.Status(); st.Refused+st.Unreadable != 0 || st.Records != uint64(n) || st.Failure != "" {
				t.Errorf("%d sent: %+v", n, st)
			}
			before := s.Live().Select(Filter{})
			s.Close()
			s = openTest(t, o)
			after := s.Live().Select(Filter{})
			if len(before) != len(after) {
				t.Fatalf("%d live sessions, %d after a restart", len(before), len(after))
			}
			for i := range before {
				b, a := &before[i], &after[i]
				if b.User != a.User || b.SessionID != a.SessionID || b.CallingStationID != a.CallingStationID || b.Class != a.Class || b.NASIdentifier != a.NASIdentifier || b.Epoch != a.Epoch {
					t.Errorf("a session changed on its way through the database:\n%q\n%q", b.User+"|"+b.SessionID+"|"+b.Class, a.User+"|"+a.SessionID+"|"+a.Class)
				}
				if b.Epoch != 0 {
					t.Errorf("the Interim of %q did not find its session", b.SessionID)
				}
			}
		})
	}
}

// strangeRecord is a record of a session of its own in which one attribute is strange.
func strangeRecord(status Status, i int, number uint32, v string) []byte {
	attribute := func(n uint32, name, value string) dictionary.Pair {
		return dictionary.Pair{Attr: &dictionary.Attribute{Name: name, Number: n, Type: dictionary.TypeString}, Value: []byte(value)}
	}
	values := map[uint32]string{numUserName: "bob", numSessionID: fmt.Sprintf("%d-%d", i, number), numNASIdentifier: "sw"}
	values[number] = v
	if number == numSessionID || number == numNASIdentifier {
		values[number] += fmt.Sprintf(" %d", i) // may be cut off
	}
	if number == numSessionID && len(v) > 300 {
		values[numNASIdentifier] = fmt.Sprint(i)
	}
	pairs := []dictionary.Pair{attribute(numStatusType, "Acct-Status-Type", string(binary.BigEndian.AppendUint32(nil, uint32(status))))}
	for n, value := range values {
		pairs = append(pairs, attribute(n, fmt.Sprintf("Attr-%d", n), value))
	}
	return AppendRecord(nil, &Head{Arrival: noon.Add(time.Duration(status) * time.Second), Client: "campus"}, pairs)
}

// TestStrangeNamesAreCounted: the name of a login and that of its session compare, whatever their octets are.
func TestStrangeNamesAreCounted(t *testing.T) {
	s := openTest(t, StoreOptions{})
	for i, name := range strangeValues {
		if name == "" {
			continue
		}
		device := func(port string) Device { return Device{Client: "campus", NAS: "192.0.2.1", Port: port} }
		claim := Claim{User: Text([]byte(name)), Device: device("1"), Limit: 1, Now: noon}
		if b := s.Live().Claim(claim); !b.Granted {
			t.Errorf("%q is refused: %+v", name, b)
		}
		text := Text([]byte(name))
		add(t, s, rec(0, Start, "1 User-Name="+text, fmt.Sprintf("44 Acct-Session-Id=%d", i), "5 NAS-Port=1"))
		settle(t, s)
		claim.Device = device("2")
		if b := s.Live().Claim(claim); b.Granted || b.Count != 1 {
			t.Errorf("a second login of %q: %+v", name, b)
		}
	}
}

// TestManySessions: ten thousand sessions that begin and end at once, each of them a row with its counters.
func TestManySessions(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir})
	const sessions = 10000
	var records [][]byte
	for _, status := range []Status{Start, Interim, Stop} {
		for i := range sessions {
			pairs := []string{fmt.Sprintf("1 User-Name=u%d", i%100), fmt.Sprintf("44 Acct-Session-Id=%d", i), in(i), secs(30 * int(status&2))}
			records = append(records, []byte(rec(30*int(status&2), status, pairs...)))
		}
	}
	feed(t, s, records[:sessions], 1000)
	settle(t, s)
	if n := s.Live().Len(); n != sessions {
		t.Errorf("%d live sessions", n)
	}
	if n := s.Live().Count(Filter{User: "u7"}); n != sessions/100 {
		t.Errorf("%d sessions of one user", n)
	}
	feed(t, s, records[sessions:], 1000)
	settle(t, s)
	if n := s.Live().Len(); n != 0 {
		t.Errorf("%d live sessions at the end", n)
	}
	want := fmt.Sprintf("%d|%d|%d|%d", sessions, sessions, sessions*(sessions-1)/2, 3*sessions)
	if got := sqlite(t, filepath.Join(dir, "acct.db"), "SELECT count(*), count(acctstoptime), sum(acctinputoctets), (SELECT count(*) FROM acctevent) FROM radacct"); got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
}
