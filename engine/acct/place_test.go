package acct

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// login claims a place as a server does: in memory, and then where all servers see it.
func login(t *testing.T, s *Store, user, port string, limit int) Booking {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := Claim{User: user, Device: Device{Client: "campus", NAS: "192.0.2.1", Port: port}, Limit: limit, Now: time.Now()}
	b := s.Live().Claim(c)
	if !b.Granted {
		return b
	}
	b, err := s.Place(ctx, c)
	if err != nil {
		t.Error(err)
	}
	if !b.Granted {
		s.Live().Release(user, c.Device)
	}
	return b
}

func (c *cluster) testPlaces(t *testing.T) {
	a, b := openTest(t, StoreOptions{Database: c.url(), Node: "a"}), openTest(t, StoreOptions{Database: c.url(), Node: "b"})
	now := func(status Status, id, port string, more ...string) string {
		return line(fmt.Sprintf(`"time":"%s","id":1,"client":"campus","source":"192.0.2.1:1646","status":%d`, time.Now().UTC().Format(time.RFC3339Nano), status),
			append(more, "4 NAS-IP-Address=192.0.2.1", "1 User-Name=pat", "44 Acct-Session-Id="+id, "5 NAS-Port="+port)...)
	}
	t.Run("race", func(t *testing.T) {
		for round := range 20 {
			var granted atomic.Int32
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if login(t, []*Store{a, b}[i%2], fmt.Sprintf("racer%d", round), fmt.Sprint(i), 3).Granted {
						granted.Add(1)
					}
				})
			}
			all.Wait()
			if granted.Load() != 3 {
				t.Errorf("%d of 8 logins got 3 places", granted.Load())
			}
		}
	})
	t.Run("story", func(t *testing.T) {
		expect := func(what string, s *Store, port string, want bool) {
			t.Helper()
			if got := login(t, s, "pat", port, 1); got.Granted != want {
				t.Errorf("%s: %+v", what, got)
			}
		}
		expect("first login", a, "1", true)
		expect("the second, before the Start", b, "2", false)
		expect("the same device again", b, "1", true)
		add(t, a, now(Start, "pat1", "1"))
		settle(t, a)
		expect("the second, after the Start", b, "2", false)
		add(t, b, now(Stop, "pat1", "1", secs(1)))
		settle(t, b)
		eventually(t, "both know of the end", func() bool {
			return a.Live().Count(Filter{User: "pat"})+b.Live().Count(Filter{User: "pat"}) == 0
		})
		expect("another device after the Stop: the place was used", b, "2", true)
		b.Unplace("pat", Device{Client: "campus", NAS: "192.0.2.1", Port: "2"})
		b.Live().Release("pat", Device{Client: "campus", NAS: "192.0.2.1", Port: "2"})
		eventually(t, "the place is free", func() bool { return login(t, a, "pat", "3", 1).Granted })
	})
	t.Run("away", func(t *testing.T) {
		c.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		if _, err := a.Place(ctx, Claim{User: "x", Limit: 1, Now: time.Now()}); !errors.Is(err, ErrPlaces) {
			t.Errorf("no answer in time: %v", err)
		}
		if _, err := a.Place(t.Context(), Claim{User: "x", Limit: 1, Now: time.Now()}); !errors.Is(err, ErrPlaces) {
			t.Errorf("at once after that: %v", err)
		}
		eventually(t, "asked again", func() bool {
			b, err := a.Place(t.Context(), Claim{User: "x", Limit: 1, Now: time.Now()})
			return err == nil && b.Granted
		})
		if st := a.Status(); !st.Shared || st.Asked == 0 || st.Unanswered == 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestPlaceNotShared(t *testing.T) {
	s := openTest(t, StoreOptions{})
	if _, err := s.Place(t.Context(), Claim{}); !errors.Is(err, ErrNotShared) || s.Shared() {
		t.Error(err)
	}
	s.Unplace("x", Device{})
}
