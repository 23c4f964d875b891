package radius

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// A Secret is the shared secret of a client or server. It cannot be printed, logged or marshalled: every
// way to text gives "[secret]". Only this package reads its octets.
// The zero Secret is empty and fits no peer.
type Secret struct {
	octets string
	pads   pads // of HMAC-MD5; computed once, since clients are many and packets more
}

// NewSecret copies octets into a Secret.
func NewSecret[T string | []byte](octets T) Secret {
	if len(octets) == 0 {
		return Secret{}
	}
	return Secret{string(octets), padsOf(string(octets))}
}

const redacted = "[secret]"

// Len gives the number of octets, so that short secrets can be warned about.
func (s Secret) Len() int { return len(s.octets) }

// Equal compares two secrets in constant time.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.octets), []byte(o.octets)) == 1
}

// String implements fmt.Stringer without the secret.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer without the secret.
func (s Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb reaches the octets.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue implements slog.LogValuer without the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler without the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
