package proxy

import (
	"time"

	"perilune/engine/radius"
)

// prepareProbe makes the home's own exchange: Status-Server (RFC 5997), one at a time.
func (h *home) prepareProbe() {
	h.probe.Code, h.probe.probe = radius.CodeStatusServer, true
	h.probe.Encode = h.encodeProbe
}

// encodeProbe appends what Status-Server carries: who asks, and nothing of a user (RFC 5997 s3).
func (h *home) encodeProbe(dst []byte, _ *radius.Session, _ *radius.Authenticator) ([]byte, error) {
	name := h.forwarder.o.Name
	if name == "" {
		return dst, nil
	}
	return radius.AppendAttribute(dst, radius.TypeNASIdentifier, []byte(name)), nil
}

// inquire sends a probe to a home server that has fallen silent, if it is time and it answers such.
func (h *home) inquire(s *Sender, now int64) {
	if !h.status.Load() || !h.configured.Load() || h.kind == KindDynamic {
		return // RFC 5997 s4.1: only where it is known to be answered
	}
	if !h.inquires(now) || !h.reserve(&h.probe) {
		return
	}
	x := &h.probe
	x.Attempts = 0
	if x.encode(h, s) != nil {
		h.cede(x, now)
		return
	}
	h.forwarder.launch(x, h, s, now)
}

// inquires reports whether a probe is due.
func (h *home) inquires(now int64) bool {
	state := Health(h.health.Load())
	if state != Doubtful && state != Down || h.probe.home.Load() != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now < h.record.probed {
		return false
	}
	h.record.probed = now + jitter(int64(h.forwarder.o.Probe+time.Second))
	return true
}
