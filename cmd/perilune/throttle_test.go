package main

import (
	"fmt"
	"strings"
	"testing"

	"perilune/engine/radius"
)

// TestThrottleCommands: somebody guesses; settings, log, status, reload and the way out as an operator meets them.
func TestThrottleCommands(t *testing.T) {
	settings := byCommand + "[throttle]\nfailures = 4\nspan = \"1h\"\nuser-delay = 0\n"
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/config.toml": settings,
		"raddb/users":       "$DIALECT freeradius\nbob Cleartext-Password := \"hello\"\n",
	}))
	a := newAsker(t, s.addrs["auth"])
	want := func(password string, code radius.Code) {
		t.Helper()
		raw, _ := a.request("bob", password, nil)
		if got := radius.Code(a.exchange(t, raw)[0]); got != code {
			t.Errorf("password %s: %v, want %v", password, got, code)
		}
	}
	for n := range 4 {
		want(fmt.Sprint("guess", n), radius.CodeAccessReject)
	}
	want("hello", radius.CodeAccessReject)
	s.wasLast(t, "bob", "Access-Request reject", "reason=throttled")
	status := s.must(t, exitOK, "status")
	contains(t, status, "throttled for wrong passwords: 1 users at their stations, 0 stations; 0 users are answered later")
	contains(t, status, "throttled 1")

	writeFiles(t, s.dir, map[string]string{"raddb/users": "$DIALECT freeradius\nbob Cleartext-Password := \"hello\" # as before\n"})
	s.must(t, exitOK, "reload")
	want("hello", radius.CodeAccessReject)
	contains(t, s.must(t, exitOK, "status", "-forget", "failures"), "nobody is throttled any more")
	want("hello", radius.CodeAccessAccept)
	if status := s.must(t, exitOK, "status"); strings.Contains(status, "throttled for") {
		t.Errorf("still throttled:\n%s", status)
	}
}
