package radius

import (
	"fmt"
	"strings"
	"testing"
)

// TestSessionNeverPrints: neither the secret nor what scratch keeps of it gets out, also from a struct.
func TestSessionNeverPrints(t *testing.T) {
	var s Session
	s.Use(NewSecret("xyzzy5461"))
	raw := append([]byte{byte(CodeAccessRequest), 1, 0, 20}, make([]byte, 16)...)
	s.SignReply(raw, &Authenticator{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, v := range []any{s, &s, struct{ Session Session }{s}} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, "xyzzy") || strings.Contains(got, fmt.Sprintf("%x", "xyzzy")) || strings.Contains(got, "120 121 122") {
				t.Errorf("%s of %T: %s", verb, v, got)
			}
		}
	}
}
