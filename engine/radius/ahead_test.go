package radius

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// someRequest makes an Access-Request.
func someRequest(secret Secret, password string, filler int, signed bool) []byte {
	s := keyed(secret)
	code := CodeAccessRequest
	if filler%5 == 4 {
		code = CodeAccountingRequest
	}
	b := append(make([]byte, 0, MaxPacketLen), byte(code), 7, 0, 0)
	for i := range 16 {
		b = append(b, byte(i*filler))
	}
	b = AppendAttribute(b, TypeUserName, bytes.Repeat([]byte("n"), filler+1))
	b = AppendAttribute(b, TypeUserPassword, s.HidePassword(nil, []byte(password), (*Authenticator)(b[4:HeaderLen])))
	if signed {
		b = AppendAttribute(b, TypeMessageAuthenticator, make([]byte, 16))
	}
	PutLength(b)
	if signed || code == CodeAccountingRequest {
		s.SignRequest(b)
	}
	return b
}

// found is all that a session finds of a request.
func found(s *Session, raw []byte) string {
	v, err := s.VerifyRequest(raw)
	hidden, _ := Attributes(raw[HeaderLen:]).Find(TypeUserPassword)
	clear, wrong := s.RevealPassword(nil, hidden, (*Authenticator)(raw[4:HeaderLen]))
	return fmt.Sprint(v, err, clear, wrong)
}

// TestAhead: a session finds the same with what a batch has computed ahead and without, for packets that are right, that
// somebody has changed, and that another secret has made.
func TestAhead(t *testing.T) {
	var b Batch
	rapid.Check(t, func(t *rapid.T) {
		var packets [][]byte
		secrets := []Secret{NewSecret("one"), NewSecret("another one")}
		aheads := make([]Ahead, 40)
		b.narrow = rapid.IntRange(0, 9).Draw(t, "narrow") == 0
		secret := rapid.SampledFrom(secrets)
		for i := range rapid.IntRange(1, len(aheads)).Draw(t, "packets") {
			raw := someRequest(secret.Draw(t, "of"), rapid.StringN(0, 40, 128).Draw(t, "password"), rapid.IntRange(0, 250).Draw(t, "filler"), rapid.Bool().Draw(t, "signed"))
			if rapid.Bool().Draw(t, "spoilt") {
				raw[rapid.IntRange(HeaderLen, len(raw)-1).Draw(t, "where")] ^= byte(rapid.IntRange(1, 255).Draw(t, "how"))
			}
			packets = append(packets, raw)
			b.Request(raw, secret.Draw(t, "with"), &aheads[i])
		}
		b.Run()
		for i, raw := range packets {
			for _, is := range secrets {
				s := keyed(is)
				want := found(s, raw)
				s.LookAhead(&aheads[i])
				if diff := cmp.Diff(want, found(s, raw)); diff != "" {
					t.Fatalf("(-alone +ahead):\n%s", diff)
				}
			}
		}
	})
}

// TestAheadIsUsed: what was computed ahead is what counts, and only for the same packet and secret.
func TestAheadIsUsed(t *testing.T) {
	if !wide {
		t.Skip("this processor has no lanes")
	}
	var b Batch
	var aheads [fewJobs]Ahead
	secret := NewSecret("testing123")
	raw := someRequest(secret, "hello", 3, true)
	for i := range aheads {
		b.Request(raw, secret, &aheads[i])
	}
	b.Run()
	a := &aheads[0]
	a.mac[0]++
	s := keyed(secret)
	s.LookAhead(a)
	if _, err := s.VerifyRequest(raw); err != ErrBadMessageAuthenticator {
		t.Errorf("computed anew: %v", err)
	}
	if _, err := s.VerifyRequest(bytes.Clone(raw)); err != nil {
		t.Errorf("taken for another packet: %v", err)
	}
	s.Use(secret)
	if _, err := s.VerifyRequest(raw); err != nil {
		t.Errorf("kept with another secret: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", a, a, &b); text != "[secret] [secret] [secret]" {
		t.Errorf("printed: %s", text)
	}
}

// FuzzAhead takes datagrams that are no packets, too.
func FuzzAhead(f *testing.F) {
	f.Add(someRequest(NewSecret("x"), "hello", 3, true))
	f.Add(someRequest(NewSecret("x"), "", 90, false))
	f.Add(someRequest(NewSecret("x"), "", 94, false))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < HeaderLen {
			return
		}
		var b Batch
		var aheads [5]Ahead
		secret := NewSecret("x")
		for i := range aheads {
			b.Request(raw, secret, &aheads[i])
		}
		b.Run()
		s := keyed(secret)
		want := found(s, raw)
		s.LookAhead(&aheads[4])
		if got := found(s, raw); got != want {
			t.Errorf("%s; alone %s", got, want)
		}
	})
}
