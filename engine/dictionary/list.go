package dictionary

import "perilune/engine/radius"

// A Pair is one attribute with one value.
type Pair struct {
	Attr  *Attribute // never nil; never a field of a TLV: those are inside their Root's Value
	Value []byte     // wire form without tag, salt or header; clear text; not to be changed in place
	Tag   uint8      // 0 untagged, else 1 to 31 (RFC 2868 s3.1)
}

// A Ref is an attribute name as written: an attribute, perhaps one tag of it.
type Ref struct {
	Attr *Attribute
	Tag  int8 // AnyTag, 0 for untagged only, 1 to 31
}

// AnyTag in a Ref matches every tag on reading and means untagged on writing.
const AnyTag int8 = -1

// A List is an ordered list of pairs: of a request, of its control, of a reply. Values that are added are
// copied into the list's own memory unless the method says otherwise, so one List reused for request after
// request allocates nothing. The zero List is empty. It serves one goroutine at a time.
type List struct {
	Pairs []Pair // in order; may be read directly, changed only by the methods
	arena []byte
}

// Reset empties the list and keeps its memory.
func (l *List) Reset() { panic("dictionary.List.Reset") }

// Get gives the i-th value (from 0) of the attribute or field, nil and false beyond the last.
func (l *List) Get(r Ref, i int) ([]byte, bool) { panic("dictionary.List.Get") }

// First gives the first value of an attribute that is not a field, whatever its tag. It is the fast form
// of Get.
func (l *List) First(a *Attribute) ([]byte, bool) {
	for i := range l.Pairs {
		if l.Pairs[i].Attr == a {
			return l.Pairs[i].Value, true
		}
	}
	return nil, false
}

// Count gives the number of values of the attribute or field.
func (l *List) Count(r Ref) int { panic("dictionary.List.Count") }

// Add appends a value. For a field it extends the last Root pair of the list if that is the last pair and
// does not hold the field yet (unless Array), otherwise it appends a new Root.
func (l *List) Add(r Ref, value []byte) { panic("dictionary.List.Add") }

// AddShared appends a pair without copying its value, which must live as long as the list is used
// (values of the generation, of the receive buffer).
func (l *List) AddShared(p Pair) { l.Pairs = append(l.Pairs, p) }

// Set replaces all values of the attribute by one, at the place of the first, else appends.
func (l *List) Set(r Ref, value []byte) { panic("dictionary.List.Set") }

// SetAt sets only the i-th value (from 0); one beyond the last appends; further beyond is false.
func (l *List) SetAt(r Ref, i int, value []byte) bool { panic("dictionary.List.SetAt") }

// Delete removes all values, and gives their number.
func (l *List) Delete(r Ref) int { panic("dictionary.List.Delete") }

// DeleteAt removes the i-th value (from 0); false if there is none.
func (l *List) DeleteAt(r Ref, i int) bool { panic("dictionary.List.DeleteAt") }

// Merge adds one pair by the attribute's additivity (GNU): append; replace in the place of the first; or
// keep what is there. The value is copied.
func (l *List) Merge(p Pair) { panic("dictionary.List.Merge") }

// CopyTo makes dst an independent copy.
func (l *List) CopyTo(dst *List) { panic("dictionary.List.CopyTo") }

// Decode appends the pairs of a packet's attributes: VSAs of known vendors taken apart, tags split off,
// encrypted values revealed with s and the request's authenticator (s may be nil: they stay as received,
// under their Attr-N form). What the dictionary lacks, or whose length does not fit its type, becomes
// octets of an attribute made up by number and is encoded again unchanged. Values share the packet's
// memory where they can. The only errors are those of a User-Password that cannot be revealed.
func (d *Dictionary) Decode(l *List, attrs radius.Attributes, s *radius.Session, request *radius.Authenticator) error {
	panic("dictionary.Decode")
}

// A Salter gives salts for RFC 2868 s3.5: high bit set, unique in one packet.
type Salter func() uint16

// Encode appends pair in wire form to dst, hidden with s where the attribute demands it. Internal
// attributes and empty values append nothing. Concat attributes and extended ones that are too long are
// split; another value over its room is an error that names the attribute.
func Encode(dst []byte, p *Pair, s *radius.Session, request *radius.Authenticator, salt Salter) ([]byte, error) {
	panic("dictionary.Encode")
}

// AppendText appends `Name = value` in the form that users files and `perilune send` read: text quoted,
// tag after the name, fields of TLVs each by its own name, separated by ", ". Secret values are blanked
// if redact.
func (p *Pair) AppendText(dst []byte, redact bool) []byte { panic("dictionary.Pair.AppendText") }

// NumberName appends Attr-26.9.1, Attr-241.7: the name by number, for what the dictionary lacks.
func (a *Attribute) NumberName() string { panic("dictionary.NumberName") }
