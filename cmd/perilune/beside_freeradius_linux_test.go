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
	More              string // beside the server
	Packaged          bool   // replies are kept, and requests bounded, as Debian has it
}

// peerTemplate is kind to FreeRADIUS: it has no log of requests, keeps no replies (cleanup_delay; as packaged it keeps
// them for five seconds, within max_requests, beyond which it drops), and has two workers for the one processor.
var peerTemplate = template.Must(template.New("radiusd.conf").Parse(`
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {{.Dir}}
run_dir = {{.Dir}}
raddbdir = {{.Dir}}
radacctdir = {{.Dir}}
modconfdir = /etc/freeradius/3.0/mods-config
max_request_time = 30
cleanup_delay = {{if .Packaged}}5{{else}}0{{end}}
max_requests = {{if .Packaged}}16384{{else}}262144{{end}}
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
	start_servers = {{if .Packaged}}5{{else}}2{{end}}
	max_servers = {{if .Packaged}}5{{else}}2{{end}}
	min_spare_servers = 1
	max_spare_servers = {{if .Packaged}}5{{else}}2{{end}}
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
{{.More}}
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
