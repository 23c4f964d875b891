package policy

import (
	"fmt"
	"testing"

	"perilune/engine/dictionary"
	"perilune/engine/server"
)

// rotatingNames gives user names that no branch predictor learns.
func rotatingNames() [][]byte {
	names := make([][]byte, 4096)
	for i := range names {
		names[i] = fmt.Appendf(nil, "user%d@realm%d.example", i*7919, i%17)
	}
	return names
}

// benchmarkHints runs the hints phase of a script for requests whose names change.
func benchmarkHints(b *testing.B, script string) {
	h := load(b, script)
	r := h.access("User-Name", "nobody", "NAS-Port", "3")
	names := rotatingNames()
	rn := h.pr.Acquire()
	user := h.gen.Dictionary.Known.UserName.AnyTag()
	port := r.Attributes.Pairs[1]
	port.Value = []byte{0, 0, 0, 3}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Attributes.Reset()
		r.Attributes.AddShared(dictionary.Pair{Attr: user.Attr, Value: names[i%len(names)]})
		r.Attributes.AddShared(port)
		r.Control.Reset()
		r.Reply.Reset()
		if v := rn.Run(server.PhaseHints, r); v != nil {
			b.Fatal(v)
		}
		rn.End(r)
	}
}

// BenchmarkMatchAndSet is one capture and one set, with the frame of BenchmarkNoHook.
func BenchmarkMatchAndSet(b *testing.B) { benchmarkHints(b, matchAndSet) }

// BenchmarkReadAndWrite is one read and one write of a field.
func BenchmarkReadAndWrite(b *testing.B) {
	benchmarkHints(b, `on("hints", function(req) req.control["Huntgroup-Name"] = req.user end)`)
}

// BenchmarkEmptyHook is the price of calling Lua.
func BenchmarkEmptyHook(b *testing.B) { benchmarkHints(b, `on("hints", function(req) end)`) }

// BenchmarkNoHook is the frame that the other benchmarks stand in.
func BenchmarkNoHook(b *testing.B) { benchmarkHints(b, `on("reply", function(req) end)`) }

// BenchmarkVerdictOfLoad returns a verdict that was made while the script was loaded.
func BenchmarkVerdictOfLoad(b *testing.B) {
	benchmarkVerdict(b, `local fine = accept{vlan=900, ["Session-Timeout"]=300}
on("authorize", function(req) return fine end)`)
}

// BenchmarkFixedVerdict returns a verdict that is written in the handler and always the same.
func BenchmarkFixedVerdict(b *testing.B) {
	benchmarkVerdict(b, `on("authorize", function(req) return accept{vlan=900, ["Session-Timeout"]=300} end)`)
}

// benchmarkVerdict runs the phase authorize of a script that decides.
func benchmarkVerdict(b *testing.B, script string) {
	h := load(b, script)
	r := h.access("User-Name", "bob")
	rn := h.pr.Acquire()
	b.ReportAllocs()
	for b.Loop() {
		if v := rn.Run(server.PhaseAuthorize, r); v == nil {
			b.Fatal("no verdict")
		}
	}
}

// BenchmarkNewState is the price of a state for one more desk.
func BenchmarkNewState(b *testing.B) {
	h := load(b, `on("hints", function(req) req.user = req.user:lower() end)`)
	b.ReportAllocs()
	for b.Loop() {
		h.pr.newRunner().close()
	}
}

// BenchmarkStripRealm is what most sites do first: the realm off the name by a pattern, and a set of it.
func BenchmarkStripRealm(b *testing.B) { benchmarkHints(b, stripRealm) }

// stripRealm takes the realm off the name and keeps it.
const stripRealm = `on("hints", function(req)
  local user, realm = string.match(req["User-Name"], "^([^@]+)@(.+)$")
  if user then
    req["User-Name"] = user
    req.control["Tmp-String-0"] = realm
  end
end)`
