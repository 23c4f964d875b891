package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"perilune/engine/client"
	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// sendKinds are the first arguments of send, with the code and the service they mean.
var sendKinds = map[string]struct {
	code    radius.Code
	service client.Service
}{
	"auth":       {radius.CodeAccessRequest, client.Auth},
	"acct":       {radius.CodeAccountingRequest, client.Acct},
	"status":     {radius.CodeStatusServer, client.Auth},
	"coa":        {radius.CodeCoARequest, client.Auth},
	"disconnect": {radius.CodeDisconnectRequest, client.Auth},
}

// sendOptions are the command line of send.
type sendOptions struct {
	dir, conf, server, secret, file string
	answers                         list
	json, noMA, acctPort            bool
	count, parallel, tries          int
	timeout                         time.Duration
}

func runSend(args []string, s streams) int {
	var o sendOptions
	f := newFlags(s, "send auth|acct|status|coa|disconnect [NAME=VALUE ...]",
		"Sends a request to the servers of radius.conf in turn and shows the first valid reply.\n"+
			"Exit code 0: a positive answer; 1: a reject, a NAK or no answer; 2: wrong usage.",
		"perilune send auth User-Name=demo User-Password=hello")
	f.StringVar(&o.dir, "d", defaultDir(), "configuration `DIR` with the dictionary and radius.conf")
	f.StringVar(&o.conf, "conf", "", "radius.conf(5) `FILE` (default: radius.conf in the configuration directory, then /etc/radius.conf)")
	f.StringVar(&o.server, "server", "", "`HOST[:PORT]` instead of radius.conf; needs -secret")
	f.StringVar(&o.secret, "secret", "", "shared `SECRET` of -server; @FILE reads it from a file")
	f.StringVar(&o.file, "f", "", "read attributes from `FILE`, one NAME = VALUE a line; - is standard input")
	f.Var(&o.answers, "answer", "answer a challenge with `TEXT` instead of asking; repeat for more rounds")
	f.BoolVar(&o.json, "json", false, "print the reply as JSON")
	f.BoolVar(&o.noMA, "no-message-authenticator", false, "send Access-Requests as old NASes do")
	f.BoolVar(&o.acctPort, "acct-port", false, "send a status request to the accounting port")
	f.IntVar(&o.count, "count", 1, "send the request `N` times")
	f.IntVar(&o.parallel, "parallel", 1, "keep `N` requests in flight")
	f.IntVar(&o.tries, "tries", client.DefaultTries, "of -server: how many times to send in all")
	f.DurationVar(&o.timeout, "timeout", client.DefaultTimeout, "of -server: how long to wait for each try")
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
	if o.count < 1 || o.parallel < 1 || o.tries < 1 || o.timeout <= 0 {
		return f.wrong("-count, -parallel, -tries and -timeout must be positive")
	}
	if o.acctPort && rest[0] == "status" {
		kind.service = client.Acct
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	x := sender{sendOptions: o, s: s, code: kind.code}
	if err := x.prepare(rest[0], kind.service, rest[1:]); err != nil {
		if errors.Is(err, errUsage) {
			return f.wrong("%v", err)
		}
		return s.fail("send", err)
	}
	return x.run(ctx)
}

var errUsage = errors.New("wrong usage")

// sender is one run of send.
type sender struct {
	sendOptions
	s      streams
	code   radius.Code
	client client.Client
	pairs  dictionary.List
	chap   []byte
	in     *bufio.Reader
}

func (x *sender) prepare(kind string, service client.Service, args []string) error {
	var errs raddb.List
	x.client.Dictionary = loadDictionary(x.dir, &errs)
	if errs.Failed() {
		return errs
	}
	texts, err := x.texts(args)
	if err != nil {
		return err
	}
	for _, t := range texts {
		if err := x.add(t); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
	}
	if x.server != "" {
		return x.oneServer(kind, service)
	}
	if kind == "coa" || kind == "disconnect" {
		return fmt.Errorf("%w: %s goes to a NAS; name it with -server HOST[:PORT] and -secret", errUsage, kind)
	}
	return x.confServers(service)
}

// loadDictionary reads the dictionary of a configuration directory, else the one that the program carries.
func loadDictionary(dir string, errs *raddb.List) *dictionary.Dictionary {
	tree := raddb.Open(dir)
	if _, err := os.Stat(filepath.Join(dir, "dictionary")); err != nil {
		tree = raddb.OpenFS(defaultFiles())
	}
	d := dictionary.Load(tree, "dictionary", errs)
	d.Freeze()
	return d
}

// texts gives the attributes of the command line and of the file, in that order.
func (x *sender) texts(args []string) ([]string, error) {
	if x.file == "" {
		return args, nil
	}
	in := x.s.in
	if x.file != "-" {
		f, err := os.Open(x.file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 1<<20))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		if line != "" && line[0] != '#' {
			args = append(args, line)
		}
	}
	return args, nil
}

// add parses one NAME=VALUE. CHAP-Password in clear is kept aside: its response is computed for the packet.
func (x *sender) add(text string) error {
	if clear, ok := clearCHAP(text); ok {
		x.chap = []byte(clear)
		return nil
	}
	p, err := x.client.Dictionary.ParsePair(text)
	if err == nil {
		x.pairs.AddShared(p)
	}
	return err
}

// clearCHAP takes CHAP-Password=text for the clear password that the response is made of; 0x… is a ready
// response.
func clearCHAP(text string) (clear string, ok bool) {
	name, value, _ := strings.Cut(text, "=")
	value = strings.Trim(strings.TrimSpace(value), `"`)
	return value, strings.EqualFold(strings.TrimSpace(name), "CHAP-Password") && !strings.HasPrefix(value, "0x")
}

func (x *sender) oneServer(kind string, service client.Service) error {
	if x.secret == "" {
		return fmt.Errorf("%w: -server needs -secret", errUsage)
	}
	secret, err := readSecret(x.secret)
	if err != nil {
		return err
	}
	var errs raddb.List
	address := x.server
	if kind == "coa" || kind == "disconnect" {
		address = withPort(address, "3799") // RFC 5176 s2.1
	}
	list := client.ParseConf(service.String()+" "+address+" -\n", "-server", &errs)
	if errs.Failed() || len(list) != 1 {
		return fmt.Errorf("%w: -server %q is no HOST[:PORT]", errUsage, x.server)
	}
	list[0].Secret, list[0].Timeout, list[0].Tries = radius.NewSecret(secret), x.timeout, x.tries
	x.client.Servers = list
	return nil
}

func withPort(address, port string) string {
	if strings.HasPrefix(address, "[") && !strings.HasSuffix(address, "]") || strings.Count(address, ":") == 1 {
		return address
	}
	return "[" + strings.Trim(address, "[]") + "]:" + port
}

// confServers takes the servers of the service from radius.conf.
func (x *sender) confServers(service client.Service) error {
	path := x.conf
	if path == "" {
		path = filepath.Join(x.dir, "radius.conf")
		if _, err := os.Stat(path); err != nil {
			path = "/etc/radius.conf"
		}
	}
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
