package main

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// frontSections make FreeRADIUS forward everything.
const frontSections = `
	authorize {
		update control {
			Proxy-To-Realm := "behind"
		}
	}
	preacct {
		update control {
			Proxy-To-Realm := "behind"
		}
	}
	accounting {
		ok
	}
`

// frontConfig is where it forwards to, and that it asks by Status-Server when there is no answer.
const frontConfig = `
proxy_requests = yes
home_server auth {
	type = auth
	ipaddr = 127.0.0.1
	port = @behind auth@
	secret = "@secret@"
	response_window = 1
	status_check = status-server
}
home_server acct {
	type = acct
	ipaddr = 127.0.0.1
	port = @behind acct@
	secret = "@secret@"
	response_window = 1
	status_check = status-server
}
home_server_pool auth {
	type = fail-over
	home_server = auth
}
home_server_pool acct {
	type = fail-over
	home_server = acct
}
realm behind {
	auth_pool = auth
	acct_pool = acct
	nostrip
}
`

// startFront starts a FreeRADIUS that forwards to a server's ports.
func startFront(t *testing.T, auth, acct string) *radiusd {
	t.Helper()
	return newRadiusd(t, "", map[string]string{"sections": frontSections, "more": frontConfig, "behind auth": auth, "behind acct": acct, "client": ""})
}

// TestBehindFreeRADIUSInDoubt: a request that we give no answer to makes FreeRADIUS ask whether we are there, on both
// ports, and we say so.
func TestBehindFreeRADIUSInDoubt(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/users":   interopUsers,
		"raddb/clients": fmt.Sprintf("127.0.0.1 %q front proxy\n", loopSecret),
		"scripts/silent.lua": `
on("authorize", {when = {user = "silent"}}, function(req) return drop{} end)
on("accounting", {when = {user = "silent"}}, function(req) return drop{} end)
`,
	}))
	front := startFront(t, s.port("auth"), s.port("acct"))
	for _, request := range [][]string{{"auth", "User-Name = silent", "User-Password = hello"}, {"acct", "User-Name = silent", "Acct-Status-Type = Start"}} {
		address := map[string]string{"auth": front.auth, "acct": front.acct}[request[0]]
		radclientTo(t, address, request[0], request[1:], "-x", "-r", "1", "-t", "1")
		sent := front.expect(t, `Sent Status-Server Id (\d+) from \S+ to `+s.addrs[request[0]]+` `)
		front.expect(t, `Received response to status check \d+ ID `+sent[1]+` `)
	}
}

// TestBehindFreeRADIUSAccounting: an Accounting-Request that another proxy forwards is kept and answered, and its
// Proxy-States come back in order, or that proxy would not take the answer.
func TestBehindFreeRADIUSAccounting(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/clients": fmt.Sprintf("127.0.0.1 %q front proxy\n", loopSecret)}))
	front := startFront(t, s.port("auth"), s.port("acct"))
	got := received(radclientTo(t, front.acct, "acct", []string{"User-Name = bob", "Acct-Status-Type = Start", "Acct-Session-Id = b1",
		"NAS-IP-Address = 192.0.2.9", "Proxy-State = 0x6f6e65", "Proxy-State = 0x74776f"}, "-x", "-r", "1", "-t", "5"))
	if diff := cmp.Diff([]string{"Accounting-Response", "Proxy-State = 0x6f6e65", "Proxy-State = 0x74776f"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s\n%s", diff, s.log, front.said())
	}
}
