package client

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// A Service is the first field of a line of radius.conf.
type Service uint8

// The services.
const (
	Auth Service = iota
	Acct
)

// String gives the service as radius.conf spells it.
func (s Service) String() string {
	if s == Acct {
		return "acct"
	}
	return "auth"
}

// A Server is one line of radius.conf(5).
type Server struct {
	Service Service
	Address string // host:port, the host not resolved yet
	Secret  radius.Secret
	Timeout time.Duration // for each try
	Tries   int           // in all, not repetitions
	At      raddb.Pos
}

// Limits and defaults of radius.conf(5).
const (
	MaxServers     = 10 // for each service
	MaxSecretLen   = 128
	DefaultTimeout = 3 * time.Second
	DefaultTries   = 3
	maxLineLen     = 1022
)

// ReadConf reads a file in the form of radius.conf(5):
//
//	[auth|acct] host[:port] secret [timeout [tries]]
//
// Fields are parted by white space, which may also come first; "..." quotes a field, with \" and \\; #
// begins a comment at the beginning of a field. A first field that is neither auth nor acct is the host of
// the older form, whose service is auth. All errors are collected; a file that others can read is warned
// about.
func ReadConf(path string, errs *raddb.List) []Server {
	text, err := os.ReadFile(path)
	if err != nil {
		errs.Errorf(raddb.Pos{File: path}, "cannot be read: %v", reason(err))
		return nil
	}
	servers := ParseConf(string(text), path, errs)
	if st, err := os.Stat(path); err == nil && st.Mode().Perm()&0o004 != 0 && slices.ContainsFunc(servers, private) {
		errs.Warnf(raddb.Pos{File: path}, "others can read the secrets in this file; chmod o-r makes it private")
	}
	return servers
}

// private reports whether the secret is more than the one of the default files, which everybody knows.
func private(s Server) bool { return s.Secret != radius.NewSecret("testing123") }

// ParseConf is ReadConf for text at hand; path is the place that errors name.
func ParseConf(text, path string, errs *raddb.List) []Server {
	c := confReader{path: path, errs: errs}
	for line := range strings.Lines(text) {
		c.line++
		c.read(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
	}
	return c.servers
}

type confReader struct {
	path    string
	line    int
	errs    *raddb.List
	servers []Server
	count   [2]int
}

// field is one word and the column where it begins.
type field struct {
	text string
	col  int
}

func (c *confReader) pos(col int) raddb.Pos { return raddb.Pos{File: c.path, Line: c.line, Col: col} }

func (c *confReader) read(line string) {
	if len(line) > maxLineLen {
		c.errs.Errorf(c.pos(maxLineLen+1), "a line of %d characters; expected at most %d", len(line), maxLineLen)
		return
	}
	fields, ok := c.split(line)
	if !ok || len(fields) == 0 {
		return
	}
	s := Server{Timeout: DefaultTimeout, Tries: DefaultTries, At: c.pos(fields[0].col)}
	switch fields[0].text {
	case "auth":
		fields = fields[1:]
	case "acct":
		s.Service, fields = Acct, fields[1:]
	default:
		if len(fields) > 4 {
			c.errs.Errorf(s.At, `%q is no service type; expected "auth" or "acct" before host, secret, timeout and tries`, fields[0].text)
			return
		}
	}
	if c.fill(&s, fields) {
		c.add(s)
	}
}

// fill reads host, secret, timeout and tries.
func (c *confReader) fill(s *Server, fields []field) bool {
	if len(fields) < 2 {
		c.errs.Errorf(s.At, "a server without a secret; expected host[:port] and secret")
		return false
	}
	if len(fields) > 4 {
		c.errs.Errorf(c.pos(fields[4].col), "text after the number of tries; expected a comment or the end of the line")
		return false
	}
	address, ok := c.address(fields[0], s.Service)
	s.Address = address
	secret := fields[1].text
	s.Secret = radius.NewSecret(secret[:min(len(secret), MaxSecretLen)])
	if len(fields) > 2 {
		n, good := c.number(fields[2], "timeout in seconds", 3600)
		s.Timeout, ok = time.Duration(n)*time.Second, ok && good
	}
	if len(fields) > 3 {
		n, good := c.number(fields[3], "number of tries", 1000)
		s.Tries, ok = n, ok && good
	}
	return ok
}

func (c *confReader) number(f field, what string, most int) (int, bool) {
	n, err := strconv.Atoi(f.text)
	if err != nil || n < 1 || n > most {
		c.errs.Errorf(c.pos(f.col), "%q is no %s; expected 1 to %d", f.text, what, most)
		return 0, false
	}
	return n, true
}

func (c *confReader) add(s Server) {
	if c.count[s.Service]++; c.count[s.Service] > MaxServers {
		c.errs.Errorf(s.At, "server number %d of service %s; expected at most %d", c.count[s.Service], s.Service, MaxServers)
		return
	}
	c.servers = append(c.servers, s)
}

// address adds the default port where none is given.
func (c *confReader) address(f field, s Service) (string, bool) {
	address, err := JoinPort(f.text, DefaultPort(s))
	if err != nil {
		c.errs.Errorf(c.pos(f.col), "%v", err)
	}
	return address, err == nil
}

func reason(err error) error {
	if p, ok := err.(*os.PathError); ok {
		return p.Err
	}
	return err
}
