package auth

import "testing"

// TestMSCHAPPeer: server and peer agree, and on nothing else than the right proof.
func TestMSCHAPPeer(t *testing.T) {
	nt, _ := NTHash([]byte("grüße"))
	for version := 1; version <= 2; version++ {
		p, err := NewMSCHAPPeer(version, []byte(`DOMAIN\ann`), []byte("grüße"))
		if err != nil {
			t.Fatal(err)
		}
		s, ok := MSCHAP(p.Response, p.Challenge, nt)
		if version == 2 {
			s, ok = MSCHAPv2(p.Response, p.Challenge, []byte("ann"), nt)
		}
		if !ok || s != p.Want {
			t.Errorf("version %d: %v %+v, want %+v", version, ok, s, p.Want)
		}
		proof := append([]byte{p.Response[0]}, s.Success...)
		if p.Proved(proof) != (version == 2) || !p.Proved(append(proof, " M=hello"...)) && version == 2 {
			t.Errorf("version %d: the proof is not taken", version)
		}
		if version == 1 {
			continue
		}
		for _, wrong := range [][]byte{nil, proof[1:], proof[:len(proof)-1], append([]byte{proof[0] + 1}, proof[1:]...), append(proof[:len(proof)-1:len(proof)-1], 'X')} {
			if p.Proved(wrong) {
				t.Errorf("%q is taken", wrong)
			}
		}
	}
	if _, err := NewMSCHAPPeer(2, nil, []byte("\xff")); err == nil {
		t.Error("a password that is not UTF-8 is taken")
	}
}
