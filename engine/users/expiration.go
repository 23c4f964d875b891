package users

import (
	"fmt"
	"time"

	"perilune/engine/dictionary"
)

// ParseExpiration reads the value of Expiration: "Jan 05 2026", "Jan 05 2026 18:00", "2026-01-05T18:00:00Z".
// A date without hours means its beginning in the zone: the account is good until the day before. "Never"
// is refused: leave the attribute out.
func ParseExpiration(text string, zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.Local
	}
	if t, ok := dictionary.ParseDate(text, zone); ok {
		return t, nil
	}
	if foldEqual(text, "never") {
		//lint:ignore ST1005 it begins with the attribute's name
		return time.Time{}, fmt.Errorf("Expiration is %q; leave Expiration out for an account without end", text)
	}
	//lint:ignore ST1005 it begins with the attribute's name
	return time.Time{}, fmt.Errorf(`Expiration is %q; expected a date such as "Jan 05 2026", "5 Jan 2026 18:00" or "2026-01-05T18:00:00Z"`, text)
}
