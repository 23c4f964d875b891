package gnu

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// A realmLine is one line of the old realms file.
type realmLine struct {
	name    string
	local   bool
	servers []string // host[:auth[:acct]]
	flags   []string
	at      raddb.Pos
}

// convertRealms turns the old realms file into the new one. Of two lines for a realm the later one counted.
func (s *source) convertRealms() {
	list := s.readRealms()
	last := map[string]int{}
	for i, r := range list {
		last[r.name] = i
	}
	var b strings.Builder
	n := 0
	away := slices.IndexFunc(list, func(r realmLine) bool { return !r.local })
	if away >= 0 {
		s.toml.Set("proxy", "propagate", "flagged", list[away].at)
	}
	for i := range list {
		r := &list[i]
		if last[r.name] != i {
			s.report.Donef(r.at, "realm %s is left out: %s replaces it", r.name, list[last[r.name]].at)
			continue
		}
		if text := s.realm(r); text != "" {
			b.WriteString(text)
			n++
		}
	}
	if n > 0 {
		s.out.File("raddb/realms").Printf("# realms: where requests of other organisations' users are sent on to; from realms of the old tree.\n# The secret of a server is that of its line in clients.\n\n%s", b.String())
	}
}

func (s *source) readRealms() (list []realmLine) {
	for _, f := range s.lines("realms") {
		if len(f.words) < 2 {
			s.report.Lookf(f.at, "realm %q has no servers; left out", f.words[0])
			continue
		}
		rest := 2
		for rest < len(f.words) && strings.HasSuffix(f.words[rest-1], ",") {
			rest++
		}
		r := realmLine{name: f.words[0], servers: parts(f.words[1:rest]), flags: parts(f.words[rest:]), at: f.at}
		r.local = len(r.servers) == 1 && r.servers[0] == "LOCAL"
		list = append(list, r)
	}
	return list
}

// parts splits words at commas.
func parts(words []string) (list []string) {
	for _, p := range strings.Split(strings.Join(words, ","), ",") {
		if p != "" {
			list = append(list, p)
		}
	}
	return list
}

// realm gives the new line; "" if the original dropped the realm.
func (s *source) realm(r *realmLine) string {
	if strings.ContainsAny(r.name, "@ \t") {
		s.report.Lookf(r.at, "realm %q: no user name can have it; left out", r.name)
		return ""
	}
	flags := s.realmFlags(r)
	if r.local {
		return joined(output.Field(r.name), "LOCAL", flags)
	}
	var servers []string
	for _, host := range r.servers {
		if h := s.homeServer(r, host); h != "" {
			servers = append(servers, h)
		}
	}
	if len(servers) == 0 {
		s.report.Lookf(r.at, "realm %s is left out, as by the original: no server of it has a secret in clients", r.name)
		return ""
	}
	flags = append(flags, "retransmit=client")
	if s.o.Exact {
		flags = append(flags, "no-message-authenticator")
	}
	return joined(output.Field(r.name), strings.Join(servers, ","), flags)
}

func joined(name, servers string, flags []string) string {
	return strings.TrimRight(fmt.Sprintf("%-20s %s  %s", name, servers, strings.Join(flags, ",")), " ") + "\n"
}

// homeServer gives host:auth:acct with all ports; "" for one without a secret, which the original dropped.
func (s *source) homeServer(r *realmLine, text string) string {
	host, ports, _ := strings.Cut(text, ":")
	auth, acct, both := strings.Cut(ports, ":")
	first, second := s.old.auth.port, s.old.acct.port
	if auth != "" {
		n, ok := oldPort(auth)
		if !ok {
			s.report.Lookf(r.at, "realm %s: server %s: the port is no number; left out", r.name, text)
			return ""
		}
		first, second = n, n+1
	}
	if both {
		n, ok := oldPort(acct)
		if !ok {
			s.report.Lookf(r.at, "realm %s: server %s: the accounting port is no number; left out", r.name, text)
			return ""
		}
		second = n
	}
	if !s.hasSecret(host) {
		s.report.Lookf(r.at, "realm %s: server %s is left out: it has no secret in clients; the original dropped it, too", r.name, host)
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", host, first, second)
}

// hasSecret reports whether the clients file has a secret for a server. Of a host name only a line of the same
// name or DEFAULT is known to hold.
func (s *source) hasSecret(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
		_, ok := s.byPrefix.longest(netip.PrefixFrom(a, 32))
		return ok
	}
	for _, p := range s.peers {
		if p.host == host || p.prefix == everybody {
			return true
		}
	}
	return false
}

// realmFlags gives the options. A line with flags but without retries meant one try, a line without any three.
func (s *source) realmFlags(r *realmLine) (out []string) {
	retries := false
	for _, f := range r.flags {
		name, value, given := strings.Cut(f, "=")
		switch {
		case !given && isRealmFlag(name):
			out = append(out, name)
		case given && realmBounds[name].high > 0:
			option := s.realmNumber(r, name, value)
			retries = retries || name == "retries" && option != nil
			out = append(out, option...)
		default:
			s.report.Lookf(r.at, "realm %s: unknown flag %q; the original left it out, too", r.name, f)
		}
	}
	if !retries && len(r.flags) > 0 && !r.local {
		out = append(out, "retries=1")
	}
	return out
}

func isRealmFlag(name string) bool {
	switch name {
	case "ignorecase", "strip", "nostrip", "auth", "acct", "noauth", "noacct":
		return true
	}
	return false
}

// realmBounds are the options of a realm that take a number, with the bounds that hold here.
var realmBounds = map[string]struct{ low, high int }{"quota": {0, 1 << 20}, "retries": {1, 20}, "timeout": {1, 30}}

// realmNumber gives an option with a number within its bounds.
func (s *source) realmNumber(r *realmLine, name, value string) []string {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		s.report.Lookf(r.at, "realm %s: %s=%s is no number; left out", r.name, name, value)
		return nil
	}
	if bound := max(realmBounds[name].low, min(n, realmBounds[name].high)); bound != n {
		s.report.Differsf(r.at, "realm %s: %s=%d is taken as %d", r.name, name, n, bound)
		n = bound
	}
	return []string{fmt.Sprintf("%s=%d", name, n)}
}
