package reload

import (
	"perilune/engine/config"
	"perilune/engine/server"
)

// dynamic maps [coa] to what the server takes.
func dynamic(c config.CoA) server.Dynamic {
	d := server.Dynamic{Timeout: c.Timeout, Tries: c.Tries, StopWait: c.StopWait, Stamped: c.Stamped}
	if d.StopWait == 0 {
		d.StopWait = -1
	}
	return d
}
