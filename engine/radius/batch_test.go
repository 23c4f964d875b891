package radius

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// someReply makes a reply as the server does before it is signed, with n octets of attributes beside.
func someReply(n int, signed bool, filler byte) []byte {
	b := append(make([]byte, 0, MaxPacketLen), byte(CodeAccessAccept), filler, 0, 0)
	for i := range 16 {
		b = append(b, byte(i)*filler)
	}
	if signed {
		b = AppendAttribute(b, TypeMessageAuthenticator, make([]byte, 16))
	}
	for n > 0 {
		part := min(n, 200)
		b = AppendAttribute(b, 18, bytes.Repeat([]byte{filler}, part))
		n -= part
	}
	PutLength(b)
	return b
}

func keyed(secret Secret) *Session {
	s := new(Session)
	s.Use(secret)
	return s
}

// oneByOne signs copies of the replies by the Session.
func oneByOne(replies [][]byte, secrets []Secret) (all [][]byte) {
	for i, raw := range replies {
		raw = bytes.Clone(raw)
		request := Authenticator(raw[4:HeaderLen])
		keyed(secrets[i]).SignReply(raw, &request)
		all = append(all, raw)
	}
	return all
}

// TestBatch: what is signed together is what is signed one by one, whatever the lengths and however many.
func TestBatch(t *testing.T) {
	if !wide {
		t.Log("this processor has no lanes: all is signed one by one")
	}
	var b Batch
	rapid.Check(t, func(t *rapid.T) {
		var replies [][]byte
		var secrets []Secret
		for i := range rapid.IntRange(0, 70).Draw(t, "replies") {
			n := rapid.OneOf(rapid.IntRange(0, 120), rapid.IntRange(0, 600)).Draw(t, "octets")
			replies = append(replies, someReply(n, rapid.Bool().Draw(t, "signed"), byte(i+1)))
			secrets = append(secrets, NewSecret(rapid.StringN(0, 80, 100).Draw(t, "secret")))
		}
		want := oneByOne(replies, secrets)
		b.narrow = rapid.Bool().Draw(t, "narrow")
		for i := range replies {
			b.SignReply(replies[i], keyed(secrets[i]))
		}
		b.Run()
		if diff := cmp.Diff(want, replies); diff != "" {
			t.Fatalf("(-one by one +together):\n%s", diff)
		}
	})
}

// FuzzBatch takes any octets that are a packet.
func FuzzBatch(f *testing.F) {
	f.Add(someReply(40, true, 3), "secret", uint8(9))
	f.Add(someReply(300, false, 3), "", uint8(2))
	f.Fuzz(func(t *testing.T, raw []byte, secret string, n uint8) {
		if p, err := Parse(raw); err != nil || len(raw) != HeaderLen+len(p.Attributes) {
			return
		}
		if at := messageAuthenticatorAt(raw); at != 0 {
			clear(raw[at+2 : at+messageAuthenticatorLen])
		}
		var b Batch
		var replies [][]byte
		var secrets []Secret
		for i := range int(n % 20) {
			replies, secrets = append(replies, bytes.Clone(raw)), append(secrets, NewSecret(fmt.Sprint(secret, i)))
			b.SignReply(replies[i], keyed(secrets[i]))
		}
		want := oneByOne(replies, secrets)
		b.Run()
		if diff := cmp.Diff(want, replies); diff != "" {
			t.Fatalf("(-one by one +together):\n%s", diff)
		}
	})
}

func TestBatchAllocatesNothing(t *testing.T) {
	var b Batch
	session := keyed(NewSecret("testing123"))
	var replies [][]byte
	for i := range 64 {
		replies = append(replies, someReply(24, true, byte(i)))
	}
	if n := testing.AllocsPerRun(20, func() {
		for _, r := range replies {
			b.SignReply(r, session)
		}
		b.Run()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkBatch is the cost of one reply of a batch.
func BenchmarkBatch(b *testing.B) {
	session := keyed(NewSecret("testing123"))
	for _, n := range []int{1, 2, 3, 4, 8, 16, 64} {
		for _, narrow := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/narrow=%v", n, narrow), func(b *testing.B) {
				s := Batch{narrow: narrow}
				var replies [][]byte
				for i := range n {
					replies = append(replies, someReply(24, true, byte(i)))
				}
				b.ReportAllocs()
				for i := 0; i < b.N; i += n {
					for _, r := range replies {
						s.SignReply(r, session)
					}
					s.Run()
				}
			})
		}
	}
}
