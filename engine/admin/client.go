package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// A Client speaks to a server's socket.
type Client struct {
	path string
	http *http.Client
}

// Dial gives a client of the socket at path. Nothing is sent yet.
func Dial(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Client{path, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// A RefusedError is the server's answer that a command failed: its text is for the operator.
type RefusedError struct{ Text string }

// Error gives the server's text.
func (e *RefusedError) Error() string { return e.Text }

// ErrNoServer says that no server answers on the socket.
var ErrNoServer = errors.New("no server answers")

// Do sends a command and reads its JSON result into out (nil: thrown away).
func (c *Client) Do(ctx context.Context, verb string, params map[string]string, out any) error {
	return c.Stream(ctx, verb, params, func(line json.RawMessage) error {
		if out == nil {
			return nil
		}
		return json.Unmarshal(line, out)
	})
}

// Stream sends a command and hands over each JSON value of its answer as it comes, until the server ends
// it, ctx is done, or each gives an error.
func (c *Client) Stream(ctx context.Context, verb string, params map[string]string, each func(json.RawMessage) error) error {
	if params == nil {
		params = map[string]string{}
	}
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://perilune/"+verb, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return &RefusedError{strings.TrimSpace(string(text))}
	}
	return eachValue(resp.Body, each)
}

func eachValue(r io.Reader, each func(json.RawMessage) error) error {
	dec := json.NewDecoder(r)
	for {
		var v json.RawMessage
		switch err := dec.Decode(&v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(v); err != nil {
			return err
		}
	}
}

// explain says what an operator can do about a socket that cannot be reached.
func (c *Client) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w at %s; is it running, with this state directory?", ErrNoServer, c.path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied; join the group of [admin] group, or be root", c.path)
	}
	return err
}
