package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"os"

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
	for round := 0; err == nil && reply.Code == radius.CodeAccessChallenge && round < maxRounds; round++ {
		x.show(reply)
		answer, ok := x.answer(reply, round)
		if !ok {
			return exitFailed
		}
		reply, err = x.client.Exchange(ctx, x.next(reply, answer))
	}
	if err != nil {
		return x.s.fail("send", err)
	}
	x.show(reply)
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
	r.Attributes.Delete(anyTag(known.State))
	r.Attributes.Set(anyTag(known.UserPassword), answer)
	if state, ok := reply.Attributes.First(known.State); ok {
		r.Attributes.Add(anyTag(known.State), state)
	}
	return r
}

// anyTag names an attribute whatever its tag.
func anyTag(a *dictionary.Attribute) dictionary.Ref {
	return dictionary.Ref{Attr: a, Tag: dictionary.AnyTag}
}

// answer takes the next -answer, else asks at the terminal, without echo unless the server allows it
// (Prompt, RFC 2869 s5.10).
func (x *sender) answer(reply *client.Reply, round int) ([]byte, bool) {
	if round < len(x.answers) {
		return []byte(x.answers[round]), true
	}
	fmt.Fprint(x.s.err, "answer: ")
	in, isFile := x.s.in.(*os.File)
	if echo, _ := reply.Attributes.First(x.client.Dictionary.Known.Prompt); !bytes.Equal(echo, []byte{0, 0, 0, 1}) && isFile && term.IsTerminal(int(in.Fd())) {
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(x.s.err)
		return text, err == nil
	}
	if x.in == nil {
		x.in = bufio.NewReader(x.s.in)
	}
	line, err := x.in.ReadBytes('\n')
	line = bytes.TrimRight(line, "\r\n")
	if err != nil && len(line) == 0 {
		fmt.Fprintln(x.s.err, "\nperilune send: the server asks for an answer; give it with -answer")
		return nil, false
	}
	return line, true
}

// many sends the request -count times, -parallel at once, and sums up.
func (x *sender) many(ctx context.Context) int {
	var wg sync.WaitGroup
	var left atomic.Int64
	var mu sync.Mutex // protects codes, failed, last
	codes, failed := map[radius.Code]int{}, 0
	var last error
	left.Store(int64(x.count))
	begin := time.Now()
	for range min(x.parallel, x.count) {
		wg.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				reply, err := x.client.Exchange(ctx, x.request(&x.pairs))
				mu.Lock()
				if err != nil {
					failed, last = failed+1, err
				} else {
					codes[reply.Code]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return x.sum(codes, failed, last, time.Since(begin))
}

func (x *sender) sum(codes map[radius.Code]int, failed int, last error, took time.Duration) int {
	code := exitOK
	named := map[string]int{}
	for c, n := range codes {
		named[c.String()] = n
		code = max(code, exitOf(c))
	}
	if failed > 0 {
		code = exitFailed
	}
	if x.json {
		json.NewEncoder(x.s.out).Encode(map[string]any{"sent": x.count, "replies": named, "unanswered": failed, "seconds": took.Seconds()})
		return code
	}
	fmt.Fprintf(x.s.out, "%d requests in %v\n", x.count, took.Round(time.Millisecond))
	for c, n := range codes {
		fmt.Fprintf(x.s.out, "  %-20v %d\n", c, n)
	}
	if failed > 0 {
		fmt.Fprintf(x.s.out, "  %-20s %d (%v)\n", "no valid reply", failed, last)
	}
	return code
}

// show prints a reply with its attributes by name.
func (x *sender) show(r *client.Reply) {
	if x.json {
		x.showJSON(r)
		return
	}
	fmt.Fprintf(x.s.out, "%v from %s in %v\n", r.Code, r.Server, r.Took.Round(10*time.Microsecond))
	for i := range r.Attributes.Pairs {
		fmt.Fprintf(x.s.out, "  %s\n", r.Attributes.Pairs[i].AppendText(nil, false))
	}
}

func (x *sender) showJSON(r *client.Reply) {
	attrs := [][2]string{}
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		attrs = append(attrs, [2]string{p.Attr.Name, string(p.Attr.AppendText(nil, p.Value))})
	}
	json.NewEncoder(x.s.out).Encode(map[string]any{
		"code": r.Code.String(), "id": r.Identifier, "server": r.Server, "tries": r.Tries,
		"milliseconds": float64(r.Took.Microseconds()) / 1000, "message_authenticator": r.MessageAuthenticator, "attributes": attrs,
	})
}
