package replay

import (
	"net/netip"
	"strings"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/server"
)

// A Case is one request that was decided before. It has its attributes as Texts or as Wire.
type Case struct {
	Where    string // file:line, or the number of the packet; for people
	Time     time.Time
	ID       uint64 // log_id; 0: not known
	Client   string // its name at that time
	Source   netip.AddrPort
	Listener string
	Code     radius.Code
	Signed   bool // it had a Message-Authenticator
	User     string

	Texts []string // `Name = value`; of what was not written down `Name ? octets`

	Wire          radius.Attributes // as received
	Secret        radius.Secret     // that they were hidden with
	Authenticator radius.Authenticator
	Dictionary    *dictionary.Dictionary // that shows them

	Password server.Truth
	Real     bool     // its credentials are the real ones
	Bare     bool     // of what was decided the answer alone is known
	Answers  string   // id of the challenge that it answers; "" for none
	Asks     string   // id of the challenge that it was answered with
	Secrets  []string // that no report may show
	Before   Result
	serial   int
	Home     *Answer // nil: no home server was asked
	NAS      *Answer // nil: no NAS was asked
	Tape     *server.Tape
}

// An Answer is what a home server or a NAS has said.
type Answer struct {
	Name   string      `json:"name"` // of the realm, or of the client
	Server string      `json:"server,omitempty"`
	Result string      `json:"result,omitempty"`
	Code   radius.Code `json:"code"` // 0: none came
	Cause  uint32      `json:"error_cause,omitempty"`
	Reply  []string    `json:"reply,omitempty"`
}

// A Result is what became of a request.
type Result struct {
	Verdict string   `json:"verdict"`
	Code    string   `json:"code,omitempty"` // of the answer; "": none
	Reason  string   `json:"reason,omitempty"`
	Rule    string   `json:"rule,omitempty"`
	Hook    string   `json:"hook,omitempty"`
	Hooks   []string `json:"hooks,omitempty"`
	Reply   []string `json:"reply,omitempty"`
}

// hidden stands for values that are not shown.
const hidden = "(hidden)"

// replyTexts gives the pairs of a reply as they are compared and shown. Of values that are secret, or made anew for
// each reply, only their being there counts.
func replyTexts(d *dictionary.Dictionary, l *dictionary.List, secrets []string) []string {
	texts := make([]string, 0, len(l.Pairs))
	for i := range l.Pairs {
		p := &l.Pairs[i]
		switch {
		case p.Attr == d.Known.MessageAuthenticator:
		case server.Hidden(d, p.Attr), p.Attr == d.Known.ChargeableUserIdentity, holds(p.Value, secrets):
			texts = append(texts, nameOf(p)+" = "+hidden)
		default:
			texts = append(texts, string(p.AppendText(nil, true)))
		}
	}
	return texts
}

// holds reports whether a value has a secret in it.
func holds(value []byte, secrets []string) bool {
	for _, s := range secrets {
		if strings.Contains(string(value), s) {
			return true
		}
	}
	return false
}

// blanked takes secrets out of a text.
func blanked(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, "[secret]")
	}
	return text
}

// resultOf gives what became of a captured request.
func resultOf(k *server.Captured) Result {
	r := Result{
		Verdict: word(k.Verdict, k.Code), Reason: blanked(k.Reason, k.Secrets), Rule: k.Rule, Hook: k.Hook,
		Reply: replyTexts(k.Dictionary, &k.Reply, k.Secrets),
	}
	if k.Answer != 0 {
		r.Code = k.Answer.String()
	}
	if k.Tape != nil {
		r.Hooks = k.Tape.Hooks
	}
	return r
}

// word gives a verdict as scripts spell it: an answered accounting request is a response.
func word(k server.Kind, code radius.Code) string {
	if k == server.Accept && code == radius.CodeAccountingRequest {
		return "response"
	}
	return k.String()
}

// FromCaptured gives the case of a live request, with its real credentials: it must stay in memory.
func FromCaptured(k *server.Captured) *Case {
	c := &Case{
		Time: k.Time, ID: k.Serial, Client: k.Client.Name, Source: k.Source, Listener: k.Listener, Code: k.Code, Signed: k.Signed,
		User: userOf(k.Dictionary, &k.Received), Wire: k.Wire, Dictionary: k.Dictionary, Secret: k.Secret, Authenticator: k.Authenticator,
		Password: k.Password, Real: true, Answers: k.Answers, Asks: k.Asks, Secrets: k.Secrets, Before: resultOf(k), Tape: k.Tape,
	}
	c.Home, c.NAS = answerOf(k.Dictionary, k.Home, nil), answerOf(k.Dictionary, k.NAS, nil)
	return c
}

func userOf(d *dictionary.Dictionary, l *dictionary.List) string {
	name, _ := l.First(d.Known.UserName)
	return strings.ToValidUTF8(string(name), "\ufffd")
}

// decoded reads attributes of a case's exchange, those of the request or of its answer.
func decoded(d *dictionary.Dictionary, wire radius.Attributes, c *Case) (l dictionary.List) {
	var s radius.Session
	s.Use(c.Secret)
	d.Decode(&l, wire, &s, &c.Authenticator)
	return l
}

func answerOf(d *dictionary.Dictionary, a *server.CapturedAnswer, secrets []string) *Answer {
	if a == nil {
		return nil
	}
	return &Answer{Name: a.Name, Server: a.Server, Result: a.Result, Code: a.Code, Cause: a.Cause, Reply: pairTexts(d, &a.Reply, secrets)}
}
