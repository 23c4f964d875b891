package config

import (
	"fmt"
	"log/slog"
	"reflect"

	"perilune/engine/raddb"
)

// A Secret is a password, a token or a key. It stands in the file itself, or as "@FILE" or secret("NAME"). Every way
// to text but Text hides it.
type Secret string

// Text gives the secret itself; "" is none.
func (s Secret) Text() string { return string(s) }

// String gives "[secret]", "" for none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[secret]"
}

// GoString implements fmt.GoStringer without the secret.
func (s Secret) GoString() string { return s.String() }

// Format implements fmt.Formatter, so that no verb reaches the secret.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue implements slog.LogValuer without the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler without the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// secret sets a slot of this type. Nothing that it says repeats the text.
func (r *reader) secret(s slot, key string, v any, at raddb.Pos) {
	text, ok := v.(string)
	if !ok {
		r.errs.Errorf(at, `%s: got no text; expected the text itself in quotes, "@FILE" or 'secret("NAME")'`, key)
		return
	}
	if text, ok := r.secretText(key, text, at); ok {
		s.value.SetString(text)
	}
}

// secrets sets a slot that is a list of them.
func (r *reader) secrets(s slot, key string, v any, at raddb.Pos) {
	list, ok := v.([]any)
	out := make([]Secret, 0, len(list))
	for _, e := range list {
		text, isText := e.(string)
		if !isText {
			ok = false
			break
		}
		text, good := r.secretText(key, text, at)
		if !good {
			return
		}
		out = append(out, Secret(text))
	}
	if !ok {
		r.errs.Errorf(at, `%s: expected a list of texts in quotes, each the text itself, "@FILE" or 'secret("NAME")'`, key)
		return
	}
	s.value.Set(reflect.ValueOf(out))
}

// secretText gives what a text stands for.
func (r *reader) secretText(key, text string, at raddb.Pos) (string, bool) {
	text, inline, ok := r.referred(key, text, at)
	if ok && inline && text != "" && r.tree.Exposed(FileName) {
		r.errs.Warnf(at, "everybody on this machine may read this file, and %s is secret; expected mode 0640 or less", key)
	}
	return text, ok
}
