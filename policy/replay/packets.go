package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/pcap"
	"perilune/engine/radius"
)

// PacketOptions say what a capture of packets is read with.
type PacketOptions struct {
	Auth, Acct, CoA []uint16 // UDP ports of the server
	Secret          string   // of all clients; "": those of Clients
	Clients         *nas.Table
	Dictionary      *dictionary.Dictionary // that shows attributes
}

// ReadPackets gives the requests of a capture in order, each with the answer that it got. Requests that were sent again
// count once; those that got no answer are a discard. What cannot be verified is a *LineError with the number of the
// packet in the place of a line.
func ReadPackets(in *pcap.Reader, file string, o PacketOptions) iter.Seq2[*Case, error] {
	return func(yield func(*Case, error) bool) {
		p := &packets{o: &o, file: file, open: map[exchangeKey]*exchange{}, yield: yield}
		for !p.stopped {
			d, err := in.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil { // what has come so far is good all the same
				p.finish(len(p.order))
				p.give(nil, err)
				return
			}
			p.take(&d)
		}
		p.finish(len(p.order))
	}
}

// An exchangeKey tells requests apart until their answer has come (RFC 5080 s2.2.2).
type exchangeKey struct {
	from, to netip.AddrPort
	id       byte
}

// An exchange is a request whose answer is awaited.
type exchange struct {
	c      *Case
	raw    []byte
	number int
	key    exchangeKey
	reply  *radius.Packet
}

// answerTime is how long an answer is awaited; answers that come later are none.
const answerTime = 30 * time.Second

// maxExchanges bounds what waits for an answer.
const maxExchanges = 1 << 16

// packets matches requests with answers. Requests are given in their order, so that one without an answer holds back
// those behind it for answerTime of the capture.
type packets struct {
	o       *PacketOptions
	file    string
	open    map[exchangeKey]*exchange
	order   []*exchange
	yield   func(*Case, error) bool
	stopped bool
}

func (p *packets) give(c *Case, err error) {
	if !p.stopped && !p.yield(c, err) {
		p.stopped = true
	}
}

func (p *packets) wrong(number int, format string, a ...any) {
	p.give(nil, &LineError{p.file, number, fmt.Errorf(format, a...)})
}

// listener gives the listener that a port of the server belongs to.
func (o *PacketOptions) listener(port uint16) string {
	switch {
	case slices.Contains(o.Auth, port):
		return "auth"
	case slices.Contains(o.Acct, port):
		return "acct"
	case slices.Contains(o.CoA, port):
		return "coa"
	}
	return ""
}

// take looks at one datagram.
func (p *packets) take(d *pcap.Datagram) {
	p.ready(d.Time)
	asked, answers := p.o.listener(d.To.Port()), p.o.listener(d.From.Port())
	if asked == "" && answers == "" || len(d.Payload) == 0 {
		return
	}
	if d.Cut {
		p.wrong(d.Number, "the capture holds a part of the packet alone; take all of each packet (tcpdump -s 0)")
		return
	}
	packet, err := radius.Parse(d.Payload)
	if err != nil {
		p.wrong(d.Number, "no packet of RADIUS: %v", err)
		return
	}
	switch {
	case asked != "" && slices.Contains(codes, packet.Code):
		p.request(d, &packet, asked)
	case answers != "":
		p.answer(d, &packet)
	}
}

// request files a request. One that is sent again is the same one.
func (p *packets) request(d *pcap.Datagram, packet *radius.Packet, listener string) {
	key := exchangeKey{d.From, d.To, packet.Identifier}
	if old := p.open[key]; old != nil && bytes.Equal(old.raw, d.Payload) {
		return
	}
	secret, verified, err := p.secretOf(d, packet)
	if err != nil {
		p.wrong(d.Number, "%v", err)
		return
	}
	x := &exchange{raw: d.Payload, number: d.Number, key: key}
	x.c = &Case{
		Where: fmt.Sprintf("%s:%d", p.file, d.Number), Time: d.Time, Source: d.From, Listener: listener, Code: packet.Code,
		Signed: verified.MessageAuthenticator, Wire: packet.Attributes, Secret: secret, Authenticator: packet.Authenticator,
		Dictionary: p.o.Dictionary, Real: true, Bare: true, Client: p.clientName(d.From.Addr()),
	}
	if name, ok := packet.Attributes.Find(radius.TypeUserName); ok {
		x.c.User = string(name)
	}
	if state, ok := packet.Attributes.Find(radius.TypeState); ok {
		x.c.Answers = string(state)
	}
	p.open[key] = x
	p.order = append(p.order, x)
	if len(p.order) > maxExchanges {
		p.finish(1)
	}
}

