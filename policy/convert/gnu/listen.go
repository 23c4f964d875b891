package gnu

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// port reads `port 1812;`.
func (s *source) port(to *service, t *statement) {
	if n, ok := s.count(t, 1, 65535); ok {
		to.port, to.at = n, t.at
	}
}

// listen reads `listen address[:port] ...;` or `listen no;`.
func (s *source) listen(to *service, t *statement) {
	to.at = t.at
	if yes, ok := t.yes(); ok && !yes {
		to.off = true
		return
	}
	to.listen = append(to.listen, t.values...)
}

// convertListen puts the addresses of both services together.
func (s *source) convertListen() {
	if s.old.acct.port == 0 {
		s.old.acct.port = s.old.auth.port + 1
	}
	s.toml.Set("listen", "auth", s.addresses(&s.old.auth), s.old.auth.at)
	s.toml.Set("listen", "acct", s.addresses(&s.old.acct), s.old.acct.at)
}

// addresses gives what a service listens on: all addresses, or the source-ip, if it does not say.
func (s *source) addresses(of *service) []string {
	list := []string{}
	if of.off {
		return list
	}
	if len(of.listen) == 0 {
		host := "0.0.0.0"
		if w := s.old.sourceIP; w.text != "" {
			if _, err := netip.ParseAddr(w.text); err != nil {
				s.report.Lookf(w.at, "source-ip %s: expected an address; all addresses are listened on", w.text)
			} else {
				host = w.text
			}
		}
		return append(list, fmt.Sprintf("%s:%d", host, of.port))
	}
	for _, w := range of.listen {
		if a, ok := listenAddress(w.text, of.port); ok {
			list = append(list, a.String())
		} else {
			s.report.Lookf(w.at, "listen %s: expected an address or address:port; left out, so put what is meant into [listen]", w.text)
		}
	}
	return list
}

func listenAddress(text string, port int) (netip.AddrPort, bool) {
	if text == "*" {
		text = "0.0.0.0"
	}
	host, number, both := strings.Cut(text, ":")
	if both {
		var ok bool
		if port, ok = oldPort(number); !ok {
			return netip.AddrPort{}, false
		}
	}
	a, err := netip.ParseAddr(host)
	return netip.AddrPortFrom(a, uint16(port)), err == nil && a.Is4()
}

// oldPort reads a port as C writes numbers.
func oldPort(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 0, 16)
	return int(n), err == nil && n > 0
}

// cleanup reads `request-cleanup-delay 10;`, in seconds.
func (s *source) cleanup(of *service, t *statement) {
	if n, ok := s.count(t, 0, 1<<31-1); ok {
		of.cleanup, of.at = n, t.at
	}
}

// keeps gives for how many seconds a service keeps its answers.
func (v *service) keeps() int {
	if v.cleanup < 0 {
		return defaultCleanup
	}
	return v.cleanup
}

// convertCleanup sets how long answers are kept. What config.toml cannot say stands on the lines of clients, for
// both services.
func (s *source) convertCleanup() {
	auth, acct := s.old.auth.keeps(), s.old.acct.keeps()
	n, at := max(auth, acct), s.old.auth.at
	if acct > auth {
		at = s.old.acct.at
	}
	if min(auth, acct) >= 1 && n <= 30 {
		if auth != defaultCleanup {
			s.toml.Set("server", "duplicate-keep", fmt.Sprintf("%ds", auth), s.old.auth.at)
		}
		if acct != auth {
			s.toml.Set("server", "duplicate-keep-acct", fmt.Sprintf("%ds", acct), s.old.acct.at)
		}
		return
	}
	if auth != acct {
		s.report.Differsf(at, "request-cleanup-delay: answers are kept %d seconds for both services", n)
	}
	s.old.keepAll = min(max(n, 1), 300)
	if s.old.keepAll != n {
		s.report.Differsf(at, "request-cleanup-delay %d: answers are kept from 1 to 300 seconds", n)
	}
	s.report.Donef(at, "request-cleanup-delay %d: dup=%ds on each line of raddb/clients", n, s.old.keepAll)
}
