package auth

import (
	"encoding/hex"
	"testing"
)

func TestNTHash(t *testing.T) {
	for password, want := range map[string]string{
		"password":   "8846f7eaee8fb117ad06bdd830b7586c",
		"clientPass": "44ebba8d5312b8d611474411f56989ae", // RFC 2759 s9.2
		"":           "31d6cfe0d16ae931b73c59d7e0c089c0",
	} {
		if sum, ok := NTHash([]byte(password)); hex.EncodeToString(sum[:]) != want || !ok {
			t.Errorf("%q: %x, %v", password, sum, ok)
		}
	}
	if _, ok := NTHash([]byte("gr\xfc\xdfe")); ok {
		t.Error("Latin-1 was taken for UTF-8")
	}
}

func TestUTF16(t *testing.T) {
	for r, want := range map[rune]string{'a': "6100", 'ß': "df00", '€': "ac20", '😀': "3dd800de"} {
		if got := hex.EncodeToString(appendUTF16(nil, r)); got != want {
			t.Errorf("%c: %s, want %s", r, got, want)
		}
	}
}
