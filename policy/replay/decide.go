package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/radius"
	"perilune/engine/server"
)

// A Kind is what came of one case.
type Kind uint8

// The kinds of findings.
const (
	Same         Kind = iota // the same answer for the same reason
	OtherWay                 // the same answer by another rule or handler, or for another reason
	Changed                  // another verdict or another answer
	Following                // a round of a challenge that is not made any more
	Incomparable             // it depends on what is not known any more
)

// A Finding is what came of one case.
type Finding struct {
	Kind  Kind
	Cause string
	After Result
}

// rounds links the States of then with those of now, bounded.
type rounds struct {
	states map[string][]byte // nil: no challenge is made any more
	order  []string
}

const maxRounds = 50_000

func (r *rounds) forget() { clear(r.states); r.order = r.order[:0] }

func (r *rounds) keep(id string, state []byte) {
	if len(r.order) >= maxRounds {
		delete(r.states, r.order[0])
		r.order = r.order[1:]
	}
	if _, known := r.states[id]; !known {
		r.order = append(r.order, id)
	}
	r.states[id] = state
}

// defect begins the cause of what the server itself could not decide.
const defect = "a defect of the server: "

// decide runs one case. A defect that it meets costs the case alone.
func (w *worker) decide(c *Case) (f Finding) {
	defer func() {
		if why := recover(); why != nil {
			f = Finding{Kind: Incomparable, Cause: fmt.Sprintf(defect+"%v", why)}
		}
	}()
	if w.ran++; w.ran > renewAfter {
		w.renew()
	}
	w.now, w.current = c.Time, c
	w.known = &server.Recorded{Password: c.Password, Real: c.Real, Tape: c.Tape}
	q, follows, err := w.question(c)
	switch {
	case err != nil:
		return Finding{Kind: Incomparable, Cause: err.Error()}
	case follows:
		return Finding{Kind: Following}
	}
	after, state, err := w.result(c, q)
	if err != nil {
		return Finding{Kind: Incomparable, Cause: err.Error()}
	}
	if c.Asks != "" {
		w.rounds.keep(c.Asks, state)
	}
	return w.compare(c, after)
}

// result decides a question.
func (w *worker) result(c *Case, q *server.Question) (after Result, state []byte, err error) {
	if q.Client = w.gen.Clients.Lookup(c.Source.Addr()); q.Client == nil {
		return Result{Verdict: server.Discard.String(), Reason: server.ReasonUnknownClient.String()}, nil, nil
	}
	if c.Secret.Len() > 0 && !knows(q.Client, c.Secret) {
		return Result{Verdict: server.Discard.String(), Reason: server.ReasonBadAuthenticator.String()}, nil, nil
	}
	out, err := w.offline.Run(w.gen, q)
	if err != nil {
		return after, nil, err
	}
	after = Result{
		Verdict: word(out.Kind, c.Code), Reason: blanked(out.Reason, c.Secrets), Rule: out.Rule, Hook: out.Hook, Hooks: out.Tape.Hooks,
		Reply: replyTexts(w.gen.Dictionary, &out.Reply, c.Secrets),
	}
	if out.Answer != 0 {
		after.Code = out.Answer.String()
	}
	return after, out.State, nil
}

// knows reports whether a client has a secret.
func knows(c *nas.Client, secret radius.Secret) bool {
	same := func(a, b radius.Secret) bool { return a.Len() > 0 && a.Equal(b) }
	return same(c.Secret, secret) || same(c.Second, secret)
}

// question makes the request anew. follows is true if it answers a challenge that is not made any more.
func (w *worker) question(c *Case) (q *server.Question, follows bool, err error) {
	q = &server.Question{Source: c.Source, Listener: c.Listener, Code: c.Code, Unsigned: !c.Signed, Quiet: true, Recorded: w.known}
	if c.Wire != nil {
		q.Challenge = &c.Authenticator
		err = w.received(c, &q.Attributes)
	} else {
		err = readPairs(w.gen.Dictionary, &q.Attributes, c.Texts)
	}
	if err != nil || c.Answers == "" {
		return q, false, err
	}
	state, found := w.rounds.states[c.Answers]
	switch {
	case found:
		q.State = state
		return q, state == nil, nil
	case c.Home != nil || c.Before.Reason == server.ReasonState.String():
		q.State = []byte(c.Answers) // somebody else's, or made up
	default:
		err = errors.New("the challenge that it answers is not in the record")
	}
	return q, false, err
}

// received reads a packet by the dictionary of now, without what belongs to its conversation.
func (w *worker) received(c *Case, l *dictionary.List) error {
	var all dictionary.List
	var s radius.Session
	s.Use(c.Secret)
	if now := w.gen.Clients.Lookup(c.Source.Addr()); now != nil {
		s.OneDigest = now.BrokenPassword
	}
	d := w.gen.Dictionary
	if err := d.Decode(&all, c.Wire, &s, &c.Authenticator); err != nil {
		return err
	}
	for _, p := range all.Pairs {
		if k := &d.Known; p.Attr != k.State && p.Attr != k.MessageAuthenticator {
			l.AddShared(p)
		}
	}
	return nil
}

// compare says what is different now.
func (w *worker) compare(c *Case, after Result) Finding {
	before := &c.Before
	if c.Bare { // nothing is known of the way there
		known := *before
		known.Rule, known.Hook, known.Hooks = after.Rule, after.Hook, after.Hooks
		if known.Reason == "" {
			known.Reason = after.Reason
		}
		before = &known
	}
	f := Finding{After: after}
	changed := differs(before, &after, w.gen.Settings.SessionJitter > 0)
	switch {
	case len(w.known.Missing) > 0: // an answer that comes to the same by chance says nothing
		f.Kind, f.Cause = Incomparable, "needs "+strings.Join(w.known.Missing, ", ")
	case before.Reason == noAnswer:
		f.Kind, f.Cause = Incomparable, noAnswer
	case !changed && before.Reason == after.Reason && before.Rule == after.Rule:
		return f
	case !changed:
		f.Kind = OtherWay
	case momentary(before.Reason) || before.Verdict == server.Drop.String():
		f.Kind, f.Cause = Incomparable, "was decided by the moment: "+before.Verdict+" "+before.Reason
	case momentary(after.Reason):
		f.Kind, f.Cause = Incomparable, "depends on the moment: "+after.Verdict+" "+after.Reason
	default:
		f.Kind, f.Cause = Changed, cause(before, &after)
	}
	return f
}

// momentary reports reasons that lie in the state of the server and of its neighbours, not in the files.
func momentary(reason string) bool {
	return slices.Contains(moments, reason)
}

var moments = []string{
	server.ReasonBusy.String(), server.ReasonExpired.String(), server.ReasonBackend.String(), server.ReasonRecorder.String(),
	server.ReasonNoHomeServer.String(), server.ReasonDraining.String(), server.ReasonHashQueue.String(), server.ReasonInflight.String(),
	server.ReasonInternal.String(), server.ReasonProgramBusy.String(), server.ReasonProgramTime.String(), server.ReasonProgram.String(),
	server.ReasonHomeTimeout.String(), server.ReasonThrottled.String(), server.ReasonRealmQuota.String(), server.ReasonMultipleLogin.String(),
	server.ReasonNoSession.String(), server.ReasonStale.String(), "superseded",
}
