package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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
	level    slog.LevelVar
}

func newSinks(c config.Log, err io.Writer) *sinks {
	k := &sinks{out: err, format: c.Format}
	if f, ok := err.(*os.File); ok {
		if k.terminal = term.IsTerminal(int(f.Fd())); !k.terminal {
			k.out = unblocked(f)
		}
	}
	k.make()
	k.setLevel(c, &serveOptions{})
	return k
}

// with gives the sinks that the configuration asks for; the command line stands above it.
func (k *sinks) with(c config.Log, o *serveOptions) *sinks {
	if o.logFormat != "" {
		c.Format = o.logFormat
	}
	next := &sinks{out: k.out, format: c.Format, terminal: k.terminal}
	if c.File != "" {
		next.file = &reopening{path: c.File}
		next.out, next.terminal = next.file, false
	}
	next.make()
	next.setLevel(c, o)
	return next
}

// setLevel takes the level of the command line, else of the configuration, and gives it.
func (k *sinks) setLevel(c config.Log, o *serveOptions) slog.Level {
	text, least := c.Level, slog.LevelInfo
	if o.logLevel != "" {
		text = o.logLevel
	}
	if least.UnmarshalText([]byte(text)) != nil {
		least = slog.LevelInfo
	}
	k.level.Set(least)
	return least
}

func (k *sinks) make() {
	options := &slog.HandlerOptions{Level: &k.level}
	switch {
	case k.format == "json":
		k.handler = slog.NewJSONHandler(k.out, options)
	case k.format != "text" && k.terminal:
		k.handler = tint.NewTextHandler(k.out, &tint.Options{Level: &k.level, TimeFormat: "15:04:05.000"})
	default:
		k.handler = slog.NewTextHandler(k.out, options)
	}
	k.logger = slog.New(k.handler)
}

// requests says where the lines of requests go: formatted by hand, unless people look at a terminal.
func (k *sinks) requests(c config.Log, stateDir string) (o server.LogOptions, err error) {
	o = server.LogOptions{Writer: k.out, JSON: k.format == "json"}
	if k.terminal && k.format != "json" && k.format != "text" {
		o.Handler = k.handler
	}
	if c.Identity == "hash" {
		o.Key, err = identityKey(filepath.Join(stateDir, "identity.key"))
	}
	return o, err
}

// identityKey reads the key that hides user names in the log, or makes it.
func identityKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, 32)
		rand.Read(key)
		return key, writeNew(path, []byte(hex.EncodeToString(key)+"\n"), 0o600)
	}
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s is no key; expected 64 hex digits, or no file: then one is made", path)
	}
	return key, nil
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
