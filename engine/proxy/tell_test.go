package proxy

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
)

// TestTellHealth: the log says whether a home server is silent, or a NAS that was to be told something.
func TestTellHealth(t *testing.T) {
	for _, c := range []struct {
		kind    Kind
		was, is Health
		want    string
	}{
		{KindAuth, Up, Doubtful, `level=WARN msg="home server does not answer" home.server=h home.address=192.0.2.1:1812 home.kind=auth`},
		{KindAcct, Doubtful, Down, `level=ERROR msg="home server is dead: it answers nothing" home.server=h home.address=192.0.2.1:1812 home.kind=acct`},
		{KindAuth, Down, Reviving, `level=WARN msg="home server answers again; its share grows" home.server=h home.address=192.0.2.1:1812 home.kind=auth`},
		{KindAuth, Reviving, Up, `level=INFO msg="home server is up" home.server=h home.address=192.0.2.1:1812 home.kind=auth was=reviving`},
		{KindDynamic, Up, Doubtful, `level=WARN msg="NAS does not answer CoA" nas.server=h nas.address=192.0.2.1:1812 nas.kind=coa`},
		{KindDynamic, Doubtful, Up, `level=INFO msg="NAS answers CoA again" nas.server=h nas.address=192.0.2.1:1812 nas.kind=coa`},
	} {
		var log strings.Builder
		f := &Forwarder{o: ForwarderOptions{Log: slog.New(slog.NewTextHandler(&log, nil))}}
		h := &home{forwarder: f, identity: identity{kind: c.kind, address: netip.MustParseAddrPort("192.0.2.1:1812")}, name: "h"}
		h.tellHealth(c.was, c.is)
		if _, got, _ := strings.Cut(strings.TrimSpace(log.String()), " "); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
