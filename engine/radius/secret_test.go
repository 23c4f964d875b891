package radius

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Nothing that prints may reach the octets of a secret.
func TestSecretIsNotPrinted(t *testing.T) {
	s := NewSecret("hunter2hunter2")
	var session Session
	session.Use(s)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", s, &s)
		fmt.Fprintf(&out, verb+"\n", struct{ Secret Secret }{s})
	}
	fmt.Fprintln(&out, s, s.String(), s.GoString())
	json.NewEncoder(&out).Encode(map[string]any{"secret": s})
	slog.New(slog.NewTextHandler(&out, nil)).Info("client", "secret", s)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("client", "secret", s)
	for _, leak := range []string{"hunter2", "68756e", "68756E", "104 117"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q is in\n%s", leak, &out)
		}
	}
}

func TestSecretEqual(t *testing.T) {
	octets := []byte("s3cret")
	a := NewSecret(octets)
	octets[0] = 'S'
	if !a.Equal(NewSecret("s3cret")) || a.Equal(NewSecret("S3cret")) || a.Equal(Secret{}) {
		t.Error("secrets are not compared by the octets they were made of")
	}
	if a.Len() != 6 || (Secret{}).Len() != 0 {
		t.Errorf("length %d", a.Len())
	}
}
