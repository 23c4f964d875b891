package module

import (
	"fmt"
	"math"
	"strconv"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// maxDuration bounds durations that scripts write: ten years.
const maxDuration = 10 * 365 * 24 * time.Hour

// durationUnits are the units that scripts may write.
var durationUnits = []struct {
	suffix string
	unit   time.Duration
}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}}

// Duration reads a duration as scripts write it; name is what errors call it. It reads "800ms", "90s", "5m", "1h", "1d" or a number of seconds. It must be above zero.
func Duration(name string, v lua.LValue) (time.Duration, error) {
	var d time.Duration
	ok := true
	switch v := v.(type) {
	case lua.LNumber:
		d, ok = scale(float64(v), time.Second)
	case lua.LString:
		d, ok = parseDuration(string(v))
	default:
		return 0, fmt.Errorf(`%s: got a %s, expected a duration such as "800ms", "90s", "5m"`, name, v.Type())
	}
	switch {
	case ok && d <= 0:
		return 0, fmt.Errorf(`%s: got %v, expected a duration above zero, such as "800ms", "90s", "5m"`, name, v)
	case !ok:
		return 0, fmt.Errorf(`%s: %v is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`, name, v)
	}
	return d, nil
}

func parseDuration(text string) (d time.Duration, ok bool) {
	for _, u := range durationUnits {
		if len(text) > len(u.suffix) && text[len(text)-len(u.suffix):] == u.suffix {
			if n, err := strconv.ParseFloat(text[:len(text)-len(u.suffix)], 64); err == nil {
				return scale(n, u.unit)
			}
		}
	}
	return 0, false
}

// scale gives n units; it is false if that is no sensible duration.
func scale(n float64, unit time.Duration) (d time.Duration, ok bool) {
	f := n * float64(unit)
	if math.IsNaN(f) || math.Abs(f) > float64(maxDuration) {
		return 0, false
	}
	return time.Duration(f), true
}
