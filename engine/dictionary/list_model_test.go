package dictionary

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A listModel is a List as plainly as can be: attributes by name, values as text.
type listModel []modelPair

type modelPair struct {
	name  string
	tag   uint8
	value string
}

func (r modelRef) fits(p modelPair) bool {
	return p.name == r.name && (r.tag < 0 || uint8(r.tag) == p.tag)
}

type modelRef struct {
	name string
	tag  int8
}

func (r modelRef) pair(value string) modelPair { return modelPair{r.name, uint8(max(r.tag, 0)), value} }

// places gives where the pairs of an attribute are.
func (m listModel) places(r modelRef) (at []int) {
	for i, p := range m {
		if r.fits(p) {
			at = append(at, i)
		}
	}
	return at
}

// without gives the list without the pairs at some places.
func (m listModel) without(places []int) listModel {
	var kept listModel
	for i, p := range m {
		if !slices.Contains(places, i) {
			kept = append(kept, p)
		}
	}
	return kept
}

// setAmong replaces the pairs of an attribute at some of the places by one, at the first of them.
func (m listModel) setAmong(places []int, p modelPair) listModel {
	if len(places) == 0 {
		return append(m, p)
	}
	m = slices.Clone(m)
	m[places[0]] = p
	return m.without(places[1:])
}

func (m listModel) merge(p modelPair, additivity Additivity) listModel {
	at := m.places(modelRef{p.name, AnyTag})
	switch {
	case additivity == Append || len(at) == 0:
		return append(m, p)
	case additivity == Replace:
		m = slices.Clone(m)
		m[at[0]] = p
	}
	return m
}

func pairTexts(l *List) (out []string) {
	for _, p := range l.Pairs {
		out = append(out, fmt.Sprintf("%s:%d=%s", p.Attr.Name, p.Tag, p.Value))
	}
	return out
}

func (m listModel) text() (out []string) {
	for _, p := range m {
		out = append(out, fmt.Sprintf("%s:%d=%s", p.name, p.tag, p.value))
	}
	return out
}

// TestListFollowsTheModel changes a List at random, and a plain slice beside it. What scripts and users files do
// to lists rests on these methods.
func TestListFollowsTheModel(t *testing.T) {
	d := demoDictionary(t)
	names := []string{"Reply-Message", "Tunnel-Private-Group-Id", "Class", "Session-Timeout"}
	rapid.Check(t, func(t *rapid.T) {
		var l List
		var m listModel
		var did strings.Builder
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			r := modelRef{rapid.SampledFrom(names).Draw(t, "name"), AnyTag}
			if r.name == "Tunnel-Private-Group-Id" {
				r.tag = int8(rapid.IntRange(-1, 2).Draw(t, "tag"))
			}
			real := Ref{Attr: d.Attribute(r.name), Tag: r.tag}
			value := rapid.StringMatching("[a-d]{4}").Draw(t, "value")
			i := rapid.IntRange(-1, 3).Draw(t, "i")
			at := m.places(r)
			step := rapid.IntRange(0, 7).Draw(t, "step")
			fmt.Fprintf(&did, "%d %v %s %d\n", step, r, value, i)
			var got, want any
			switch step {
			case 0:
				l.Add(real, []byte(value))
				m = append(m, r.pair(value))
			case 1:
				p := r.pair(value)
				if len(at) > 0 && r.tag == AnyTag {
					p.tag = 0
				}
				l.Set(real, []byte(value))
				m = m.setAmong(at, p)
			case 2:
				n := min(i+1, len(m))
				among := slices.DeleteFunc(slices.Clone(at), func(at int) bool { return at >= n })
				got, want = l.SetBefore(real, n, []byte(value)), max(len(among)-1, 0)
				m = m.setAmong(among, r.pair(value))
			case 3:
				got, want = l.SetAt(real, i, []byte(value)), i >= 0 && i <= len(at)
				if i >= 0 && i < len(at) {
					m = slices.Clone(m)
					m[at[i]].value = value
				} else if i == len(at) {
					m = append(m, r.pair(value))
				}
			case 4:
				got, want = l.Delete(real), len(at)
				m = m.without(at)
			case 5:
				got, want = l.DeleteAt(real, i), i >= 0 && i < len(at)
				if want == true {
					m = m.without(at[i : i+1])
				}
			case 6:
				p := r.pair(value)
				l.Merge(Pair{real.Attr, []byte(value), p.tag})
				m = m.merge(p, real.Attr.Additivity)
			case 7:
				var other List
				l.CopyTo(&other)
				l.Reset()
				l = other
			}
			if d := cmp.Diff(m.text(), pairTexts(&l)); d != "" || got != want {
				t.Fatalf("%sgave %v, want %v (-model +List)\n%s", did.String(), got, want, d)
			}
			if at = m.places(r); l.Count(real) != len(at) {
				t.Fatalf("%sCount %d, want %d", did.String(), l.Count(real), len(at))
			}
			for i := range len(at) + 1 {
				v, ok := l.Get(real, i)
				if ok != (i < len(at)) || ok && string(v) != m[at[i]].value {
					t.Fatalf("%sGet(%d) gives %s, %v", did.String(), i, v, ok)
				}
			}
		}
	})
}

// TestFieldsFollowTheModel does the same with fields of a TLV in one pair: what is set is read back, and nothing
// else changes.
func TestFieldsFollowTheModel(t *testing.T) {
	d := demoDictionary(t)
	fields := []string{"Demo-QoS.Down", "Demo-QoS.Up"}
	rapid.Check(t, func(t *rapid.T) {
		var l List
		want := map[string]string{} // of fields that are there
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			name := rapid.SampledFrom(fields).Draw(t, "field")
			r := Ref{Attr: d.Attribute(name), Tag: AnyTag}
			_, had := want[name]
			if rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
				if gone := l.Delete(r); (gone == 1) != had {
					t.Fatalf("Delete of %s gives %d, it was there: %v", name, gone, had)
				}
				delete(want, name)
			} else {
				value := rapid.StringMatching("[a-d]{4}").Draw(t, "value")
				l.Set(r, []byte(value))
				want[name] = value
			}
			got := map[string]string{}
			for _, f := range fields {
				if v, ok := l.Get(Ref{Attr: d.Attribute(f), Tag: AnyTag}, 0); ok {
					got[f] = string(v)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("(-want +got)\n%s", d)
			}
			if len(l.Pairs) != min(len(want), 1) || len(l.Pairs) == 1 && !wellFormed(l.Pairs[0].Value) {
				t.Fatalf("%d fields in %v", len(want), l.Pairs)
			}
		}
	})
}

// TestNamesByNumber: every attribute is found by its name in any case, and, if it is on the wire and no later one
// has taken its number, by that.
func TestNamesByNumber(t *testing.T) {
	d := demoDictionary(t)
	for _, a := range d.Attributes() {
		spellings := []string{a.FullName(), strings.ToUpper(a.FullName()), strings.ToLower(a.FullName())}
		if !a.Internal && d.occupant(a) == a {
			spellings = append(spellings, a.NumberName(), strings.ToLower(a.NumberName()))
		}
		for _, name := range spellings {
			if got := d.Attribute(name); got != a {
				t.Errorf("%s gives %v, want %s", name, got, a.FullName())
			}
		}
	}
}
