package auth

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The example of RFC 2759 s9.2, and its keys.
var (
	exampleChallenge = unhex("5B 5D 7C 7D 7B 3F 2F 3E 3C 2C 60 21 32 26 26 28")
	examplePeer      = "21 40 23 24 25 5E 26 2A 28 29 5F 2B 3A 33 7C 7E"
	exampleNT        = "82 30 9E CD 8D 70 8B 5E A0 8F AA 39 81 CD 83 54 42 33 11 4A 3D 85 D6 DF"
	exampleResponse  = unhex("07 00" + examplePeer + "00 00 00 00 00 00 00 00" + exampleNT)
)

func TestMSCHAPv2(t *testing.T) {
	hash, _ := NTHash([]byte("clientPass"))
	for _, user := range []string{"User", `DOMAIN\User`} {
		got, ok := MSCHAPv2(exampleResponse, exampleChallenge, []byte(user), hash)
		if !ok {
			t.Fatalf("%s: the right response does not fit", user)
		}
		want := MSCHAPSuccess{
			Success: "S=407A5589115FD0D6209F510FE9C04566932CDA56",
			Send:    [16]byte(unhex("8B 7C DC 14 9B 99 3A 1B A1 18 CB 15 3F 56 DC CB")), // RFC 3079 s3.5.3
			Receive: [16]byte(unhex("D5 F0 E9 52 1E 3E A9 58 96 45 E8 60 51 C8 22 26")),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	other := append([]byte(nil), exampleResponse...)
	other[49] ^= 1
	wrong, _ := NTHash([]byte("clientpass"))
	for name, ok := range map[string]bool{
		"password":        fits2(exampleResponse, exampleChallenge, "User", wrong),
		"user":            fits2(exampleResponse, exampleChallenge, "user", hash),
		"response":        fits2(other, exampleChallenge, "User", hash),
		"short response":  fits2(exampleResponse[:49], exampleChallenge, "User", hash),
		"long response":   fits2(append(other[:50:50], 0), exampleChallenge, "User", hash),
		"short challenge": fits2(exampleResponse, exampleChallenge[:15], "User", hash),
		"nothing":         fits2(nil, nil, "", hash),
	} {
		if ok {
			t.Errorf("wrong %s fits", name)
		}
	}
}

func fits2(response, challenge []byte, user string, hash [16]byte) bool {
	s, ok := MSCHAPv2(response, challenge, []byte(user), hash)
	return ok || s != MSCHAPSuccess{}
}

// RFC 2433 appendix B.1 has the same hash function: the response is computed by s8.5 of RFC 2759.
func TestMSCHAP(t *testing.T) {
	hash, _ := NTHash([]byte("clientPass"))
	short := unhex("D0 2E 43 86 BC E9 12 26") // the challenge that RFC 2759 s9.2 arrives at
	response := unhex("07 01" + strings.Repeat("00", 24) + exampleNT)
	got, ok := MSCHAP(response, short, hash)
	want := MSCHAPSuccess{Keys: [24]byte(unhex("00 00 00 00 00 00 00 00 41 C0 0C 58 4B D2 D9 1C 40 17 A2 A1 2F A5 9F 3F"))}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("%v (-want +got)\n%s", ok, diff)
	}
	onlyLM := append([]byte(nil), response...)
	onlyLM[1] = 0
	wrong := append([]byte(nil), response...)
	wrong[30] ^= 1
	for name, r := range map[string][]byte{"LM only": onlyLM, "response": wrong, "short": response[:49], "empty": nil} {
		if _, ok := MSCHAP(r, short, hash); ok {
			t.Errorf("%s fits", name)
		}
	}
	if _, ok := MSCHAP(response, short[:7], hash); ok {
		t.Error("a challenge of 7 octets fits")
	}
}

// TestMSCHAPResponses: what a peer makes is what the RFC has, and what the server takes.
func TestMSCHAPResponses(t *testing.T) {
	hash, _ := NTHash([]byte("clientPass"))
	if got := MSCHAPv2Response(7, exampleChallenge, unhex(examplePeer), []byte("User"), hash); !bytes.Equal(got, exampleResponse) {
		t.Errorf("%x, want %x", got, exampleResponse)
	}
	short := unhex("D0 2E 43 86 BC E9 12 26")
	if _, ok := MSCHAP(MSCHAPResponse(9, short, hash), short, hash); !ok {
		t.Error("the server refuses version 1")
	}
}

func TestMSCHAPError(t *testing.T) {
	want := "E=691 R=0 C=5B5D7C7D7B3F2F3E3C2C602132262628 V=3 M=wrong password"
	if got := MSCHAPError("691", exampleChallenge, "wrong password"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := MSCHAPError("648", exampleChallenge[:8], "expired"), "E=648 R=0 C=5B5D7C7D7B3F2F3E V=2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzMSCHAP(f *testing.F) {
	f.Add(exampleResponse, exampleChallenge, []byte(`DOMAIN\User`))
	f.Add([]byte{}, []byte{}, []byte(`\`))
	f.Fuzz(func(t *testing.T, response, challenge, user []byte) {
		MSCHAP(response, challenge, [16]byte{})
		MSCHAPv2(response, challenge, user, [16]byte{})
	})
}
