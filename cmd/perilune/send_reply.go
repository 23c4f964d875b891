package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"perilune/engine/client"
	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// maxRounds ends a conversation that a server would go on with for ever.
const maxRounds = 20

func (x *sender) run(ctx context.Context) int {
	if x.count > 1 {
		return x.many(ctx)
	}
	reply, err := x.client.Exchange(ctx, x.request(&x.pairs))
	for round := 0; err == nil && reply.Code == radius.CodeAccessChallenge; round++ {
		x.show(reply)
		if round == maxRounds {
			return x.s.fail("send", fmt.Errorf("the server still asks after %d answers", maxRounds))
		}
		var answer []byte
		if answer, err = x.answer(ctx, reply, round); err == nil {
			reply, err = x.client.Exchange(ctx, x.next(reply, answer))
		}
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if err != nil {
		if x.json {
			json.NewEncoder(x.s.out).Encode(map[string]string{"error": err.Error()})
		}
		return x.s.fail("send", err)
	}
	x.show(reply)
	if x.peer != nil && reply.Code == radius.CodeAccessAccept && !x.proof(reply).right() {
		return exitFailed
	}
	return exitOf(reply.Code)
}

// exitOf gives the exit code fit for monitoring: 0 for a positive answer only.
func exitOf(c radius.Code) int {
	switch c {
	case radius.CodeAccessReject, radius.CodeCoANAK, radius.CodeDisconnectNAK, radius.CodeAccessChallenge:
		return exitFailed
	}
	return exitOK
}

func (x *sender) request(pairs *dictionary.List) *client.Request {
	r := &client.Request{Code: x.code, CHAP: x.chap, NoMessageAuthenticator: x.noMA}
	pairs.CopyTo(&r.Attributes)
	return r
}

// next answers a challenge: the request again with the text as password and the reply's State (RFC 2865
// s4.4).
func (x *sender) next(reply *client.Reply, answer []byte) *client.Request {
	known := &x.client.Dictionary.Known
	r := x.request(&x.pairs)
	r.CHAP = nil
	r.Attributes.Delete(known.CHAPPassword.AnyTag())
	deleteMicrosoft(&r.Attributes)
	r.Attributes.Delete(known.State.AnyTag())
	r.Attributes.Set(known.UserPassword.AnyTag(), answer)
	if state, ok := reply.Attributes.First(known.State); ok {
		r.Attributes.Add(known.State.AnyTag(), state)
	}
	return r
}

// errNoAnswer ends a conversation that nobody is there to go on with.
var errNoAnswer = errors.New("the server asks for an answer; give it with -answer")

// answer takes the next -answer, else asks at the terminal, else reads a line.
func (x *sender) answer(ctx context.Context, reply *client.Reply, round int) ([]byte, error) {
	if round < len(x.answers) {
		return []byte(x.answers[round]), nil
	}
	if in, ok := x.s.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) && !x.mayEcho(reply) {
		fmt.Fprint(x.s.err, "answer: ")
		text, err := readHidden(ctx, int(in.Fd()))
		fmt.Fprintln(x.s.err)
		return text, err
	}
	if x.in == nil {
		x.in = bufio.NewReader(x.s.in)
	}
	fmt.Fprint(x.s.err, "answer: ")
	text, err := untilDone(ctx, func() ([]byte, error) { return x.in.ReadBytes('\n') })
	text = bytes.TrimRight(text, "\r\n")
	if err != nil && len(text) == 0 {
		fmt.Fprintln(x.s.err)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, errNoAnswer
	}
	return text, nil
}

// mayEcho reports whether the server allows an answer to be seen (Prompt, RFC 2869 s5.10).
func (x *sender) mayEcho(reply *client.Reply) bool {
	echo, _ := reply.Attributes.First(x.client.Dictionary.Known.Prompt)
	return bytes.Equal(echo, []byte{0, 0, 0, 1})
}

// readHidden reads a line without echo, and gives the terminal its echo back if it is interrupted.
func readHidden(ctx context.Context, fd int) ([]byte, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	defer term.Restore(fd, before)
	return untilDone(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
}

// untilDone waits for read or for the end of ctx. In that case the program is about to end, and read with it.
func untilDone(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// show prints a reply with its attributes by name.
func (x *sender) show(r *client.Reply) {
	if x.json {
		x.showJSON(r)
		return
	}
	fmt.Fprintf(x.s.out, "%v from %s in %v\n", r.Code, r.Server, r.Took.Round(10*time.Microsecond))
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		fmt.Fprintf(x.s.out, "  %s\n", p.AppendText(nil, isMPPEKey(p.Attr)))
	}
	if x.peer != nil && r.Code == radius.CodeAccessAccept {
		for _, line := range x.proof(r).lines() {
			fmt.Fprintf(x.s.out, "  # %s\n", line)
		}
	}
}

// replyJSON is a reply as -json prints it.
type replyJSON struct {
	Code                 string      `json:"code"`
	ID                   byte        `json:"id"`
	Server               string      `json:"server"`
	Tries                int         `json:"tries"`
	Milliseconds         float64     `json:"milliseconds"`
	MessageAuthenticator bool        `json:"message_authenticator"`
	Attributes           [][2]string `json:"attributes"` // name, perhaps with :tag, and value
	MSCHAP               *proof      `json:"mschap,omitempty"`
}

func (x *sender) showJSON(r *client.Reply) {
	attrs := [][2]string{}
	for i := range r.Attributes.Pairs {
		attrs = append(attrs, jsonPair(&r.Attributes.Pairs[i]))
	}
	var verified *proof
	if x.peer != nil && r.Code == radius.CodeAccessAccept {
		verified = x.proof(r)
	}
	json.NewEncoder(x.s.out).Encode(replyJSON{
		r.Code.String(), r.Identifier, r.Server, r.Tries, float64(r.Took.Microseconds()) / 1000, r.MessageAuthenticator, attrs, verified,
	})
}

// jsonPair gives text unquoted where it is text for people, and in the form of users files where JSON could
// not hold its octets.
func jsonPair(p *dictionary.Pair) [2]string {
	name, value, _ := strings.Cut(string(p.AppendText(nil, isMPPEKey(p.Attr))), " = ")
	if p.Attr.Type == dictionary.TypeString {
		if plain := string(p.Value); strings.ToValidUTF8(plain, "") == plain {
			value = plain
		}
	}
	return [2]string{name, value}
}
