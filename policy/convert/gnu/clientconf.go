package gnu

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"perilune/engine/nas"
	"perilune/engine/raddb"
)

// maxServers is how many servers of a service radius.conf may have.
const maxServers = 10

// clientConf is what radtest's client.conf says.
type clientConf struct {
	servers        []testServer
	timeout, retry string
}

// A testServer is one `server name address secret auth-port acct-port`.
type testServer struct{ address, secret, auth, acct string }

// convertClientConf turns radtest's client.conf into the radius.conf that perilune send reads.
func (s *source) convertClientConf() {
	c := clientConf{timeout: "1", retry: "3"}
	for _, l := range s.lines("client.conf") {
		s.clientKeyword(&c, l)
	}
	if len(c.servers) == 0 {
		return
	}
	f := s.out.File("raddb/radius.conf")
	f.Secret = true
	f.Printf("# radius.conf: which servers `perilune send` asks; from client.conf of the old tree.\n# service  host:port  secret  timeout  tries\n\n")
	for _, service := range []string{"auth", "acct"} {
		for _, server := range c.servers {
			port := server.auth
			if service == "acct" {
				port = server.acct
			}
			f.Printf("%s  %s  %s  %s  %s\n", service, net.JoinHostPort(server.address, port), quoteConf(server.secret), c.timeout, c.retry)
		}
	}
	s.report.Donef(raddb.Pos{File: "client.conf"}, "%d servers are in raddb/radius.conf, which perilune send reads", len(c.servers))
}

func (s *source) clientKeyword(c *clientConf, l oldLine) {
	w := l.words
	switch {
	case w[0] == "server" && len(w) >= 4 && len(c.servers) < maxServers:
		server := testServer{address: w[2], secret: w[3], auth: "1812", acct: "1813"}
		if len(w) > 4 {
			server.auth = w[4]
		}
		if len(w) > 5 {
			server.acct = w[5]
		}
		if _, err := netip.ParseAddr(server.address); err != nil && !nas.IsHostName(server.address) || server.secret == "" {
			s.report.Lookf(l.at, "server %q: expected a name, an address and a secret; left out", w[1])
			return
		}
		c.servers = append(c.servers, server)
	case w[0] == "timeout" && len(w) == 2 && isNumber(w[1]):
		c.timeout = w[1]
	case w[0] == "retry" && len(w) == 2 && isNumber(w[1]):
		c.retry = w[1]
	case w[0] == "source_ip":
		s.report.Differsf(l.at, "source_ip: requests of perilune send leave from the address that the system takes")
	default:
		s.report.Lookf(l.at, "%s: left out; expected server name address secret auth-port acct-port, timeout or retry", strings.Join(w[:1], " "))
	}
}

// isNumber reports whether text is a small number above zero.
func isNumber(text string) bool {
	return len(text) < 4 && strings.Trim(text, "0123456789") == "" && strings.Trim(text, "0") != ""
}

// quoteConf quotes a secret as radius.conf(5) has it: only " and \ are escaped.
func quoteConf(secret string) string {
	return fmt.Sprintf(`"%s"`, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret))
}
