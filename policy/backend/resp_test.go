package backend

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

func TestReadRESP(t *testing.T) {
	for in, want := range map[string]string{
		"+OK\r\n": "OK", "$5\r\na\r\nbc\r\n": "a\r\nbc", "$0\r\n\r\n": "", "$-1\r\n": "nothing", ":7\r\n": "7", "-ERR no\r\n": "says ERR no",
		"": "it closed the connection", "+OK": "it closed the connection", "$5\r\nab": "it closed the connection",
		"+OK\n": "no answer", "*1\r\n$1\r\na\r\n": "no answer", "$-2\r\n": "no answer", "$x\r\n": "no answer", ":x\r\n": "no answer", "\r\n": "no answer",
		"$1048577\r\n": "no answer", "$1\r\nabc": "no answer", "+" + strings.Repeat("x", 5000) + "\r\n": "no answer",
	} {
		r, err := readRESP(bufio.NewReader(strings.NewReader(in)))
		got := r.text
		var said respError
		switch {
		case errors.As(err, &said):
			got = "says " + string(said)
		case err == errRESP:
			got = "no answer"
		case err != nil:
			got = err.Error()
		case r.none:
			got = "nothing"
		case r.number != 0:
			got = "7"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzReadRESP: no octets of a server crash us or take more room than a reply may.
func FuzzReadRESP(f *testing.F) {
	for _, seed := range []string{"+OK\r\n", "$3\r\nabc\r\n", "$-1\r\n", ":12\r\n", "-ERR\r\n", "$1048576\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		r, err := readRESP(bufio.NewReader(strings.NewReader(in)))
		if err == nil && len(r.text) > len(in) {
			t.Errorf("%q gives %q", in, r.text)
		}
	})
}
