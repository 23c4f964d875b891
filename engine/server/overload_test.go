package server

import (
	"testing"
	"time"
)

// arrive lets requests of clients arrive for some ticks, and gives how many of each were shed.
func arrive(o *overload, ticks int, drops uint64, rates ...int) (shed []int) {
	shed = make([]int, len(rates))
	for range ticks {
		o.begin(o.lost+drops, o.tick.Add(overloadTick))
		for client, rate := range rates {
			for range rate {
				if o.shed(client) {
					shed[client]++
				}
			}
		}
	}
	return shed
}

func TestOverloadShedsTheNoisiest(t *testing.T) {
	var o overload
	o.tick = time.Unix(1000, 0)
	if shed := arrive(&o, 10, 0, 1000, 10); shed[0] != 0 || shed[1] != 0 {
		t.Errorf("without drops %v were shed", shed)
	}
	shed := arrive(&o, 20, 5, 1000, 100, 50)
	if shed[0] < 10_000 || shed[0] > 19_000 || shed[1] != 0 || shed[2] != 0 {
		t.Errorf("of 20,000, 2,000 and 1,000 requests %v were shed", shed)
	}
	arrive(&o, 20, 0, 1000, 100, 50)
	if shed := arrive(&o, 1, 0, 1000, 100, 50); o.level != 0 || shed[0] != 0 {
		t.Errorf("after the overload level %d, %v shed", o.level, shed)
	}
}

func TestOverloadSparesAClientAlone(t *testing.T) {
	var o overload
	o.tick = time.Unix(1000, 0)
	if shed := arrive(&o, 20, 5, 1000); shed[0] != 0 {
		t.Errorf("%d were shed, and nobody gained", shed[0])
	}
	if shed := arrive(&o, 20, 5, 1000, 1); shed[0] != 0 {
		t.Errorf("%d were shed for the sake of one in a thousand", shed[0])
	}
}
