package server

import "perilune/engine/radius"

// status answers Status-Server natively: no hooks, no duplicate cache, no forwarding (RFC 5997 s4.2). The
// Message-Authenticator was verified by receive, unless the settings let it be absent. There is no answer while the
// server drains or accounting cannot be stored: silence makes the NAS turn to its next server.
func (c *Core) status(r *Request) {
	code := radius.CodeAccessAccept
	if r.Listener == "acct" { // RFC 5997 s3: the answer is that of the port
		code = radius.CodeAccountingResponse
	}
	switch {
	case c.draining.Load():
		r.refuse(Drop, ReasonDraining)
	case r.Listener == "acct" && (c.recorder == nil || !c.recorder.Healthy()):
		r.refuse(Drop, ReasonRecorder)
	default:
		r.Method, r.Verdict = "none", Accept
		if code == radius.CodeAccessAccept { // RFC 5997 s6 allows Reply-Message
			r.say(r.expand(r.Generation.Settings.Texts.Operational))
		}
		if r.encode(code) != nil {
			r.refuse(Drop, ReasonTooLong)
		}
	}
}
