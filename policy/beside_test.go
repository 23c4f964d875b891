package policy

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/server"
)

// A told is a log that hands on each message.
type told chan string

func (c told) Enabled(context.Context, slog.Level) bool { return true }
func (c told) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c told) WithGroup(string) slog.Handler            { return c }
func (c told) Handle(_ context.Context, r slog.Record) error {
	c <- r.Message
	return nil
}

// TestTimers: a timer runs again and again, one that fails too, and Close ends them.
func TestTimers(t *testing.T) {
	c, timers := make(told, 1000), &Timers{}
	h, errs := tryLoad(t, map[string]string{"a.lua": `
every("1ms", {name="tick"}, function() log.info("tick") end)
every("1ms", {name="fails"}, function() error("oh") end)
on("unload", function() log.info("unloaded") end)`}, func(o *Options) { o.Log, o.Timers = slog.New(c), timers })
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	h.pr.Start()
	seen := map[string]int{}
	for seen["tick"] < 3 || seen[`a.lua:3: every "fails": oh`] < 2 {
		seen[<-c]++
	}
	h.pr.Close()
	for m := range c {
		if m == "unloaded" {
			break
		}
	}
}

// TestTimersOutliveReloads: a due time is kept by name; another interval counts at once.
func TestTimersOutliveReloads(t *testing.T) {
	timers, start := &Timers{}, time.Now()
	slow := &handler{kind: kindEvery, name: "a", interval: time.Hour}
	due := timers.next(slow, start)
	if later := timers.next(slow, start.Add(time.Minute)); !later.Equal(due) {
		t.Errorf("due moved from %v to %v", due, later)
	}
	fast := &handler{kind: kindEvery, name: "a", interval: time.Minute}
	if got := timers.next(fast, start); !got.Equal(start.Add(time.Minute)) {
		t.Errorf("shorter interval is due %v after start", got.Sub(start))
	}
	timers.forget(nil)
	if got := timers.next(slow, start); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("forgotten timer is due %v after start", got.Sub(start))
	}
}

// TestLoadHandlers: they run before the swap; raising refuses the generation.
func TestLoadHandlers(t *testing.T) {
	h := load(t, "on('load', function() print('loaded') end)\non('load', {name='warm'}, function()\n  error('no backend')\nend)")
	errs := h.pr.RunLoad()
	if got := errs.Error(); got != `a.lua:3: hook "warm": no backend` {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(h.log.String(), "loaded") {
		t.Error(h.log)
	}
	if errs := load(t, "").pr.RunLoad(); errs != nil {
		t.Error(errs)
	}
}

// TestManyDesks runs one program on many goroutines.
func TestManyDesks(t *testing.T) {
	h := load(t, `
local vip = accept{["Session-Timeout"]=5, Class="vip"}
huntgroup("odd", function(req) return req:int("NAS-Port") % 2 == 1 end)
on("hints", function(req) req.user = req.user:lower() req.ctx.n = req:int("NAS-Port") end)
on("authorize", {when={huntgroup="odd"}}, function(req) if req.ctx.n % 3 == 0 then return vip end end)
on("authorize", function(req) return accept{["Attr-26.64999." .. req.ctx.n + 100]="x"} end)`)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			rn := h.pr.Acquire()
			defer h.pr.Release(rn)
			for i := range 50 {
				n := g*50 + i
				r := h.access("User-Name", fmt.Sprintf("USER%d", n), "NAS-Port", fmt.Sprint(n))
				rn.Run(server.PhaseHints, r)
				v := rn.Run(server.PhaseAuthorize, r)
				if v == nil || v.Failed || (len(v.Attributes) == 2) != (n%6 == 3) {
					t.Errorf("%d: %+v", n, v)
				}
				rn.End(r)
			}
		})
	}
	all.Wait()
}

// TestExpressions computes `=` values: converted to the attribute's type, nil leaves the pair out.
func TestExpressions(t *testing.T) {
	h := load(t, `rewrite("double", function(req) return req:int("NAS-Port") * 2 end)`)
	at := raddb.Pos{File: "users", Line: 12, Col: 23} // an expression's chunk begins at line 1 all the same
	for _, c := range []struct{ source, attr, want, err string }{
		{`60 * 2 + (req:int('NAS-Port') or 0)`, "Session-Timeout", "127", ""},
		{`double(req) + 1`, "Session-Timeout", "15", ""},
		{`req["Class"]`, "Reply-Message", "", ""},
		{`"Framed"`, "Service-Type", "Framed-User", ""},
		{`time.format(0, "%Y")`, "Reply-Message", "1970", ""},
		{`nobody(req)`, "Reply-Message", "", "unknown name nobody"},
		{`1 +`, "Reply-Message", "", "the file ends too early"},
		{`-1`, "Session-Timeout", "", "out of range"},
		{`net.lookup("a.example")`, "Reply-Message", "", "net.lookup waits, which a computed value may not"},
		{`(net).reverse("192.0.2.1")`, "Reply-Message", "", "net.reverse waits"},
		{`req["NAS-Prt"]`, "Reply-Message", "", `unknown attribute "NAS-Prt"; did you mean "NAS-Port"?`},
		{`req.usr`, "Reply-Message", "", `req has no field or method "usr"; did you mean "user"?`},
		{`req["Service-Type"] == "Framed"`, "Reply-Message", "", `Service-Type reads as "Framed-User"`},
	} {
		h.log.Reset()
		ref, err := h.pr.Expression(c.source, at)
		if err != nil {
			if c.err == "" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.source, err, c.err)
			}
			continue
		}
		rn, r := h.pr.newRunner(), h.access("NAS-Port", "7")
		a := h.gen.Dictionary.Attribute(c.attr)
		value, ok, v := rn.Evaluate(ref, r, &server.Pair{Attr: a})
		if c.err != "" {
			if v == nil || v.Kind != server.Reject || !strings.Contains(h.log.String(), c.err) || !strings.Contains(h.log.String(), at.String()+": expression") {
				t.Errorf("%s: %+v, log %s, want %s: … %q", c.source, v, h.log, at, c.err)
			}
			continue
		}
		if got := string(a.AppendText(nil, value)); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s gives %q (%v), want %q\n%s", c.source, got, ok, c.want, h.log)
		}
	}
}