func (p *packets) clientName(a netip.Addr) string {
	if p.o.Clients != nil {
		if c := p.o.Clients.Lookup(a); c != nil {
			return c.Name
		}
	}
	return a.String()
}

// secretOf gives the secret that fits a request.
func (p *packets) secretOf(d *pcap.Datagram, packet *radius.Packet) (radius.Secret, radius.Verified, error) {
	var list []radius.Secret
	if p.o.Secret != "" {
		list = append(list, radius.NewSecret(p.o.Secret))
	} else if c := p.o.Clients.Lookup(d.From.Addr()); c != nil {
		list = append(list, c.Secret)
		if c.Second.Len() > 0 {
			list = append(list, c.Second)
		}
	} else {
		return radius.Secret{}, radius.Verified{}, fmt.Errorf("no client has the address %v; expected one in the clients file, or -secret", d.From.Addr())
	}
	var s radius.Session
	err := errors.New("no secret")
	for _, secret := range list {
		s.Use(secret)
		var v radius.Verified
		if v, err = s.VerifyRequest(d.Payload); err == nil {
			return secret, v, nil
		}
	}
	return radius.Secret{}, radius.Verified{}, fmt.Errorf("%s of %v: %w: the secret is another one", packet.Code, d.From, err)
}

// answer files an answer with its request.
func (p *packets) answer(d *pcap.Datagram, packet *radius.Packet) {
	x := p.open[exchangeKey{d.To, d.From, packet.Identifier}]
	if x == nil || x.reply != nil || !packet.Code.Answers(x.c.Code) {
		return
	}
	var s radius.Session
	s.Use(x.c.Secret)
	if _, err := s.VerifyReply(d.Payload, &x.c.Authenticator); err != nil {
		p.wrong(d.Number, "the answer to packet %d: %v", x.number, err)
		return
	}
	x.reply = packet
	p.ready(d.Time)
}

// ready gives the requests whose answer has come, or is not awaited any more, as far as none before them waits.
func (p *packets) ready(now time.Time) {
	n := 0
	for n < len(p.order) && (p.order[n].reply != nil || now.Sub(p.order[n].c.Time) > answerTime) {
		n++
	}
	p.finish(n)
}

// finish gives the first n requests.
func (p *packets) finish(n int) {
	for _, x := range p.order[:n] {
		if p.open[x.key] == x {
			delete(p.open, x.key)
		}
		p.give(p.finished(x), nil)
	}
	p.order = p.order[n:]
}

// finished makes the result of an exchange. A capture tells verdict and reply, and no reason.
func (p *packets) finished(x *exchange) *Case {
	c := x.c
	request := decoded(p.o.Dictionary, c.Wire, c)
	c.Secrets = secretsOf(&request)
	if x.reply == nil {
		c.Before = Result{Verdict: "discard", Reason: noAnswer}
		return c
	}
	reply := decoded(p.o.Dictionary, x.reply.Attributes, c)
	c.Before = Result{Verdict: verdictOf(x.reply.Code), Code: x.reply.Code.String(), Reply: replyTexts(p.o.Dictionary, &reply, c.Secrets)}
	if state, ok := x.reply.Attributes.Find(radius.TypeState); ok {
		c.Asks = string(state)
	}
	return c
}

// noAnswer is the reason of a request that a capture has no answer to.
const noAnswer = "no answer in the capture"

// verdictOf gives the verdict behind the code of an answer.
func verdictOf(code radius.Code) string {
	switch code {
	case radius.CodeAccessAccept, radius.CodeCoAACK, radius.CodeDisconnectACK:
		return "accept"
	case radius.CodeAccessChallenge:
		return "challenge"
	case radius.CodeAccountingResponse:
		return "response"
	}
	return "reject"
}

// secretsOf gives the secret values of a list that are long enough to be looked for.
func secretsOf(l *dictionary.List) (secrets []string) {
	const shortest = 4
	for i := range l.Pairs {
		if p := &l.Pairs[i]; (p.Attr.Secret || p.Attr.Encrypt != dictionary.EncryptNone) && len(p.Value) >= shortest {
			secrets = append(secrets, string(p.Value))
		}
	}
	return secrets
}
