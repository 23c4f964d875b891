package main

import (
	"fmt"
	"strings"
	"testing"
)

const reloadScript = `
local here, kept = kv.open("here", {max = %d}), kv.open("kept", {persist = true})
local window = window.open("logins")
on("authorize", function(req)
  return accept{message = here:incr(req.user) .. " " .. kept:incr(req.user) .. " " .. window:add(req.user)}
end)
`

// TestTablesOverReloads: tables and windows live on over a reload that is refused, one with other options, and one of
// scripts that do not open them for a while.
func TestTablesOverReloads(t *testing.T) {
	script := fmt.Sprintf(reloadScript, 100)
	dir := loopTree(t, map[string]string{"scripts/a.lua": script})
	s := serveOnLoopback(t, dir)
	n := 0
	ask := func(what string) {
		t.Helper()
		n++
		want := fmt.Sprintf(`Reply-Message = "%d %d %d"`, n, n, n)
		if text := login(t, s.addrs["auth"], "User-Name=ann", "User-Password=x"); !strings.Contains(text, want) {
			t.Errorf("%s: want %s\n%s", what, want, text)
		}
	}
	reload := func(text string, code int) {
		t.Helper()
		writeFiles(t, dir, map[string]string{"scripts/a.lua": text})
		s.must(t, code, "reload", "-d", s.raddb())
	}
	ask("at first")
	reload(script+"nonsense", exitFailed)
	ask("refused")
	reload(fmt.Sprintf(reloadScript, 100_000), exitOK)
	ask("more room")
	reload("-- nothing", exitOK)
	reload(script, exitOK)
	ask("after a while without them")
}
