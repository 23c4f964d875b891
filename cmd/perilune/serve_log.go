package main

import (
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"perilune/engine/config"
	"perilune/engine/server"
)

// sinks are where a running server writes: its own messages through slog, and the lines of requests.
type sinks struct {
	logger   *slog.Logger
	format   string // text or json; tint where the sink is a terminal
	out      io.Writer
	file     *reopening // nil: standard error
	terminal bool
	handler  slog.Handler
}

func newSinks(c config.Log, err io.Writer) *sinks {
	k := &sinks{out: err, format: c.Format}
	if f, ok := err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		k.terminal = true
	}
	k.make(c.Level)
	return k
}

// with gives the sinks that the configuration asks for; the command line stands above it.
func (k *sinks) with(c config.Log, o *serveOptions) *sinks {
	if o.logFormat != "" {
		c.Format = o.logFormat
	}
	if o.logLevel != "" {
		c.Level = o.logLevel
	}
	next := &sinks{out: k.out, format: c.Format, terminal: k.terminal}
	if c.File != "" {
		next.file = &reopening{path: c.File}
		next.out, next.terminal = next.file, false
	}
	next.make(c.Level)
	return next
}

func (k *sinks) make(level string) {
	var least slog.Level
	if least.UnmarshalText([]byte(level)) != nil {
		least = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: least}
	switch {
	case k.format == "json":
		k.handler = slog.NewJSONHandler(k.out, options)
	case k.format != "text" && k.terminal:
		k.handler = tint.NewHandler(k.out, &tint.Options{Level: least, TimeFormat: "15:04:05.000"})
	default:
		k.handler = slog.NewTextHandler(k.out, options)
	}
	k.logger = slog.New(k.handler)
}

// requests says where the lines of requests go: formatted by hand, unless people look at a terminal.
func (k *sinks) requests() server.LogOptions {
	o := server.LogOptions{Writer: k.out, JSON: k.format == "json"}
	if k.terminal && k.format != "json" && k.format != "text" {
		o.Handler = k.handler
	}
	return o
}

func (k *sinks) reopen() {
	if k.file != nil {
		k.file.Reopen()
	}
}

// reopening is a log file that can be put aside by logrotate: it is opened anew on demand, and when the
// name leads to another file.
type reopening struct {
	path string
	mu   sync.Mutex // protects file
	file *os.File
}

// Write appends to the file as it is named now.
func (r *reopening) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil && r.moved() {
		r.file.Close()
		r.file = nil
	}
	if r.file == nil {
		f, err := os.OpenFile(r.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
		if err != nil {
			return 0, err
		}
		r.file = f
	}
	return r.file.Write(b)
}

func (r *reopening) moved() bool {
	named, err := os.Stat(r.path)
	if err != nil {
		return true
	}
	open, err := r.file.Stat()
	return err != nil || !os.SameFile(named, open)
}

// Reopen closes the file; the next line opens it again.
func (r *reopening) Reopen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}
