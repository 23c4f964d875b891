package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"perilune/engine/dictionary"
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
	if x.file == "" {
		return nil
	}
	text, err := x.readFile()
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := x.add(line); err != nil {
			return fmt.Errorf("%s:%d: %w", x.file, n, err)
		}
	}
	return nil
}

func (x *sender) readFile() (string, error) {
	in := x.s.in
	if x.file != "-" {
		f, err := os.Open(x.file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxAttributes+1))
	if err == nil && len(b) > maxAttributes {
		err = fmt.Errorf("%s: over %d octets; expected attributes, one a line", x.file, maxAttributes)
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
