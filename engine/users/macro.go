package users

import (
	"strconv"
	"time"

	"perilune/engine/dictionary"
)

// maxMacro is how many octets a macro text gives at most, but for the last value put in.
const maxMacro = 64 << 10

// A Macro is a text with the macros of GNU Radius (%u, %C{name}, %R{name:-text}), compiled for one dictionary.
// It is immutable.
type Macro struct {
	parts []MacroPart
}

// A MacroKind says what a part of a Macro gives.
type MacroKind uint8

// The kinds.
const (
	MacroText    MacroKind = iota // Text
	MacroRequest                  // an attribute of the request
	MacroReply                    // an attribute of the reply
	MacroTime                     // the time of the request, less Acct-Delay-Time
	MacroNothing                  // a name that the dictionary lacks gives nothing
)

// A MacroPart is one part of a Macro, in the order of the text.
type MacroPart struct {
	Kind   MacroKind
	Text   string         // of MacroText; else what Mode puts in for an absent attribute
	Ref    dictionary.Ref // of MacroRequest and MacroReply
	Mode   byte           // what an absent attribute gives: 0 "" or 0; '-' '?' '=' '+' Text (see docs/users.md)
	Quoted bool           // quotes are escaped, numbers become names of values
	GMT    bool           // of MacroTime: else the local zone

	value []byte // of Mode '=': Text in wire form
}

// MacroInput is what a Macro is expanded for. Lists that are nil are empty.
type MacroInput struct {
	Request *dictionary.List  // {name:=text} adds to it
	Reply   *dictionary.List  // the same
	Control *dictionary.List  // %R looks here for what the reply lacks: Simultaneous-Use is an order there
	Now     time.Time         // of the request's arrival, in the zone of %D
	Missing MacroWatcher      // told of {name:?text}; nil: nobody
	Clean   func(text []byte) // may overwrite octets of what a macro gave, where some are unfit; nil: all are fit
}

// A MacroWatcher is told of attributes that a text has declared to be needed by {name:?text}.
type MacroWatcher interface {
	MacroMissing(a *dictionary.Attribute, text string)
}

// Parts gives the parts in order, for those that write the text in another language. The slice must not be
// changed.
func (m *Macro) Parts() []MacroPart { return m.parts }

// Constant gives the text of a Macro that depends on nothing; false if it has macros.
func (m *Macro) Constant() (string, bool) {
	switch {
	case len(m.parts) == 0:
		return "", true
	case len(m.parts) == 1 && m.parts[0].Kind == MacroText:
		return m.parts[0].Text, true
	}
	return "", false
}

// Append appends the text for one request. What a macro gave is never looked at again. It allocates nothing
// if dst has room.
func (m *Macro) Append(dst []byte, in *MacroInput) []byte {
	start := len(dst)
	for i := range m.parts {
		if len(dst)-start > maxMacro {
			break
		}
		from := len(dst)
		dst = m.parts[i].append(dst, in)
		if in.Clean != nil && m.parts[i].Kind != MacroText {
			in.Clean(dst[from:])
		}
	}
	return dst
}

func (p *MacroPart) append(dst []byte, in *MacroInput) []byte {
	switch p.Kind {
	case MacroText:
		return append(dst, p.Text...)
	case MacroRequest:
		return p.insert(dst, in.Request, nil, in)
	case MacroReply:
		return p.insert(dst, in.Reply, in.Control, in)
	case MacroTime:
		return p.time(dst, in)
	}
	return dst
}

// insert appends the attribute's value, or what stands for one that is absent.
func (p *MacroPart) insert(dst []byte, list, second *dictionary.List, in *MacroInput) []byte {
	v, ok := firstValue(list, p.Ref)
	if !ok {
		v, ok = firstValue(second, p.Ref)
	}
	if !ok {
		return p.absent(dst, list, in)
	}
	if p.Mode == '+' {
		return dst
	}
	return p.appendValue(dst, v, in.Now.Location())
}

// absent appends what stands for an attribute that is not there.
func (p *MacroPart) absent(dst []byte, list *dictionary.List, in *MacroInput) []byte {
	switch p.Mode {
	case 0:
		if !textual(p.Ref.Attr) {
			dst = append(dst, '0')
		}
		return dst
	case '=':
		if list != nil {
			list.Add(p.Ref, p.value)
		}
	case '?':
		if in.Missing != nil {
			in.Missing.MacroMissing(p.Ref.Attr, p.Text)
		}
	}
	return append(dst, p.Text...)
}

// firstValue gives the first value that is known already.
func firstValue(list *dictionary.List, r dictionary.Ref) ([]byte, bool) {
	if list == nil {
		return nil, false
	}
	if r.Attr.IsField() || r.Tag != dictionary.AnyTag {
		return list.Get(r, 0)
	}
	for i := range list.Pairs {
		if p := &list.Pairs[i]; p.Attr.Same(r.Attr) && p.Tag != Deferred {
			return p.Value, true
		}
	}
	return nil, false
}

// textual reports whether GNU Radius, which knows few types, would call it a string.
func textual(a *dictionary.Attribute) bool {
	return a.Type == dictionary.TypeString || a.Type == dictionary.TypeOctets
}

// appendValue appends a value as GNU Radius prints it in macros.
func (p *MacroPart) appendValue(dst, v []byte, zone *time.Location) []byte {
	a := p.Ref.Attr
	if textual(a) {
		if p.Quoted {
			return appendQuoted(dst, v)
		}
		return append(dst, v...)
	}
	n, ok := a.Uint(v)
	switch {
	case ok && a.Type == dictionary.TypeDate:
		return time.Unix(int64(n), 0).In(zone).AppendFormat(dst, macroTime)
	case ok && !p.Quoted && a.HasValues() && a.Type != dictionary.TypeSigned:
		return strconv.AppendUint(dst, n, 10)
	}
	return a.AppendText(dst, v)
}

// appendQuoted appends text so that it cannot end the quotes that it stands in.
func appendQuoted(dst, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == '\\' || c == '\'' || c == '"':
			dst = append(dst, '\\', c)
		case c < 0x20 || c >= 0x7f:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

const macroTime = "2006-01-02 15:04:05"

// time appends when the event was that the request tells of.
func (p *MacroPart) time(dst []byte, in *MacroInput) []byte {
	at := in.Now
	if v, ok := firstValue(in.Request, p.Ref); ok {
		if n, ok := p.Ref.Attr.Uint(v); ok {
			at = at.Add(-time.Duration(min(n, 1<<32)) * time.Second)
		}
	}
	if p.GMT {
		at = at.UTC()
	}
	return at.AppendFormat(dst, macroTime)
}
