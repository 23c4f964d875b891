package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/admin"
	"perilune/engine/proxy"
)

// TestWriteHomes: what status says of home servers.
func TestWriteHomes(t *testing.T) {
	var b strings.Builder
	writeHomes(&b, []homeStatus{
		{Server: "192.0.2.1", Address: "192.0.2.1:1812", Kind: "auth", Health: "up"},
		{Server: "home.example", Address: "[2001:db8::1]:1812", Kind: "auth", Health: "up", Sent: 7, Answers: 7, Latency: 5134567},
		{Server: "2001:db8::2", Address: "[2001:db8::2]:1813", Kind: "acct", Health: "doubtful", Outstanding: 3, Sent: 9, Resent: 2, Timeouts: 5, Answers: 1,
			Latency: time.Second, Refused: 4},
		{Server: "192.0.2.3", Address: "192.0.2.3:1812", Kind: "auth", Health: "dead", Sent: 3, Timeouts: 3},
	})
	want := `home server 192.0.2.1:1812 for auth: up, not asked yet
home server home.example ([2001:db8::1]:1812) for auth: up, 7 sent, 7 answered in 5.13ms on average
home server [2001:db8::2]:1813 for acct: doubtful, 9 sent, 1 answered in 1s on average, 3 out now, 2 sent again, 5 without an answer, 4 answers refused
home server 192.0.2.3:1812 for auth: dead, 3 sent, 0 answered, 3 without an answer
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestLatencyUnknown: without an answer to a first try there is no latency, neither in the status nor in the metrics.
func TestLatencyUnknown(t *testing.T) {
	for _, latency := range []time.Duration{0, time.Second} {
		text, err := json.Marshal(homeStatus{Sent: 2, Answers: 1, Latency: latency})
		if got := strings.Contains(string(text), `"latency"`); got != (latency > 0) || err != nil {
			t.Errorf("%v: status %s, %v", latency, text, err)
		}
		found := false
		homeSamples(&proxy.HomeStatus{Tally: proxy.Tally{Latency: latency}}, func(s admin.Sample) {
			found = found || s.Name == "perilune_home_latency_seconds"
		})
		if found != (latency > 0) {
			t.Errorf("%v: metric %v", latency, found)
		}
	}
}
