package server

import (
	"time"
	"unicode/utf8"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// Texts are Reply-Messages of the server's own, with the macros of GNU Radius. A nil one says nothing.
type Texts struct {
	Denied        *users.Macro // wrong password, unknown user, and all reasons without a text of their own
	Closed        *users.Macro // the name stands in access.deny
	Expired       *users.Macro // Expiration has passed
	OutOfHours    *users.Macro // Login-Time
	RealmQuota    *users.Macro // the realm has too many sessions
	MultipleLogin *users.Macro // Simultaneous-Use of more than one
	SecondLogin   *users.Macro // Simultaneous-Use of one
	ExpireWarning *users.Macro // an accept shortly before Expiration
	Operational   *users.Macro // an answer to Status-Server on an authentication port
}

// of gives the text for a reason to reject. limit is the Simultaneous-Use that refuses.
func (t *Texts) of(why Reason, limit int) *users.Macro {
	switch why {
	case ReasonClosed:
		return t.Closed
	case ReasonExpiredAccount:
		return t.Expired
	case ReasonLoginTime:
		return t.OutOfHours
	case ReasonRealmQuota:
		return t.RealmQuota
	case ReasonMultipleLogin:
		if limit <= 1 {
			return t.SecondLogin
		}
		return t.MultipleLogin
	}
	return t.Denied
}

// restricts reports whether the reason refuses somebody who has proved who he is.
func (r Reason) restricts() bool {
	switch r {
	case ReasonClosed, ReasonExpiredAccount, ReasonLoginTime, ReasonRealmQuota, ReasonMultipleLogin:
		return true
	}
	return false
}

const typeReplyMessage radius.Type = 18

// maxTexts bounds a message, in octets: half of a packet.
const maxTexts = radius.MaxPacketLen / 2

// expand makes a text for the request. It is valid until the next one is made.
func (r *Request) expand(m *users.Macro) []byte {
	if m == nil {
		return nil
	}
	in := r.macroInput()
	r.way.text = m.Append(r.way.text[:0], &in)
	return r.way.text[:min(len(r.way.text), maxTexts)]
}

// MacroMissing implements users.MacroWatcher.
func (t *Trace) MacroMissing(a *dictionary.Attribute, text string) { t.Step(a.Name + ": " + text) }

// say adds what expand gave to the reply: as many Reply-Messages as it needs, parted between characters.
func (r *Request) say(text []byte) {
	message := r.Generation.Dictionary.Known.ReplyMessage
	for len(text) > 0 {
		n := messageEnd(text)
		r.Reply.AddShared(Pair{Attr: message, Value: text[:n]})
		text = text[n:]
	}
}

// messageEnd gives how much of a text one Reply-Message takes.
func messageEnd(text []byte) int {
	if len(text) <= radius.MaxValueLen {
		return len(text)
	}
	n := radius.MaxValueLen
	for n > radius.MaxValueLen-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	if !utf8.RuneStart(text[n]) { // no UTF-8: any place will do
		return radius.MaxValueLen
	}
	return n
}

// isText reports whether a pair is one of say's, by the end of its memory. They stand behind Proxy-State, at the
// end of the reply, where GNU Radius has them.
func (r *Request) isText(p *Pair) bool {
	text := r.way.text
	if len(text) == 0 || cap(p.Value) == 0 {
		return false
	}
	return &p.Value[:cap(p.Value)][cap(p.Value)-1] == &text[:cap(text)][cap(text)-1]
}

// encodeTexts appends the pairs that isText tells of.
func (r *Request) encodeTexts(b []byte, code radius.Code) []byte {
	if len(r.way.text) == 0 {
		return b
	}
	for i := range r.Reply.Pairs {
		if p := &r.Reply.Pairs[i]; r.isText(p) && !r.withholds(p, code) {
			b = radius.AppendAttribute(b, typeReplyMessage, p.Value)
		}
	}
	return b
}

// warnOfExpiry tells a user whose account expires soon. Password-Expire-Days has the days left, begun ones
// included.
func (c *Core) warnOfExpiry(r *Request) {
	set := &r.Generation.Settings
	if set.ExpireWarning <= 0 || set.Texts.ExpireWarning == nil {
		return
	}
	v, ok := r.Control.First(r.Generation.Dictionary.Known.Expiration)
	if !ok || len(v) != 4 {
		return
	}
	left := time.Duration(expires(v)-r.Arrival.Unix()) * time.Second // four octets of seconds fit
	if left <= 0 || left >= set.ExpireWarning {
		return
	}
	const day = 24 * time.Hour
	if a := r.Generation.prepare().expireDays; a != nil {
		days, _ := a.AppendUint(nil, uint64((left+day-1)/day))
		r.Control.Set(a.AnyTag(), days)
	}
	r.say(r.expand(set.Texts.ExpireWarning))
}

// logMask gives the Log-Mode-Mask of request and orders, all bits of all of them.
func (r *Request) logMask() (mask uint64) {
	if r.Generation.Dictionary == nil {
		return 0
	}
	a := r.Generation.prepare().logMask
	if a == nil {
		return 0
	}
	return maskOf(&r.Attributes, a) | maskOf(&r.Control, a)
}

func maskOf(l *dictionary.List, a *dictionary.Attribute) (mask uint64) {
	for i := range l.Pairs {
		if p := &l.Pairs[i]; p.Attr == a {
			n, _ := a.Uint(p.Value)
			mask |= n
		}
	}
	return mask
}

// The bits of Log-Mode-Mask, each of which leaves something out of the log.
const (
	maskAuth       = 1 // the lines of accepts
	maskAuthPass   = 2 // the passwords of accepts
	maskFailedPass = 4 // those of rejects
	maskAll        = maskAuth | maskAuthPass | maskFailedPass
)

// hides reports whether the mask leaves out the line of the request.
func (r *Request) hides(mask uint64) bool {
	return r.Packet.Code == radius.CodeAccessRequest && (mask&maskAll == maskAll || mask&maskAuth != 0 && r.Verdict == Accept)
}

// passwordShown gives the password for the line of the request, nil as a rule.
func (r *Request) passwordShown(mask uint64) []byte {
	hidden := uint64(maskFailedPass)
	if r.Verdict == Accept {
		hidden = maskAuthPass
	}
	if !r.Generation.Settings.LogPasswords || mask&hidden != 0 || r.Generation.Dictionary == nil {
		return nil
	}
	v, _ := r.Attributes.First(r.Generation.Dictionary.Known.UserPassword)
	return v
}
