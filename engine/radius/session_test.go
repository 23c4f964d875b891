package radius

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// packet lays a packet out: Message-Authenticator if ma, then attributes.
func packet(code Code, authenticator Authenticator, ma bool, attrs Attributes) []byte {
	if ma {
		attrs = append(AppendAttribute(nil, TypeMessageAuthenticator, make([]byte, 16)), attrs...)
	}
	p := Packet{Code: code, Identifier: 7, Authenticator: authenticator, Attributes: attrs}
	raw, err := p.AppendTo(nil)
	if err != nil {
		panic(err)
	}
	return raw
}

func session(secret string) *Session {
	s := new(Session)
	s.Use(NewSecret(secret))
	return s
}

// macOver computes the Message-Authenticator at offset 20 with the standard library's HMAC.
func macOver(secret string, raw []byte, field Authenticator) []byte {
	clone := bytes.Clone(raw)
	copy(clone[4:], field[:])
	clear(clone[22:38])
	h := hmac.New(md5.New, []byte(secret))
	h.Write(clone)
	return h.Sum(nil)
}

// sumOver computes MD5 over the packet with the field in the authenticator's place.
func sumOver(secret string, raw []byte, field Authenticator) []byte {
	clone := bytes.Clone(raw)
	copy(clone[4:], field[:])
	sum := md5.Sum(append(clone, secret...))
	return sum[:]
}

// TestAuthenticatorField goes through the table of what stands in the authenticator field while
// Message-Authenticator and authenticator are computed.
func TestAuthenticatorField(t *testing.T) {
	own := Authenticator([]byte("own-own-own-own-"))
	asked := Authenticator([]byte("request-request-"))
	zero := Authenticator{}
	for _, tc := range []struct {
		code   Code
		field  Authenticator
		digest bool // the header's authenticator is a digest
	}{
		{CodeAccessRequest, own, false},
		{CodeStatusServer, own, false},
		{CodeAccountingRequest, zero, true},
		{CodeCoARequest, zero, true},
		{CodeDisconnectRequest, zero, true},
		{CodeAccessAccept, asked, true},
		{CodeAccessReject, asked, true},
		{CodeAccessChallenge, asked, true},
		{CodeAccountingResponse, asked, true},
		{CodeCoAACK, asked, true},
		{CodeDisconnectNAK, asked, true},
	} {
		for _, secret := range []string{"x", "s3cret", strings.Repeat("long", 15), strings.Repeat("long", 16), strings.Repeat("long", 40)} {
			t.Run(fmt.Sprint(tc.code, len(secret)), func(t *testing.T) {
				s := session(secret)
				raw := packet(tc.code, own, true, Attributes("\x01\x05bob"))
				if tc.code.IsRequest() {
					s.SignRequest(raw)
				} else {
					s.SignReply(raw, &asked)
				}
				if want := macOver(secret, raw, tc.field); !bytes.Equal(raw[22:38], want) {
					t.Errorf("Message-Authenticator % x, want % x", raw[22:38], want)
				}
				want := own[:]
				if tc.digest {
					want = sumOver(secret, raw, tc.field)
				}
				if !bytes.Equal(raw[4:20], want) {
					t.Errorf("authenticator % x, want % x", raw[4:20], want)
				}
			})
		}
	}
}

// verify calls what fits the code.
func verify(s *Session, raw []byte, asked *Authenticator) (Verified, error) {
	if Code(raw[0]).IsRequest() {
		return s.VerifyRequest(raw)
	}
	return s.VerifyReply(raw, asked)
}

// Whatever is signed is right, and no change of one bit is, save in a random authenticator without
// Message-Authenticator. Verification leaves the packet as it was.
func TestSignedIsVerified(t *testing.T) {
	codes := []Code{1, 2, 3, 4, 5, 11, 12, 40, 41, 42, 43, 44, 45}
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom(codes).Draw(t, "code")
		ma := rapid.Bool().Draw(t, "ma")
		attrs := attributesGen().Filter(func(a Attributes) bool {
			return len(a) < MaxPacketLen-40 && a.Offset(TypeMessageAuthenticator) < 0
		}).Draw(t, "attributes")
		asked, own := NewAuthenticator(), NewAuthenticator()
		s := session(rapid.StringN(1, 100, -1).Draw(t, "secret"))
		raw := packet(code, own, ma, attrs)
		if code.IsRequest() {
			s.SignRequest(raw)
		} else {
			s.SignReply(raw, &asked)
		}
		before := bytes.Clone(raw)
		got, err := verify(s, raw, &asked)
		if err != nil || got.MessageAuthenticator != ma {
			t.Fatalf("%v, %v", got, err)
		}
		if !bytes.Equal(before, raw) {
			t.Fatal("verification changed the packet")
		}
		if code.ownAuthenticator() && !ma {
			return
		}
		bit := rapid.IntRange(8*4, 8*len(raw)-1).Draw(t, "bit")
		raw[bit/8] ^= 1 << (bit % 8)
		if _, err := verify(s, raw, &asked); err == nil {
			// A flaw that hides the Message-Authenticator of a random request is not forgery but absence.
			if !code.ownAuthenticator() || Attributes(raw[HeaderLen:]).Count(TypeMessageAuthenticator) > 0 {
				t.Fatalf("bit %d changed and still right", bit)
			}
		}
	})
}

