package server

import (
	"context"
	"errors"
	"testing"

	"perilune/engine/acct"
)

// elsewhere is a shared store that has what it is told.
type elsewhere struct {
	alone   bool
	full    bool
	away    bool
	asked   []string
	unasked []string
}

func (e *elsewhere) Shared() bool { return !e.alone }

func (e *elsewhere) Place(_ context.Context, c acct.Claim) (acct.Booking, error) {
	e.asked = append(e.asked, c.User)
	if e.away {
		return acct.Booking{}, errors.New("away")
	}
	return acct.Booking{Granted: !e.full, Count: 7}, nil
}

func (e *elsewhere) Unplace(user string, _ acct.Device) { e.unasked = append(e.unasked, user) }

// TestPlacesElsewhere: where logins are limited and servers share a store, that has the last word, if it answers.
func TestPlacesElsewhere(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		places     elsewhere
		want       Kind
		asked      int
	}{
		{"room", "Simultaneous-Use := 1", elsewhere{}, Accept, 1},
		{"no room at another server", "Simultaneous-Use := 1", elsewhere{full: true}, Reject, 1},
		{"no answer", "Simultaneous-Use := 1", elsewhere{away: true}, Accept, 1},
		{"not shared", "Simultaneous-Use := 1", elsewhere{alone: true, full: true}, Accept, 0},
		{"no limit", "Login-Time := Any", elsewhere{full: true}, Accept, 0},
		{"refused here", "Simultaneous-Use := 0", elsewhere{}, Reject, 0},
		{"rejected later", "Simultaneous-Use := 1, Expiration := \"1 Jan 2000\"", elsewhere{}, Reject, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := load(t, "bob Auth-Type := Accept, "+c.rule+"\n", nil)
			o := offline()
			o.core.places = &c.places
			out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob")})
			if out.Kind != c.want || len(c.places.asked) != c.asked {
				t.Errorf("%s, asked %v", out, c.places.asked)
			}
			if live := o.core.sessions.(*acct.Live); c.want == Reject && live.Booked(monday) != 0 {
				t.Errorf("%d places are left in memory", live.Booked(monday))
			}
		})
	}
}
