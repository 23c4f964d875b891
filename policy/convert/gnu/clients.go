package gnu

import (
	"fmt"
	"net/netip"
	"strings"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// A peer is one line of the old clients file.
type peer struct {
	host   string       // as written
	prefix netip.Prefix // of addresses; not valid for a host name
	secret string
	at     raddb.Pos
}

// everybody is what DEFAULT stands for.
var everybody = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// convertClients turns clients and naslist into the new clients file. The original took the first line that
// fits; lines that another above them hides are left out, and the longest prefix of the rest is the same one.
func (s *source) convertClients() {
	s.stations = s.readNaslist()
	s.types = s.readNastypes()
	s.peers = s.unhidden(s.readPeers())
	f := s.out.File("raddb/clients")
	f.Secret = true
	f.Printf("# clients: who may speak to this server, and with which secret; from clients and naslist of the old tree.\n" +
		"# prefix  secret  name  options\n\n")
	told := map[string]bool{}
	inside := s.stationsInside()
	for i, p := range s.peers {
		for _, l := range s.clientLines(i, p, inside[p]) {
			if !told[l.prefix] {
				told[l.prefix] = true
				f.WriteString(l.text)
			}
		}
	}
	if len(s.peers) == 0 {
		s.report.Lookf(raddb.Pos{File: "clients"}, "there is no client; the server will answer nobody")
	}
	s.noteStations()
}

// readPeers reads the old clients file: lines of exactly two fields.
func (s *source) readPeers() (list []*peer) {
	for _, f := range s.lines("clients") {
		if len(f.words) != 2 {
			s.report.Lookf(f.at, "client %q: %d fields; the original takes lines of two and left it out; so does this", f.words[0], len(f.words))
			continue
		}
		p := &peer{host: f.words[0], secret: f.words[1], at: f.at}
		prefix, problem := oldPrefix(p.host)
		switch {
		case p.secret == "":
			s.report.Lookf(f.at, "client %q has an empty secret; left out", p.host)
			continue
		case p.host == "DEFAULT":
			p.prefix = everybody
			s.report.Lookf(f.at, "DEFAULT: every address in the world may ask this server with one secret; put the networks of your NASes there instead")
		case problem == "":
			p.prefix = prefix
		case !nas.IsHostName(p.host):
			s.report.Lookf(f.at, "client %q: %s; left out", p.host, problem)
			continue
		}
		list = append(list, p)
	}
	return list
}

// unhidden leaves out the lines that one above them hides: one that holds for all of their addresses. Of a host
// name nobody knows them.
func (s *source) unhidden(list []*peer) (rest []*peer) {
	hosts := map[string]*peer{}
	s.byPrefix = prefixTable[*peer]{}
	for _, p := range list {
		above := hosts[p.host]
		if p.prefix.IsValid() {
			above, _ = s.byPrefix.longest(p.prefix)
		}
		switch {
		case above == nil:
			rest = append(rest, p)
			hosts[p.host] = p
			s.byPrefix.add(p.prefix, p)
		case above.secret == p.secret:
			s.report.Donef(p.at, "client %s is left out: the line %s above it held for it, too", p.host, above.at)
		default:
			s.report.Lookf(p.at, "client %s is left out: the original took the first line that fits, which is %s; if the secret of this one is meant, add it to raddb/clients", p.host, above.at)
		}
	}
	return rest
}

// stationsInside gives the stations of naslist that lie within each client and are not all of it.
func (s *source) stationsInside() map[*peer][]*station {
	inside := map[*peer][]*station{}
	for _, n := range s.stations.list {
		if !n.prefix.IsValid() {
			continue
		}
		if owner, ok := s.byPrefix.longest(n.prefix); ok && owner.prefix != n.prefix {
			inside[owner] = append(inside[owner], n)
		}
	}
	return inside
}

// A clientLine is one of the new clients file.
type clientLine struct{ prefix, text string }

// clientLines gives the lines for a client: its own, and one for each station within it that has a name of its
// own in naslist.
func (s *source) clientLines(i int, p *peer, inside []*station) (lines []clientLine) {
	station := s.stations.named(p.host)
	if p.prefix.IsValid() {
		station = s.stations.find(p.prefix)
	} else {
		s.noteName(i, p)
	}
	lines = s.appendClient(lines, p.host, p, station)
	for _, n := range inside {
		lines = s.appendClient(lines, n.host, p, n)
	}
	return lines
}

// noteName says where a host name changes which line is taken.
func (s *source) noteName(i int, p *peer) {
	for _, above := range s.peers[:i] {
		if above.prefix.IsValid() {
			s.report.Differsf(p.at, "client %s: its address is taken before the networks above it, such as that at %s", p.host, above.at)
			return
		}
	}
}

func (s *source) appendClient(lines []clientLine, host string, p *peer, n *station) []clientLine {
	prefixes := []string{host}
	if host == "DEFAULT" {
		prefixes = []string{"0.0.0.0/0", "::/0"}
	} else if prefix, problem := oldPrefix(host); problem == "" {
		prefixes[0] = prefix.String()
		if prefix.IsSingleIP() {
			prefixes[0] = prefix.Addr().String()
		}
	}
	for _, prefix := range prefixes {
		text := fmt.Sprintf("%-18s %s", prefix, output.Quote(p.secret))
		if words := s.clientOptions(host, n); words != "" {
			text += "  " + words
		}
		lines = append(lines, clientLine{prefix, fmt.Sprintf("%s\n", text)})
	}
	return lines
}

// clientOptions gives name and options of a client's line.
func (s *source) clientOptions(host string, n *station) string {
	var words []string
	if n != nil {
		words = append(words, quotedName(n.name))
		if n.kind != "true" && n.kind != "false" {
			words = append(words, "type="+output.Field(n.kind))
		}
		if v := n.arg("broken_pass", "0"); v != "0" {
			words = append(words, "broken-pass")
		}
		words = append(words, compareOptions(n)...)
	} else if host == "DEFAULT" {
		words = append(words, "everybody")
	}
	if s.old.keepAll > 0 {
		words = append(words, fmt.Sprintf("dup=%ds", s.old.keepAll))
	}
	if s.o.Exact {
		words = append(words, "no-reply-ma", "no-credential")
	}
	return strings.Join(words, " ")
}

// quotedName quotes what could be taken for an option.
func quotedName(name string) string {
	if bare := output.Field(name); bare != name || strings.Contains(name, "-") || name == "proxy" {
		return output.Quote(name)
	}
	return name
}

// compareOptions gives the flags of the extended comparison that hold for one NAS.
func compareOptions(n *station) (words []string) {
	for _, name := range []string{"compare-auth-flag", "compare-acct-flag", "compare-attribute-flag"} {
		if flag := n.arg(name, ""); flag != "" {
			words = append(words, name+"="+output.Field(flag))
		}
	}
	return words
}
