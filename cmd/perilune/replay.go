package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"perilune/engine/pcap"
	"perilune/policy/reload"
	"perilune/policy/replay"
)

func runReplay(args []string, s streams) int {
	r := &replayer{s: s, packets: replay.PacketOptions{Auth: []uint16{1812, 1645}, Acct: []uint16{1813, 1646}, CoA: []uint16{3799, 1700}}}
	f := newFlags(s, "replay FILE ...", "Runs recorded requests through a configuration, without a server, and shows which verdicts and replies would change.\n"+
		"A FILE is a record ([record] file) or a capture of packets (pcap, pcapng); - is standard input. No backend, home server or NAS is asked.\n"+
		"Exit code 0 if nothing would change, 1 if something would, if nothing could be compared, or if a file cannot be read.",
		"perilune replay -d candidate/raddb /var/lib/perilune/record.json")
	f.StringVar(&r.o.Root, "d", defaultDir(), "configuration `DIR` that decides")
	f.StringVar(&r.o.Scripts, "scripts", "", "`DIR` of the scripts instead of [policy] scripts")
	f.StringVar(&r.key, "key", "", "`FILE` of the server's state.key, for recorded answers of backends (default: that of the state directory)")
	f.StringVar(&r.secret, "secret", "", "shared `SECRET` of captured packets; @FILE reads it from a file (default: those of the clients file)")
	f.Var((*ports)(&r.packets.Auth), "auth-port", "`PORT` of captured Access-Requests; repeat or part by commas")
	f.Var((*ports)(&r.packets.Acct), "acct-port", "`PORT` of captured Accounting-Requests")
	f.Var((*ports)(&r.packets.CoA), "coa-port", "`PORT` of captured CoA- and Disconnect-Requests")
	f.IntVar(&r.options.Examples, "examples", 3, "`N` examples of each cause")
	f.IntVar(&r.options.Workers, "workers", 0, "`N` processors; 0: all")
	f.BoolVar(&r.asJSON, "json", false, "print JSON")
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) == 0 {
		return f.wrong("expected a record or a capture of packets")
	}
	return r.run(rest)
}

// replayer is one run of the command.
type replayer struct {
	s           streams
	o           reload.Options
	options     replay.Options
	packets     replay.PacketOptions
	key, secret string
	asJSON      bool

	candidate *reload.Candidate
	engine    *replay.Engine
	opened    *replay.Key
}

func (r *replayer) run(files []string) int {
	if strings.HasPrefix(r.secret, "@") {
		text, err := os.ReadFile(r.secret[1:])
		if err != nil {
			return r.s.fail("replay", err)
		}
		r.secret = strings.TrimRight(string(text), "\r\n")
	}
	if err := noDir(r.o.Root); err != nil {
		return r.s.fail("replay", err)
	}
	c, errs := reload.Build(r.o)
	printFindings(r.s, errs, false)
	if c == nil {
		return exitFailed
	}
	defer c.Discard()
	r.candidate = c
	if err := r.openKey(); err != nil {
		return r.s.fail("replay", err)
	}
	r.engine = replay.New(replay.Subject{Generation: c.Generation, Program: c.Program, Backend: c.Config.Backend}, r.options)
	var failed error
	for _, name := range files {
		if err := r.file(name); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
		}
	}
	report := r.engine.Close()
	r.show(report)
	switch {
	case failed != nil:
		return r.s.fail("replay", failed)
	case report.Requests == 0:
		fmt.Fprintln(r.s.err, "perilune replay: there is no request in what was read; a capture of other ports needs -auth-port or -acct-port")
		return exitFailed
	case report.Incomparable == report.Requests:
		fmt.Fprintln(r.s.err, "perilune replay: no request could be compared, so this says nothing of the files")
		return exitFailed
	case report.Differs():
		return exitFailed
	}
	return exitOK
}

// openKey reads the key of recorded answers. Where none is, they stay closed.
func (r *replayer) openKey() (err error) {
	path := r.key
	if path == "" {
		path = stateKey(r.candidate)
	}
	r.opened, err = replay.OpenKey(path)
	if err != nil && r.key == "" {
		return nil
	}
	return err
}

// file runs one file: what begins as a capture is one, everything else a record.
func (r *replayer) file(name string) error {
	in := io.Reader(r.s.in)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return errors.Unwrap(err)
		}
		defer f.Close()
		in = f
	}
	packets, rest, err := pcap.Open(in)
	if errors.Is(err, pcap.ErrFormat) {
		return r.engine.Run(replay.Read(rest, name, r.opened))
	}
	if err != nil {
		return err
	}
	o := r.packets
	o.Clients, o.Dictionary, o.Secret = r.candidate.Clients, r.candidate.Dictionary, r.secret
	return r.engine.Run(replay.ReadPackets(packets, name, o))
}

func (r *replayer) show(report *replay.Report) {
	for _, line := range report.Broken {
		fmt.Fprintln(r.s.err, line)
	}
	if r.asJSON {
		json.NewEncoder(r.s.out).Encode(report)
		return
	}
	report.Write(r.s.out)
}

// ports is a list of UDP ports as an option; the first one given replaces the default.
type ports []uint16

// String implements flag.Value.
func (p *ports) String() string {
	var texts []string
	for _, n := range *p {
		texts = append(texts, fmt.Sprint(n))
	}
	return strings.Join(texts, ",")
}

// Set implements flag.Value.
func (p *ports) Set(text string) error {
	var list []uint16
	for part := range strings.SplitSeq(text, ",") {
		var n uint16
		if _, err := fmt.Sscanf(part, "%d", &n); err != nil || n == 0 {
			return fmt.Errorf("got %q, expected a port", part)
		}
		list = append(list, n)
	}
	*p = slices.Concat(list)
	return nil
}
