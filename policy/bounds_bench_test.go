package policy

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/server"
)

// matchAndSet is one capture and one set: the usual work of a hints hook.
const matchAndSet = `on("hints", function(req)
  local user, realm = req.user:match("^([^@]+)@(.+)$")
  req.control["Huntgroup-Name"] = realm
end)`

// unbounded makes gopher-lua run by its own loop, without asking the budget before each instruction, though functions
// still find the state behind its context. What State.run spares beside that makes the bounds cost less than nothing.
func unbounded(rn *Runner) {
	l := rn.lua()
	budget := l.Context()
	l.RemoveContext()
	ctx := reflect.ValueOf(l).Elem().FieldByName("ctx")
	*(*context.Context)(unsafe.Pointer(ctx.UnsafeAddr())) = budget
}

// trusting is Runner.Run for a script that is trusted: no steps are counted, no deadline is set, nothing is put on the
// budget.
func (rn *Runner) trusting(r *server.Request) error {
	rn.begin(r)
	for _, h := range rn.pr.phases[server.PhaseHints] {
		outer := rn.enter(h, r)
		rn.own.bind(r)
		l := rn.lua()
		l.Push(rn.functions[h.index])
		l.Push(&rn.own.request)
		err := l.PCall(1, lua.MultRet, nil)
		l.SetTop(0)
		rn.own.live = false
		if err == nil {
			err = rn.checkRun(h, r, nil)
		}
		if err != nil {
			return err
		}
		r.Hook = h.label
		rn.leave(outer)
	}
	return nil
}

// BenchmarkBounds is the usual hook with all its bounds and without. Both are measured in turns, and the median of the
// ratios is told, so that other work on the machine does not decide.
func BenchmarkBounds(b *testing.B) {
	h := load(b, matchAndSet)
	free := h.pr.newRunner()
	unbounded(free)
	bounded := h.pr.newRunner()
	names := rotatingNames()
	user := h.gen.Dictionary.Known.UserName.AnyTag()
	r := h.access("User-Name", "nobody", "NAS-Port", "3")
	calls := func(run func()) time.Duration {
		begun := time.Now()
		for _, name := range names {
			r.Attributes.Reset()
			r.Attributes.AddShared(dictionary.Pair{Attr: user.Attr, Value: name})
			r.Control.Reset()
			run()
		}
		return time.Since(begun)
	}
	frame := calls(func() {})
	var ratios []float64
	var with, without time.Duration
	for b.Loop() {
		frame = min(frame, calls(func() {}))
		w := calls(func() {
			if v := bounded.Run(server.PhaseHints, r); v != nil {
				b.Fatal(v)
			}
			bounded.End(r)
		}) - frame
		f := calls(func() {
			free.budgetless(b, r)
			free.End(r)
		}) - frame
		with, without = with+w, without+f
		ratios = append(ratios, float64(w)/float64(f))
	}
	slices.Sort(ratios)
	n := float64(len(ratios) * len(names))
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(with)/n, "ns/bounded")
	b.ReportMetric(float64(without)/n, "ns/free")
	b.ReportMetric((ratios[len(ratios)/2]-1)*100, "%bounds")
}

func (rn *Runner) budgetless(b *testing.B, r *server.Request) {
	if err := rn.trusting(r); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWhenMiss is what a hook costs whose condition does not hold, by kinds of conditions: it is measured in turns
// with a phase whose handler stands elsewhere, and the median of the differences is told.
func BenchmarkWhenMiss(b *testing.B) {
	for name, when := range map[string]string{
		"realm": `realm="other.example", client="sw-*"`, "client": `client="sw-*"`, "user": `user="*-admin"`,
		"list": `realm={"a.example", "b.example", "c.example"}`, "port": `["NAS-Port"]="32-47"`, "absent": `["NAS-Port"]=false`,
	} {
		b.Run(name, func(b *testing.B) {
			miss, none := newMisser(b, `on("hints", {when={`+when+`}}, function(req) error("called") end)`), newMisser(b, `on("reply", function(req) end)`)
			var more []float64
			for b.Loop() {
				base := none.run(b)
				more = append(more, float64(miss.run(b)-base)/float64(len(miss.names)))
			}
			slices.Sort(more)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(more[len(more)/2], "ns/miss")
		})
	}
}

// A misser runs the hints phase for requests with changing names; none of its handlers is called.
type misser struct {
	rn         server.Runner
	r          *server.Request
	user, port dictionary.Pair
	names      [][]byte
}

func newMisser(b *testing.B, script string) *misser {
	h := load(b, script)
	r := h.access("User-Name", "nobody", "NAS-Port", "3")
	m := &misser{rn: h.pr.Acquire(), r: r, user: r.Attributes.Pairs[0], port: r.Attributes.Pairs[1], names: rotatingNames()}
	m.port.Value = []byte{0, 0, 0, 3}
	return m
}

func (m *misser) run(b *testing.B) time.Duration {
	begun := time.Now()
	for _, name := range m.names {
		m.user.Value = name
		m.r.Attributes.Reset()
		m.r.Attributes.AddShared(m.user)
		m.r.Attributes.AddShared(m.port)
		if v := m.rn.Run(server.PhaseHints, m.r); v != nil {
			b.Fatal(v)
		}
		m.rn.End(m.r)
	}
	return time.Since(begun)
}

// TestUsualHookAllocates: nothing, but for the pieces of memory that the texts of some tens of runs are cut from.
func TestUsualHookAllocates(t *testing.T) {
	for _, script := range []string{matchAndSet, stripRealm} {
		h := load(t, script)
		rn := h.pr.newRunner()
		names := rotatingNames()
		user := h.gen.Dictionary.Known.UserName.AnyTag()
		r, i := h.access("User-Name", "nobody"), 0
		got := testing.AllocsPerRun(1000, func() {
			i++
			r.Attributes.Reset()
			r.Attributes.AddShared(dictionary.Pair{Attr: user.Attr, Value: names[i%len(names)]})
			r.Control.Reset()
			rn.Run(server.PhaseHints, r)
			rn.End(r)
		})
		if got > 0 {
			t.Errorf("%v allocations, want none", got)
		}
		if len(r.Control.Pairs) == 0 {
			t.Errorf("the hook did nothing: %s", h.log)
		}
	}
}
