package acct

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// session makes an open session of a user's device.
func session(user, id string, d Device) *Session {
	s := &Session{SessionID: id, User: user, UserName: user, Client: d.Client, NASAddress: d.NAS, Port: d.Port, CallingStationID: d.Calling, MultiSessionID: d.Multi, Begin: noon.Unix()}
	s.Key, _ = DefaultIdentity.Identify(&Event{SessionID: id, Client: d.Client})
	return s
}

func TestClaim(t *testing.T) {
	phone, laptop := Device{Client: "ap", NAS: "ap1", Port: "1", Calling: "02-00-00-00-00-01"}, Device{Client: "ap", NAS: "ap1", Port: "1", Calling: "02-00-00-00-00-02"}
	roamed := Device{Client: "ap", NAS: "ap2", Port: "7", Calling: "020000000001"}
	line1, line2 := Device{NAS: "n", Port: "1"}, Device{NAS: "n", Port: "2"}
	type ask struct {
		d     Device
		after time.Duration
		limit int
		want  bool
	}
	for _, c := range []struct {
		name string
		live []Device
		asks []ask
	}{
		{"two in one second", nil, []ask{{phone, 0, 1, true}, {laptop, 0, 1, false}}},
		{"a place is freed by time", nil, []ask{{phone, 0, 1, true}, {laptop, 29 * time.Second, 1, false}, {laptop, 31 * time.Second, 1, true}}},
		{"the same device again", []Device{phone}, []ask{{phone, 0, 1, true}, {roamed, 0, 1, true}, {laptop, 0, 1, false}}},
		{"places and sessions together", []Device{phone}, []ask{{laptop, 0, 2, true}, {line1, 0, 2, false}, {line1, 0, 3, true}}},
		{"no station: the port tells", []Device{line1}, []ask{{line1, 0, 1, true}, {line2, 0, 1, false}}},
		{"multilink", []Device{{NAS: "n", Port: "1", Multi: "m"}, {NAS: "n", Port: "2", Multi: "m"}}, []ask{{Device{NAS: "n", Port: "3", Multi: "m"}, 0, 1, true}, {Device{NAS: "n", Port: "4"}, 0, 2, true}}},
		{"nothing known: each is a device of its own", nil, []ask{{Device{}, 0, 1, true}, {Device{}, 0, 1, false}}},
		{"no login at all", nil, []ask{{phone, 0, 0, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLive(1 << 20)
			for i, d := range c.live {
				l.put(session("bob", fmt.Sprint(i), d))
			}
			for i, a := range c.asks {
				got := l.Claim(Claim{User: "bob", Device: a.d, Limit: a.limit, Now: noon.Add(a.after)})
				if got.Granted != a.want {
					t.Errorf("claim %d: %+v, want %v", i, got, a.want)
				}
			}
		})
	}
}

func TestClaimConfirmedByStart(t *testing.T) {
	l := newLive(1 << 20)
	d := Device{Client: "c", NAS: "n", Port: "1"}
	claim := func(d Device) Booking { return l.Claim(Claim{User: "bob", Device: d, Limit: 1, Now: noon}) }
	if !claim(d).Granted || l.Booked(noon) != 1 {
		t.Fatal("no place")
	}
	s := session("bob", "a", d)
	l.put(s)
	if l.Booked(noon) != 0 {
		t.Error("the Start left its place booked")
	}
	b := claim(Device{Client: "c", NAS: "n", Port: "2"})
	if b.Granted || len(b.Sessions) != 1 || b.Sessions[0].SessionID != "a" {
		t.Errorf("second login: %+v", b)
	}
	b = l.Claim(Claim{User: "bob", Limit: 1, Now: noon, Ignore: func(s *Session) bool { return s.SessionID == "a" }})
	if !b.Granted {
		t.Errorf("a dead session counts: %+v", b)
	}
	l.Release("bob", Device{})
	ended := *s
	ended.live, ended.End = false, ended.Begin+9
	l.put(&ended)
	if l.Len() != 0 || l.Booked(noon) != 0 || !claim(d).Granted {
		t.Error("a Stop frees no place")
	}
}

// TestClaimRace: of many at once exactly as many get in as there are places.
func TestClaimRace(t *testing.T) {
	l := newLive(1 << 20)
	var granted atomic.Int32
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if l.Claim(Claim{User: "bob", Device: Device{Calling: fmt.Sprint(i)}, Limit: 3, Now: noon}).Granted {
				granted.Add(1)
			}
		})
	}
	all.Wait()
	if granted.Load() != 3 {
		t.Errorf("%d logins for 3 places", granted.Load())
	}
}