// FreeRADIUS 3.2 computes the Message-Authenticator of these answers over zeros.
func TestVerifyReplyTakesZeros(t *testing.T) {
	asked := NewAuthenticator()
	for _, tc := range []struct {
		code Code
		want error
	}{
		{CodeCoAACK, nil}, {CodeCoANAK, nil}, {CodeDisconnectACK, nil}, {CodeDisconnectNAK, nil},
		{CodeAccountingResponse, nil},
		{CodeAccessAccept, ErrBadMessageAuthenticator},
	} {
		raw := packet(tc.code, asked, true, nil)
		copy(raw[22:], macOver("s3cret", raw, Authenticator{}))
		copy(raw[4:], sumOver("s3cret", raw, asked))
		v, err := session("s3cret").VerifyReply(raw, &asked)
		if !errors.Is(err, tc.want) || v.MessageAuthenticator != (tc.want == nil) {
			t.Errorf("%s: %v, %v", tc.code, v, err)
		}
	}
}

func TestVerifyErrors(t *testing.T) {
	own := NewAuthenticator()
	short := []byte("\x50\x04ab")
	for _, tc := range []struct {
		name   string
		secret string
		raw    []byte
		want   error
	}{
		{"no secret", "", packet(CodeAccessRequest, own, false, nil), ErrNoSecret},
		{"reply", "x", packet(CodeAccessAccept, own, false, nil), ErrNotRequest},
		{"two", "x", packet(CodeAccessRequest, own, true, AppendAttribute(nil, 80, own[:])), ErrMessageAuthenticators},
		{"short", "x", packet(CodeAccessRequest, own, false, short), ErrMessageAuthenticatorLen},
		{"unsigned M-A", "x", packet(CodeAccessRequest, own, true, nil), ErrBadMessageAuthenticator},
		{"unsigned accounting", "x", packet(CodeAccountingRequest, own, false, nil), ErrBadAuthenticator},
	} {
		if _, err := session(tc.secret).VerifyRequest(tc.raw); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", tc.name, err, tc.want)
		}
	}
	var problem *ParseError
	for _, raw := range [][]byte{nil, {1}, append(packet(CodeAccessRequest, own, false, nil), 0)} {
		if _, err := session("x").VerifyRequest(raw); !errors.As(err, &problem) {
			t.Errorf("% x: error %v, want a *ParseError", raw, err)
		}
	}
	if _, err := session("").VerifyReply(packet(CodeAccessAccept, own, false, nil), &own); !errors.Is(err, ErrNoSecret) {
		t.Errorf("reply without secret: %v", err)
	}
}

// A server may let ancient NASes pass with an authenticator of zeros: what Message-Authenticator proved is
// told beside the error.
func TestBadAuthenticatorTellsMessageAuthenticator(t *testing.T) {
	raw := packet(CodeAccountingRequest, Authenticator{}, true, nil)
	copy(raw[22:], macOver("x", raw, Authenticator{}))
	v, err := session("x").VerifyRequest(raw)
	if !errors.Is(err, ErrBadAuthenticator) || !v.MessageAuthenticator {
		t.Errorf("%v, %v", v, err)
	}
}

// The pads of one secret must not be used for the next, nor survive a larger scratch.
func TestUseRekeys(t *testing.T) {
	var s Session
	for i, secret := range []string{"one", "two", strings.Repeat("three", 20), "one"} {
		s.Use(NewSecret(secret))
		raw := packet(CodeAccessRequest, NewAuthenticator(), true, bytes.Repeat([]byte("\x01\x05bob"), 1+100*i))
		s.SignRequest(raw)
		if want := macOver(secret, raw, Authenticator(raw[4:20])); !bytes.Equal(raw[22:38], want) {
			t.Errorf("secret %d: Message-Authenticator % x, want % x", i, raw[22:38], want)
		}
	}
}
