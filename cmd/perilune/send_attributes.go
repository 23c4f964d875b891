package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"perilune/engine/client"
	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// maxAttributes bounds the file of attributes, in octets; a packet has room for 4096.
const maxAttributes = 1 << 20

// attributes reads those of the command line, then those of the file.
func (x *sender) attributes(args []string) error {
	for _, text := range args {
		if err := x.add(text); err != nil {
			return usageError{err}
		}
	}
	if x.file != "" {
		if err := x.fileAttributes(); err != nil {
			return err
		}
	}
	if err := x.passwords(); err != nil {
		return err
	}
	return x.applyMethod()
}

// fileAttributes reads those of the file, and tells all its mistakes at once.
func (x *sender) fileAttributes() error {
	text, err := x.readFile()
	if err != nil {
		return err
	}
	var errs []error
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := x.add(line); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", x.file, n, err))
		}
	}
	return errors.Join(errs...)
}

// passwords refuses what the client would not send, as wrong usage.
func (x *sender) passwords() error {
	user, chap := false, x.chap != nil
	for i := range x.pairs.Pairs {
		switch x.pairs.Pairs[i].Attr.Name {
		case "User-Password":
			user = true
		case "CHAP-Password":
			chap = true
		}
	}
	switch {
	case user && chap:
		return usageError{client.ErrTwoPasswords}
	case (user || chap) && x.code != radius.CodeAccessRequest:
		return usageError{client.ErrPasswordNotAllowed}
	}
	return nil
}

func (x *sender) readFile() (string, error) { return readAttributes(x.file, x.s.in) }

// readAttributes reads a file of attributes; - is standard input.
func readAttributes(file string, in io.Reader) (string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxAttributes+1))
	if err == nil && len(b) > maxAttributes {
		err = fmt.Errorf("%s: over %d octets; expected attributes, one a line", file, maxAttributes)
	}
	return string(b), err
}

// add parses one NAME=VALUE. CHAP-Password in clear is kept aside: its response is computed for the packet.
func (x *sender) add(text string) error {
	if clear, ok := clearCHAP(text); ok {
		x.chap = []byte(clear)
		return nil
	}
	p, err := x.client.Dictionary.ParsePair(text)
	if err != nil {
		return err
	}
	if p.Attr.Internal {
		return fmt.Errorf("%s is internal; it is never sent", p.Attr.Name)
	}
	x.pairs.AddShared(p)
	return nil
}

// clearCHAP takes CHAP-Password=TEXT for the clear password that the response is made of; 0x… without quotes
// is a ready response.
func clearCHAP(text string) (clear string, ok bool) {
	name, value, err := dictionary.SplitPair(text)
	if err != nil || !strings.EqualFold(name, "CHAP-Password") {
		return "", false
	}
	ready := strings.HasPrefix(value, "0x") && strings.HasSuffix(strings.TrimSpace(text), value)
	return value, !ready
}
