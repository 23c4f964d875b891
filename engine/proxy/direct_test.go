package proxy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// TestDirect: a NAS that refuses unknown attributes gets no Proxy-State of ours, and sends none back.
func TestDirect(t *testing.T) {
	h := newFakeHome(t, func(h *fakeHome, q question) {
		h.answer(q, answering{code: radius.CodeDisconnectNAK, unsigned: true, attrs: attribute(101, "\x00\x00\x01\xf7")})
	})
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	c.Code, c.Direct = radius.CodeDisconnectRequest, true
	if o := c.send(t, f); o != Answered {
		t.Fatalf("outcome %v", o)
	}
	if d := cmp.Diff([]radius.Type{1}, types(h.wait(t).packet.Attributes)); d != "" {
		t.Errorf("request (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]radius.Type{101}, types(c.Reply.Attributes)); d != "" || c.Reply.Code != radius.CodeDisconnectNAK {
		t.Errorf("%v (-want +got)\n%s", c.Reply.Code, d)
	}
}
