package acct

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// line is a record with the given attributes, each "number Name=value"; number 0 for a vendor's.
func line(head string, pairs ...string) string {
	var types, attrs []string
	for _, p := range pairs {
		number, rest, _ := strings.Cut(p, " ")
		name, value, _ := strings.Cut(rest, "=")
		pair, _ := json.Marshal([2]string{name, value})
		types, attrs = append(types, number), append(attrs, string(pair))
	}
	return `{` + head + `,"types":[` + strings.Join(types, ",") + `],"attributes":[` + strings.Join(attrs, ",") + `]}`
}

var cmpEvent = cmp.Options{cmp.AllowUnexported(Event{}), cmpopts.EquateComparable(netip.AddrPort{})}

func TestParse(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	const head = `"time":"2026-01-02T03:04:05.0000006Z"`
	for _, c := range []struct {
		name, line string
		want       Event
	}{
		{"least", `{` + head + `}`, Event{Arrival: at}},
		{"whole", line(`"seq":9,`+head+`,"id":7,"client":"campus","source":"192.0.2.1:1646","nas":"sw-1","user":"bob","realm":"r","status":2,"stamp":1767323045,"class":{"a":[1,"}"]}`,
			"1 User-Name=Bob@r", "40 Acct-Status-Type=Stop", "44 Acct-Session-Id=a\"\\b", "42 Acct-Input-Octets=5", "52 Acct-Input-Gigawords=1", "46 Acct-Session-Time=60",
			"41 Acct-Delay-Time=3", "0 Cisco-AVPair=x=y", "5 NAS-Port-Id=17", "61 NAS-Port-Type=Virtual"),
			Event{Seq: 9, Arrival: at, ID: 7, Client: "campus", Source: netip.MustParseAddrPort("192.0.2.1:1646"), NAS: "sw-1", User: "bob", Realm: "r", Status: Stop,
				Stamp: 1767323045, UserName: "Bob@r", SessionID: `a"\b`, Input: Octets{5, 1, true, true}, Seconds: 60, Delay: 3, has: hasSeconds | hasDelay, NASPort: "17", NASPortType: "Virtual",
				Attributes: `[["User-Name","Bob@r"],["Acct-Status-Type","Stop"],["Acct-Session-Id","a\"\\b"],["Acct-Input-Octets","5"],["Acct-Input-Gigawords","1"],["Acct-Session-Time","60"],["Acct-Delay-Time","3"],["Cisco-AVPair","x=y"],["NAS-Port-Id","17"],["NAS-Port-Type","Virtual"]]`}},
		{"malformed numbers are missing ones", line(head+`,"status":3`, "42 Acct-Input-Octets=0x0102", "46 Acct-Session-Time=0x", "41 Acct-Delay-Time=99999999999"),
			Event{Arrival: at, Status: Interim, Attributes: `[["Acct-Input-Octets","0x0102"],["Acct-Session-Time","0x"],["Acct-Delay-Time","99999999999"]]`}},
		{"the first of several counts", line(head, "1 User-Name=a", "1 User-Name=b"),
			Event{Arrival: at, UserName: "a", Attributes: `[["User-Name","a"],["User-Name","b"]]`}},
		{"close", string(AppendClose(nil, at, "abc", "Admin-Reset")),
			Event{Arrival: at, Status: Close, Unique: "abc", TerminateCause: "Admin-Reset", Attributes: `[["Acct-Terminate-Cause","Admin-Reset"]]`}},
		{"a record of an older release", `{"time":"2026-01-02T03:04:05.0000006Z","id":1,"client":"c","attributes":[["User-Name","x"]]}`, Event{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got Event
			err := got.Parse(c.line)
			if (err != nil) != (c.want.Arrival.IsZero()) {
				t.Fatalf("Parse: %v", err)
			}
			if diff := cmp.Diff(c.want, got, cmpEvent); err == nil && diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	good := line(`"time":"2026-01-02T03:04:05Z","id":7`, "1 User-Name=x")
	for i := range len(good) {
		var e Event
		if e.Parse(good[:i]) == nil {
			t.Errorf("half a line is taken: %s", good[:i])
		}
	}
	for _, bad := range []string{"x", "[]", "{}", `{"time":1}`, good + "x", `{"time":"never"}`, `{"time"}`} {
		var e Event
		if e.Parse(bad) == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}

// TestQuote: what quoteTail writes, encoding/json and unquote read alike.
func TestQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		quoted := string(appendField(nil, `"`, text))
		var want string
		if err := json.Unmarshal([]byte(quoted), &want); err != nil {
			t.Fatalf("%q: %v", quoted, err)
		}
		if got := unquote(quoted); got != want || got != text {
			t.Fatalf("%q became %q, json reads %q", text, got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(line(`"seq":9,"time":"2026-01-02T03:04:05Z","id":7,"client":"a\u00e9\ud83d\ude00","x":{"y":[1,{"z":null}]}`, "1 User-Name=bob", "44 Acct-Session-Id=1"))
	f.Add(string(AppendClose(nil, time.Unix(0, 0), `a"b`, "x")))
	f.Add(`{"time":"2026-01-02T03:04:05Z","types":[],"attributes":[["","\`)
	f.Fuzz(func(t *testing.T, text string) {
		var e Event
		if e.Parse(text) == nil && e.Attributes != "" && !strings.Contains(text, e.Attributes) {
			t.Errorf("attributes are not those of the line: %q", e.Attributes)
		}
	})
}
