package main

import (
	"net"
	"testing"
	"text/template"
)

// peerConfig is a configuration of FreeRADIUS that has what its row needs and nothing else.
type peerConfig struct {
	Dir, Port, Secret string // filled in when it is written
	Kind              string // of the listener: auth or acct
	Users             string
	Files             map[string]string
	Modules           string // beside files and pap
	Before            string // modules of authorize before files
	Accounting        string // sections of accounting
	Threads           int
}

// peerTemplate is kind to FreeRADIUS: no log of requests, no session to look at, no time that a reply is kept
// (cleanup_delay; as packaged it keeps them for five seconds, and so many that others are dropped), no regular
// clean-up, two workers on the one processor.
var peerTemplate = template.Must(template.New("radiusd.conf").Parse(`
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {{.Dir}}
run_dir = {{.Dir}}
radacctdir = {{.Dir}}
modconfdir = /etc/freeradius/3.0/mods-config
max_request_time = 30
cleanup_delay = 0
max_requests = 262144
hostname_lookups = no
proxy_requests = no
log {
	destination = files
	file = {{.Dir}}/radius.log
	auth = no
}
security {
	allow_core_dumps = no
	max_attributes = 200
	reject_delay = 0
	status_server = yes
}
thread pool {
	start_servers = {{or .Threads 2}}
	max_servers = {{or .Threads 2}}
	min_spare_servers = 1
	max_spare_servers = {{or .Threads 2}}
	max_requests_per_server = 0
	auto_limit_acct = no
}
modules {
	files {
		usersfile = {{.Dir}}/users
		key = "%{%{Stripped-User-Name}:-%{User-Name}}"
	}
	pap {
		normalise = no
	}
	{{.Modules}}
}
client loop {
	ipaddr = 127.0.0.1
	secret = "{{.Secret}}"
}
server default {
	listen {
		type = {{.Kind}}
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	authorize {
		{{.Before}}
		files
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
	}
	{{.Accounting}}
}
`))

// unusedPort gives an address of 127.0.0.1 that nobody listens on.
func unusedPort(b *testing.B) string {
	b.Helper()
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer free.Close()
	return free.LocalAddr().String()
}