func TestSelect(t *testing.T) {
	l := newLive(1 << 20)
	for i, d := range []Device{{Client: "c", NAS: "10.0.0.1", Calling: "02-00-00-00-00-0A"}, {Client: "d", NAS: "10.0.0.2"}} {
		s := session(fmt.Sprintf("user%d", i), fmt.Sprint(i), d)
		s.Begin += int64(i)
		s.Realm, s.NASIdentifier = fmt.Sprintf("r%d", i), fmt.Sprintf("nas%d", i)
		l.put(s)
	}
	for _, c := range []struct {
		f    Filter
		want string
	}{
		{Filter{}, "10"}, {Filter{Limit: 1}, "1"}, {Filter{User: "user0"}, "0"}, {Filter{User: "nobody"}, ""}, {Filter{NAS: "10.0.0.1"}, "0"}, {Filter{NAS: "nas1"}, "1"},
		{Filter{NAS: "d"}, "1"}, {Filter{Client: "c"}, "0"}, {Filter{Realm: "r1"}, "1"}, {Filter{Calling: "02:00:00:00:00:0a"}, "0"}, {Filter{Calling: "0200.0000.000a"}, "0"},
		{Filter{ID: "1"}, "1"}, {Filter{Since: noon.Add(time.Hour)}, "10"}, {Filter{Until: noon.Add(time.Second)}, "0"},
	} {
		got := ""
		for _, s := range l.Select(c.f) {
			got += s.SessionID
		}
		if got != c.want || l.Count(c.f) != len(c.want) && c.f.Limit == 0 {
			t.Errorf("%+v: %q and %d, want %q", c.f, got, l.Count(c.f), c.want)
		}
	}
}

func TestDoubtful(t *testing.T) {
	l := newLive(1 << 20)
	quiet, talking := session("a", "1", Device{}), session("b", "2", Device{})
	talking.Interval, talking.Heard = 100, noon.Unix()
	l.put(quiet)
	l.put(talking)
	if got := l.Doubtful(noon.Add(300 * time.Second)); len(got) != 0 {
		t.Errorf("doubted too early: %+v", got)
	}
	got := l.Doubtful(noon.Add(301 * time.Second))
	if len(got) != 1 || got[0].User != "b" {
		t.Errorf("doubtful: %+v", got)
	}
}

// TestLiveModel compares the indexes with a plain map.
func TestLiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, model := newLive(1<<20), map[string]*Session{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(t, "id")
			s := session(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "user"), id, Device{Client: "c"})
			if rapid.Bool().Draw(t, "ended") {
				s.End = noon.Unix()
			}
			l.put(s)
			model[id] = s
			users := map[string]int{}
			for _, s := range model {
				if s.Open() {
					users[s.User]++
				}
			}
			got := map[string]int{}
			for _, u := range []string{"x", "y"} {
				if n := len(l.Select(Filter{User: u})); n > 0 {
					got[u] = n
				}
			}
			if diff := cmp.Diff(users, got); diff != "" || len(l.clients["c"]) != l.Len() || l.Len() != users["x"]+users["y"] {
				t.Fatalf("open sessions of users (-want +got):\n%s", diff)
			}
		}
	})
}

func TestRetiredAreForgotten(t *testing.T) {
	l := newLive(1 << 20)
	for i := range keptClosed + 10 {
		s := session("u", fmt.Sprint(i), Device{})
		l.put(s)
		e := *s
		e.End, e.live = noon.Unix(), false
		l.put(&e)
	}
	if len(l.byKey) != keptClosed || l.Len() != 0 {
		t.Errorf("%d sessions are kept, %d of them open", len(l.byKey), l.Len())
	}
}
