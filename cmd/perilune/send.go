package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/term"

	"perilune/engine/auth"
	"perilune/engine/client"
	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// sendKind is what a first argument of send means. A port says that radius.conf does not name such servers.
type sendKind struct {
	code    radius.Code
	service client.Service
	port    int
}

// portCoA is where NASes listen (RFC 5176 s2.1).
const portCoA = 3799

// sendKinds are the first arguments of send.
var sendKinds = map[string]sendKind{
	"auth":       {radius.CodeAccessRequest, client.Auth, 0},
	"acct":       {radius.CodeAccountingRequest, client.Acct, 0},
	"status":     {radius.CodeStatusServer, client.Auth, 0},
	"coa":        {radius.CodeCoARequest, client.Auth, portCoA},
	"disconnect": {radius.CodeDisconnectRequest, client.Auth, portCoA},
}

// secretVariable is the environment's place for the secret of -server, where no other user can see it.
const secretVariable = "PERILUNE_SECRET"

// sendOptions are the command line of send.
type sendOptions struct {
	dir, conf, server, secret, file string
	method                          string
	answers                         list
	json, noMA, needMA, acctPort    bool
	count, parallel, tries          int
	timeout                         time.Duration
}

func (o *sendOptions) flags(s streams) *flags {
	f := newFlags(s, "send auth|acct|status|coa|disconnect [NAME=VALUE ...]",
		"Sends a request to the servers of radius.conf in turn and shows the first valid reply.\n"+
			"Exit code 0: a positive answer; 1: a reject, a NAK or no answer; 2: wrong usage.",
		"perilune send auth User-Name=demo User-Password=hello")
	f.StringVar(&o.dir, "d", defaultDir(), "configuration `DIR` with the dictionary and radius.conf")
	f.StringVar(&o.conf, "conf", "", "radius.conf(5) `FILE` (default: radius.conf in the configuration directory, then /etc/radius.conf)")
	f.StringVar(&o.server, "server", "", "`HOST[:PORT]` instead of radius.conf")
	f.StringVar(&o.secret, "secret", "", "of -server: shared `SECRET`, which others can see in ps; @FILE reads it from a file\n(default: the variable "+secretVariable+", then radius.conf's for that host, then a question at the terminal)")
	f.StringVar(&o.file, "f", "", "read attributes from `FILE`, one NAME = VALUE a line; - is standard input")
	f.StringVar(&o.method, "method", "", "pap, chap, mschap or mschapv2: what is made of User-Password; by MS-CHAP the server's proof and keys are\nverified, and a wrong one is exit code 1")
	f.Var(&o.answers, "answer", "answer a challenge with `TEXT` instead of asking; repeat for more rounds")
	f.BoolVar(&o.json, "json", false, "print JSON, an object on a line")
	f.BoolVar(&o.noMA, "no-message-authenticator", false, "send Access-Requests as old NASes do")
	f.BoolVar(&o.needMA, "require-message-authenticator", false, "refuse replies without Message-Authenticator")
	f.BoolVar(&o.acctPort, "acct-port", false, "send a status request to the accounting servers")
	f.IntVar(&o.count, "count", 1, "send the request `N` times")
	f.IntVar(&o.parallel, "parallel", 1, "of -count: keep `N` requests in flight")
	f.IntVar(&o.tries, "tries", 0, "send `N` times in all to each server (default: radius.conf's, else 3)")
	f.DurationVar(&o.timeout, "timeout", 0, "wait for each try that `LONG`, like 500ms (default: radius.conf's, else 3s)")
	return f
}

