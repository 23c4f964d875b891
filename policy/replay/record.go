package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// Version is that of the lines of a record. A reader takes lines of its own version alone.
const Version = 1

// maxLine bounds one line: two packets as text, and the answers of backends.
const maxLine = 1 << 20

// A line is one request of a record.
type line struct {
	Version    int           `json:"v"`
	Time       time.Time     `json:"time"`
	ID         uint64        `json:"id"`
	Generation uint64        `json:"generation"`
	Hash       string        `json:"hash,omitempty"`
	Client     string        `json:"client"`
	Source     string        `json:"source"`
	Listener   string        `json:"listener"`
	Code       string        `json:"code"`
	Signed     bool          `json:"signed,omitempty"`
	Method     string        `json:"method,omitempty"`
	Password   string        `json:"password,omitempty"`
	Request    []string      `json:"request"`
	Answers    string        `json:"answers,omitempty"`
	Asks       string        `json:"asks,omitempty"`
	Before     Result        `json:"result"`
	Home       *Answer       `json:"home,omitempty"`
	NAS        *Answer       `json:"nas,omitempty"`
	Calls      []sealedCall  `json:"calls,omitempty"`
	Took       time.Duration `json:"-"`
}

// lineOf makes the line of a request; answers of backends are sealed with the key, and left out without one.
func lineOf(k *server.Captured, key *Key) line {
	l := line{
		Version: Version, Time: k.Time, ID: k.Serial, Generation: k.Generation, Hash: short(k.Hash), Client: k.Client.Name, Source: k.Source.String(),
		Listener: k.Listener, Code: k.Code.String(), Signed: k.Signed, Method: k.Method,
		Request: pairTexts(k.Dictionary, &k.Received, k.Secrets), Answers: k.Answers, Asks: k.Asks, Before: resultOf(k),
		Home: answerOf(k.Dictionary, k.Home, k.Secrets), NAS: answerOf(k.Dictionary, k.NAS, k.Secrets),
	}
	if k.Code == radius.CodeAccessRequest {
		l.Password = k.Password.String()
	}
	if k.Tape != nil {
		for i := range k.Tape.Calls {
			l.Calls = append(l.Calls, key.seal(&k.Tape.Calls[i], k.Secrets))
		}
	}
	return l
}

func short(hash string) string { return hash[:min(len(hash), 12)] }

// appendLine appends the line of a request, with its end.
func appendLine(dst []byte, k *server.Captured, key *Key) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	l := lineOf(k, key)
	err := enc.Encode(&l)
	return b.Bytes(), err
}

// A LineError is a line of a record that cannot be read.
type LineError struct {
	File string
	Line int
	Err  error
}

// Error gives file:line: and why.
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap gives the cause.
func (e *LineError) Unwrap() error { return e.Err }

// errCut is of a last line without an end: the server writes it just now, or the disk was full.
var errCut = errors.New("the line is cut off")

// caseOf reads one line. An empty one is an error as any other.
func caseOf(text []byte, file string, n int, err error, key *Key) (*Case, error) {
	fail := func(err error) (*Case, error) { return nil, &LineError{file, n, err} }
	if errors.Is(err, bufio.ErrTooLong) {
		return fail(fmt.Errorf("the line has more than %d octets", maxLine))
	}
	var l line
	if jsonErr := json.Unmarshal(text, &l); jsonErr != nil {
		if errors.Is(err, io.EOF) {
			return fail(errCut)
		}
		return fail(fmt.Errorf("no line of a record: %w", jsonErr))
	}
	if l.Version != Version {
		return fail(fmt.Errorf("the line has version %d, expected %d", l.Version, Version))
	}
	c, err := l.toCase(key)
	if err != nil {
		return fail(err)
	}
	c.Where = fmt.Sprintf("%s:%d", file, n)
	return c, nil
}

// codes are the requests that a record may have.
var codes = []radius.Code{radius.CodeAccessRequest, radius.CodeAccountingRequest, radius.CodeCoARequest, radius.CodeDisconnectRequest}

func (l *line) toCase(key *Key) (*Case, error) {
	c := &Case{
		Time: l.Time, ID: l.ID, Client: l.Client, Listener: l.Listener, Signed: l.Signed, Texts: l.Request, Answers: l.Answers, Asks: l.Asks,
		Before: l.Before, Home: l.Home, NAS: l.NAS,
	}
	for _, code := range codes {
		if code.String() == l.Code {
			c.Code = code
		}
	}
	if c.Code == 0 {
		return nil, fmt.Errorf("code: got %q, expected that of a request", l.Code)
	}
	source, err := netip.ParseAddrPort(l.Source)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	c.Source = source
	for _, t := range [...]server.Truth{server.Wrong, server.Right} {
		if l.Password == t.String() {
			c.Password = t
		}
	}
	if c.Before.Verdict == "" {
		return nil, errors.New("the line has no verdict")
	}
	c.Tape = key.open(l.Calls)
	return c, nil
}
