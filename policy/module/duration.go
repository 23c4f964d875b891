package module

import (
	"fmt"
	"math"
	"strconv"
	"strings"
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

// Duration reads a duration as scripts write it; name is what errors call it. It reads "800ms", "90s", "5m", "1h", "1d" or a number of seconds. It must be above zero, and ten years at most.
func Duration(name string, v lua.LValue) (time.Duration, error) {
	var d float64
	ok := true
	switch v := v.(type) {
	case lua.LNumber:
		d = float64(v) * float64(time.Second)
	case lua.LString:
		d, ok = parseDuration(string(v))
	default:
		return 0, fmt.Errorf(`%s: got a %s, expected a duration such as "800ms", "90s", "5m"`, name, v.Type())
	}
	switch {
	case !ok || math.IsNaN(d):
		return 0, fmt.Errorf(`%s: %v is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`, name, quoted(v))
	case d < 1:
		return 0, fmt.Errorf(`%s: got %v, expected a duration above zero, such as "800ms", "90s", "5m"`, name, v)
	case d > float64(maxDuration):
		return 0, fmt.Errorf(`%s: got %v, expected a duration of ten years ("3650d") at most`, name, v)
	}
	return time.Duration(d), nil
}

// quoted gives a value as an error shows it: a text that would not be seen has quotes.
func quoted(v lua.LValue) string {
	if text := v.String(); strings.TrimSpace(text) != "" {
		return text
	}
	return strconv.Quote(v.String())
}

// parseDuration gives nanoseconds.
func parseDuration(text string) (d float64, ok bool) {
	for _, u := range durationUnits {
		if number, has := strings.CutSuffix(text, u.suffix); has {
			if n, err := strconv.ParseFloat(number, 64); err == nil {
				return n * float64(u.unit), true
			}
		}
	}
	return 0, false
}