func runSend(args []string, s streams) int {
	x := sender{s: s}
	f := x.flags(s)
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) == 0 {
		return f.wrong("what to send is missing; expected auth, acct, status, coa or disconnect")
	}
	kind, ok := sendKinds[rest[0]]
	if !ok {
		return f.wrong("%q cannot be sent; expected auth, acct, status, coa or disconnect", rest[0])
	}
	x.code = kind.code
	if err := x.check(f); err != nil {
		return f.wrong("%v", err)
	}
	if x.acctPort {
		kind.service = client.Acct
	}
	if err := x.prepare(kind, rest[1:]); err != nil {
		var usage usageError
		if errors.As(err, &usage) {
			return f.wrong("%v", err)
		}
		return s.fail("send", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return x.run(ctx)
}

// check refuses options that contradict each other.
func (x *sender) check(f *flags) error {
	o := &x.sendOptions
	switch {
	case !slices.Contains(sendMethods, o.method):
		return fmt.Errorf("-method %s is unknown; expected pap, chap, mschap or mschapv2", o.method)
	case o.acctPort && x.code != radius.CodeStatusServer:
		return errors.New("-acct-port belongs to status")
	case o.count < 1 || o.parallel < 1:
		return errors.New("-count and -parallel must be positive")
	case f.given("tries") && o.tries < 1 || f.given("timeout") && o.timeout <= 0:
		return errors.New("-tries and -timeout must be positive")
	case o.parallel > o.count:
		return fmt.Errorf("-parallel %d needs -count of as many at least", o.parallel)
	case o.count > 1 && len(o.answers) > 0:
		return errors.New("-answer goes with one request, not with -count")
	case f.given("secret") && o.server == "":
		return errors.New("-secret belongs to -server; the secrets of radius.conf are in the file")
	case f.given("conf") && o.server != "":
		return errors.New("-conf and -server exclude each other")
	}
	return nil
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func wrongUsage(format string, a ...any) error { return usageError{fmt.Errorf(format, a...)} }

// sender is one run of send.
type sender struct {
	sendOptions
	s      streams
	code   radius.Code
	client client.Client
	pairs  dictionary.List
	chap   []byte
	peer   *auth.MSCHAPPeer // of -method mschap and mschapv2
	in     *bufio.Reader    // of answers
}

func (x *sender) prepare(kind sendKind, args []string) error {
	known, errs := openDictionary(x.dir, "")
	if known == nil {
		return errs
	}
	known.warn(x.s, "send")
	x.client.Dictionary = known.Dictionary.Dictionary
	x.client.RequireMessageAuthenticator = x.needMA
	if err := x.attributes(args); err != nil {
		return err
	}
	switch {
	case x.server != "":
		if err := x.oneServer(kind); err != nil {
			return err
		}
	case kind.port != 0:
		return wrongUsage("%v goes to a NAS, which radius.conf does not name; expected -server HOST[:PORT]", kind.code)
	default:
		if err := x.confServers(kind.service); err != nil {
			return err
		}
	}
	for i := range x.client.Servers {
		x.override(&x.client.Servers[i])
	}
	return nil
}

// override puts -tries and -timeout above what radius.conf says.
func (x *sender) override(s *client.Server) {
	if x.tries > 0 {
		s.Tries = x.tries
	}
	if x.timeout > 0 {
		s.Timeout = x.timeout
	}
}

func (x *sender) oneServer(kind sendKind) error {
	port := kind.port
	if port == 0 {
		port = client.DefaultPort(kind.service)
	}
	address, err := client.JoinPort(x.server, port)
	if err != nil {
		return wrongUsage("-server: %v", err)
	}
	secret, err := x.findSecret(kind, address)
	if err != nil {
		return err
	}
	x.client.Servers = []client.Server{{
		Service: kind.service, Address: address, Secret: secret,
		Timeout: client.DefaultTimeout, Tries: client.DefaultTries,
	}}
	return nil
}

// findSecret takes the secret of -server from the option, the environment, radius.conf or the terminal.
func (x *sender) findSecret(kind sendKind, address string) (_ radius.Secret, err error) {
	var secret string
	in, isFile := x.s.in.(*os.File)
	switch {
	case x.secret != "":
		secret, err = readSecret(x.secret)
	case os.Getenv(secretVariable) != "":
		secret = os.Getenv(secretVariable)
	default:
		if known, ok := x.knownSecret(kind.service, address); ok {
			return known, nil
		}
		if !isFile || x.file == "-" || !term.IsTerminal(int(in.Fd())) {
			return radius.Secret{}, wrongUsage("-server needs a secret; expected -secret @FILE, -secret SECRET or the variable %s", secretVariable)
		}
		secret, err = x.askSecret(in)
	}
	if err == nil && secret == "" {
		err = errors.New("the shared secret is empty")
	}
	return radius.NewSecret(secret), err
}

// knownSecret finds the secret that radius.conf has for the host of an address, at whatever port.
func (x *sender) knownSecret(service client.Service, address string) (radius.Secret, bool) {
	host, _, _ := net.SplitHostPort(address)
	var errs raddb.List
	for _, s := range client.ReadConf(x.confPath(), &errs) {
		if h, _, _ := net.SplitHostPort(s.Address); h == host && s.Service == service {
			return s.Secret, true
		}
	}
	return radius.Secret{}, false
}

func (x *sender) askSecret(in *os.File) (string, error) {
	fmt.Fprint(x.s.err, "shared secret: ")
	b, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(x.s.err)
	return string(b), err
}

// confPath is the radius.conf that holds.
func (x *sender) confPath() string {
	if x.conf != "" {
		return x.conf
	}
	path := filepath.Join(x.dir, "radius.conf")
	if _, err := os.Stat(path); err != nil {
		return "/etc/radius.conf"
	}
	return path
}

// confServers takes the servers of the service from radius.conf.
func (x *sender) confServers(service client.Service) error {
	path := x.confPath()
	var errs raddb.List
	for _, s := range client.ReadConf(path, &errs) {
		if s.Service == service {
			x.client.Servers = append(x.client.Servers, s)
		}
	}
	for _, e := range errs {
		if e.Warning {
			fmt.Fprintln(x.s.err, e)
		}
	}
	if errs.Failed() {
		return errs
	}
	if len(x.client.Servers) == 0 {
		return fmt.Errorf("%s names no server for %s; expected a line `%s HOST SECRET`, or -server and -secret", path, service, service)
	}
	return nil
}
