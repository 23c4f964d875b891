package server

import (
	"fmt"
	"strings"

	"perilune/engine/dictionary"
)

// readOutput reads what a program printed: lines of `Attribute op value, ...`. A line that cannot be read discards
// what was read so far, and fails nobody.
func (c *Core) readOutput(r *Request, cmd *command, output []byte, said *dictionary.List) {
	count := 0
	for line := range strings.Lines(string(output)) {
		if count++; count > maxOutputLines {
			said.Reset()
			c.warn(r, fmt.Sprintf("program %s printed more than %d lines; what it printed is left out", cmd.name, maxOutputLines))
			return
		}
		if err := r.readPairs(strings.TrimSpace(line), said); err != nil {
			said.Reset()
			c.warn(r, fmt.Sprintf("program %s: line %d of its output is not understood, and it and what is above it are left out", cmd.name, count))
			if r.Trace != nil { // the text may hold what the user typed, so it is not logged
				r.Trace.Step(fmt.Sprintf("line %d of the output: %v", count, err))
			}
		}
	}
}

// maxOutputLines is more than a packet has attributes.
const maxOutputLines = 2048

// readPairs reads one line. A line that begins with # says nothing.
func (r *Request) readPairs(line string, said *dictionary.List) error {
	for line != "" && line[0] != '#' {
		n := pairEnd(line)
		text := strings.TrimSpace(line[:n])
		line = strings.TrimPrefix(line[n:], ",")
		if text == "" && strings.TrimSpace(line) == "" { // a comma at the end
			return nil
		}
		p, err := r.readPair(text)
		if err != nil {
			return err
		}
		said.Add(dictionary.Ref{Attr: p.Attr, Tag: int8(p.Tag)}, p.Value)
	}
	return nil
}

func (r *Request) readPair(text string) (Pair, error) {
	g := r.Generation
	p, err := g.Dictionary.ParsePair(text)
	if err != nil {
		return p, err
	}
	if g.prepare().orders.orders(p.Attr) { // its output may repeat what a user typed
		return p, fmt.Errorf("a program does not order further ones by %s", p.Attr.Name)
	}
	if !p.Attr.Internal {
		if r.way.salt == nil {
			r.way.salt = r.nextSalt
		}
		_, err = dictionary.Encode(nil, &p, &r.Session, &r.Packet.Authenticator, r.way.salt)
	}
	return p, err
}

// pairEnd gives the place of the comma behind the first pair of a line, or its length.
func pairEnd(line string) int {
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote == '"':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ',':
			return i
		}
	}
	return len(line)
}
