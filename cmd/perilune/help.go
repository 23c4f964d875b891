package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"

	"perilune/engine/raddb"
)

// commands lists the subcommands in the order of the help.
func commands() []command {
	return []command{
		{"serve", "run the server", runServe},
		{"send", "send a request and show the reply", runSend},
		{"check", "read a configuration and tell everything that is wrong with it", runCheck},
		{"test", "run the policy's tests", runTest},
		{"explain", "show how a request is decided, and why", runExplain},
		{"replay", "run recorded requests through other files and show what would change", runReplay},
		{"trace", "watch requests of a running server being decided", runTrace},
		{"init", "write the default configuration and scripts into a directory", runInit},
		{"dict", "show attributes, explain octets, export to FreeRADIUS", runDict},
		{"convert", "turn the configuration of GNU Radius or FreeRADIUS into one of this server", runConvert},
		{"kick", "put a user or device off now, or change a session", runKick},
		{"reload", "reload a running server and wait for the result", runReload},
		{"confirm", "keep a generation that was reloaded with -confirm", runConfirm},
		{"status", "show what a running server does", runStatus},
		{"who", "show who is on", runWho},
		{"last", "show when, how often and how long users were on", runLast},
		{"zap", "close sessions in accounting that are gone in truth", runZap},
		{"generations", "list the generations that are kept", runGenerations},
		{"rollback", "go back to a generation that is kept", runRollback},
		{"bench", "measure a running server of any make", runBench},
		{"version", "show the version", runVersion},
	}
}

const welcome = `perilune is a RADIUS server whose policy is Lua and whose reload is a transaction.

The three commands to begin with:
  perilune init DIR                                    write a working configuration
  perilune serve -d DIR/raddb                          run it
  perilune send auth User-Name=demo User-Password=hello   ask it

All commands (each has -h):
`

func help(w io.Writer) {
	fmt.Fprint(w, welcome)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-12s %s\n", c.name, c.summary)
	}
}

func nearestCommand(name string) string {
	return raddb.DidYouMean(name, func(yield func(string) bool) {
		for _, c := range commands() {
			if !yield(c.name) {
				return
			}
		}
	})
}

// flags is a flag.FlagSet that prints help as people want it: the form, what it does, an example, options.
type flags struct {
	*flag.FlagSet
	s    streams
	help func()
}

// newFlags makes the options of a subcommand. form follows "perilune"; example is a whole command.
func newFlags(s streams, form, about, example string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(form, flag.ContinueOnError), s: s}
	f.SetOutput(io.Discard)
	f.Usage = func() {} // an error must not bring the whole help
	f.help = func() {
		fmt.Fprintf(s.out, "usage: perilune %s\n\n%s\n\nexample:\n  %s\n", form, about, example)
		if f.hasOptions() {
			fmt.Fprintln(s.out, "\noptions:")
			f.SetOutput(s.out)
			f.PrintDefaults()
			f.SetOutput(io.Discard)
		}
	}
	return f
}

func (f *flags) hasOptions() bool {
	any := false
	f.VisitAll(func(*flag.Flag) { any = true })
	return any
}

// parse reads the arguments; options may stand anywhere among them. ok is false if the command is over
// with the exit code: help was shown, or the line was wrong.
func (f *flags) parse(args []string) (rest []string, code int, ok bool) {
	for {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			f.help()
			return nil, exitOK, false
		}
		if err != nil {
			return nil, f.wrong("%v%s", err, f.nearestOption(err)), false
		}
		if f.NArg() == 0 {
			return rest, exitOK, true
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
		if used := len(rest); used > 0 && f.Arg(0) == "--" {
			return append(rest[:used-1], args...), exitOK, true
		}
	}
}

// wrong tells what is wrong with the command line.
func (f *flags) wrong(format string, a ...any) int {
	name, _, _ := strings.Cut(f.Name(), " ")
	fmt.Fprintf(f.s.err, "perilune %s: %s\n`perilune %s -h` shows how it is used\n", name, fmt.Sprintf(format, a...), name)
	return exitUsage
}

func (f *flags) nearestOption(err error) string {
	_, name, found := strings.Cut(err.Error(), "flag provided but not defined: -")
	if !found {
		return ""
	}
	return raddb.DidYouMean(name, f.names())
}

func (f *flags) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		more := true
		f.VisitAll(func(o *flag.Flag) { more = more && yield(o.Name) })
	}
}

// list is an option that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

// defaultDir is where the configuration lies if -d does not say: beside us, else the system's.
func defaultDir() string {
	if st, err := os.Stat("raddb"); err == nil && st.IsDir() {
		return "raddb"
	}
	return "/etc/perilune/raddb"
}

// noDir is an error if the configuration directory is not there: it says more than each file that is missed.
func noDir(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no directory %s; `perilune init DIR` writes one that works, -d DIR/raddb names it", dir)
	}
	return nil
}

// fail prints an error and gives the exit code of failed work.
func (s streams) fail(command string, err error) int {
	fmt.Fprintf(s.err, "perilune %s: %v\n", command, err)
	return exitFailed
}
