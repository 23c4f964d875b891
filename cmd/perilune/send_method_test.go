package main

import (
	"regexp"
	"strings"
	"testing"

	"perilune/engine/auth"
	"perilune/engine/client"
	"perilune/engine/dictionary"

	"github.com/google/go-cmp/cmp"
)

// TestSendMethods sends one password by every method to a server, which must prove that it knows it, too.
func TestSendMethods(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": "bob Cleartext-Password := \"hello\"\n"}))
	const keys2 = "  MS-MPPE-Recv-Key = \"[secret]\"\n  MS-MPPE-Send-Key = \"[secret]\"\n"
	const policy = "  MS-MPPE-Encryption-Policy = Encryption-Allowed\n  MS-MPPE-Encryption-Types = RC4-40or128-bit-Allowed\n"
	accept := "Access-Accept from * in *\n  Message-Authenticator = *\n"
	for _, c := range []struct {
		method, password string
		code             int
		want             string
	}{
		{"pap", "hello", 0, accept},
		{"chap", "hello", 0, accept},
		{"mschap", "hello", 0, accept + "  MS-CHAP-MPPE-Keys = \"[secret]\"\n" + policy + "  # MPPE keys are right\n"},
		{"mschapv2", "hello", 0, accept + "  MS-CHAP2-Success = *\n" + keys2 + policy + "  # MS-CHAP2-Success is right\n  # MPPE keys are right\n"},
		{"mschap", "wrong", 1, "Access-Reject from * in *\n  Message-Authenticator = *\n  MS-CHAP-Error = \"*E=691 R=0 C=* V=2\"\n"},
		{"mschapv2", "wrong", 1, "Access-Reject from * in *\n  Message-Authenticator = *\n  MS-CHAP-Error = \"*E=691 R=0 C=* V=3 M=Authentication failed\"\n"},
	} {
		args := append([]string{"send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "-d", s.raddb(), "User-Name=bob", "User-Password=" + c.password, "-method"}, strings.Fields(c.method)...)
		code, out, errs := told(t, "", args...)
		out = regexp.MustCompile(`\*[0-9a-f]{2,}`).ReplaceAllString(out, "*")
		out = regexp.MustCompile(`C=[0-9A-F]+`).ReplaceAllString(out, "C=*")
		out = regexp.MustCompile(`"[^"]{1,4}E=`).ReplaceAllString(out, `"*E=`)
		if diff := cmp.Diff(c.want, out); diff != "" || code != c.code || errs != "" {
			t.Errorf("%s %s: exit code %d, %s (-want +got)\n%s", c.method, c.password, code, errs, diff)
		}
	}
}

// TestSendMethodUsage: mistakes are wrong usage, and tell no password.
func TestSendMethodUsage(t *testing.T) {
	for args, want := range map[string]string{
		"auth -method eap":      "-method eap is unknown; expected pap, chap, mschap or mschapv2",
		"auth -method mschapv2": "-method mschapv2 needs a password; expected User-Password=TEXT",
		"auth -method mschap User-Name=x User-Password=\xff": "password is not UTF-8, which MS-CHAP needs",
	} {
		code, _, errs := told(t, "", append([]string{"send", "-server", "127.0.0.1:9", "-secret", "s"}, strings.Fields(args)...)...)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
}

// defaultDictionary gives the dictionary that the program carries.
func defaultDictionary(t *testing.T) *dictionary.Dictionary {
	t.Helper()
	known, errs := openDictionary(t.TempDir(), "")
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	return known.Dictionary.Dictionary
}

// TestProof: a server that proves something else is a failure.
func TestProof(t *testing.T) {
	d := defaultDictionary(t)
	peer, err := auth.NewMSCHAPPeer(2, []byte("bob"), []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := auth.NewMSCHAPPeer(2, []byte("bob"), []byte("hello"))
	x := sender{peer: peer}
	reply := func(p *auth.MSCHAPPeer) *client.Reply {
		r := new(client.Reply)
		r.Attributes.Add(d.VendorAttribute(vendorMicrosoft, msCHAP2Success).AnyTag(), append([]byte{peer.Response[0]}, p.Want.Success...))
		r.Attributes.Add(d.VendorAttribute(vendorMicrosoft, msMPPESendKey).AnyTag(), p.Want.Send[:])
		r.Attributes.Add(d.VendorAttribute(vendorMicrosoft, msMPPERecvKey).AnyTag(), p.Want.Receive[:])
		return r
	}
	for _, c := range []struct {
		reply *client.Reply
		want  proof
		right bool
	}{
		{reply(peer), proof{"right", "right"}, true},
		{reply(other), proof{"wrong", "wrong"}, false},
		{new(client.Reply), proof{"missing", "missing"}, false},
	} {
		got := x.proof(c.reply)
		if diff := cmp.Diff(c.want, *got); diff != "" || got.right() != c.right {
			t.Errorf("%v (-want +got)\n%s", got.right(), diff)
		}
	}
}
