package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/auth"
)

// chapUsers are read by both servers. Left out are characters beyond 16 bits, which FreeRADIUS does not turn into
// surrogates, and rules that set the policy of encryption, which it then sends twice.
const chapUsers = `
bob	Cleartext-Password := "hello"
	Reply-Message = "hi"
grüße	Cleartext-Password := "pässwörd"
nt	NT-Password := 0x066ddfd4ef0e9cd7c256fe77191ef43c
digits	NT-Password := "066DDFD4EF0E9CD7C256FE77191EF43C"
header	Password-With-Header := "{nt}066ddfd4ef0e9cd7c256fe77191ef43c"
clear	Password-With-Header := "{clear}hello"
hashed	SHA1-Password := 0xaaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d
typed	Auth-Type := MS-CHAP, Cleartext-Password := "hello"
`

// chapSections is FreeRADIUS with its module for MS-CHAP.
const chapSections = `
	authorize {
		mschap
		chap
		files
		pap
	}
	authenticate {
		Auth-Type MS-CHAP {
			mschap
		}
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
	}
`

// mschapRequest is the request of a peer as radclient takes it.
func mschapRequest(t *testing.T, version int, user, password string) []string {
	t.Helper()
	p, err := auth.NewMSCHAPPeer(version, []byte(user), []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	name := "MS-CHAP-Response"
	if version == 2 {
		name = "MS-CHAP2-Response"
	}
	return []string{fmt.Sprintf("User-Name = %q", user), fmt.Sprintf("MS-CHAP-Challenge = 0x%x", p.Challenge),
		fmt.Sprintf("%s = 0x%x", name, p.Response), "Message-Authenticator = 0x00"}
}

// mschapError is what both servers say of a failure, without the challenge and the text for people.
var mschapError = regexp.MustCompile(`MS-CHAP-Error = "(.{1,4})E=(\d+) R=\d C=([0-9A-Fa-f]+) V=(\d)`)

// TestMSCHAPAsFreeRADIUS sends the same octets to both servers: proofs, keys and errors must be the same.
func TestMSCHAPAsFreeRADIUS(t *testing.T) {
	theirs := startFreeRADIUS(t, chapUsers, chapSections, "")
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": "$DIALECT freeradius\n" + chapUsers}))
	for _, user := range []string{"bob", "grüße", "nt", "digits", "header", "clear", "hashed", "typed", "nobody", `DOMAIN\bob`} {
		for _, password := range []string{"hello", "pässwörd"} {
			for version := 1; version <= 2; version++ {
				request := mschapRequest(t, version, user, password)
				want := received(radclientTo(t, theirs, "auth", request, "-x", "-r", "1", "-t", "5"))
				got := radclient(t, s, "auth", "auth", request...)
				if diff := cmp.Diff(failures(comparable(want), want), failures(comparable(got), got)); diff != "" {
					t.Errorf("%s with %s, version %d (-FreeRADIUS +perilune)\n%s", user, password, version, diff)
				}
			}
		}
	}
	if t.Failed() {
		t.Logf("%s", s.log)
	}
}

// failures adds the comparable part of MS-CHAP-Error, and puts what stands in another order in one.
func failures(reply, all []string) []string {
	for _, line := range all {
		if m := mschapError.FindStringSubmatch(line); m != nil && reply[0] == "Access-Reject" {
			reply = append(reply, fmt.Sprintf("ident %s code %s, a challenge of %d, version %s", m[1], m[2], len(m[3]), m[4]))
		}
	}
	sorted := append([]string(nil), reply[1:]...)
	for i := range sorted {
		for j := i; j > 0 && sorted[j] < sorted[j-1]; j-- {
			sorted[j], sorted[j-1] = sorted[j-1], sorted[j]
		}
	}
	return append(reply[:1:1], sorted...)
}

// TestMSCHAPBehindFreeRADIUS: a proxy of another make hands proof and keys on, hidden anew for its own client, which is
// our send.
func TestMSCHAPBehindFreeRADIUS(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/users":   "$DIALECT freeradius\n" + chapUsers,
		"raddb/clients": fmt.Sprintf("127.0.0.1 %q front proxy\n", loopSecret),
	}))
	front := startFreeRADIUS(t, "", proxySections, fmt.Sprintf(proxyToUs, s.port("auth"), loopSecret))
	for _, c := range []struct{ method, user, want string }{
		{"mschap", "bob", "# MPPE keys are right\n"},
		{"mschapv2", "bob", "# MS-CHAP2-Success is right\n  # MPPE keys are right\n"},
		{"mschapv2", "nt", "# MS-CHAP2-Success is right\n  # MPPE keys are right\n"},
	} {
		code, out, errs := told(t, "", "send", "auth", "-server", front, "-secret", loopSecret, "-method", c.method, "User-Name="+c.user, "User-Password=hello")
		if code != exitOK || !strings.HasSuffix(out, c.want) {
			t.Errorf("%s: exit code %d\n%s%s\n%s", c.method, code, out, errs, s.log)
		}
	}
}

// TestSendMSCHAPToFreeRADIUS verifies another server's proof and keys by our client.
func TestSendMSCHAPToFreeRADIUS(t *testing.T) {
	address := startFreeRADIUS(t, chapUsers, chapSections, "")
	for method, want := range map[string]string{
		"mschap":   "# MPPE keys are right\n",
		"mschapv2": "# MS-CHAP2-Success is right\n  # MPPE keys are right\n",
	} {
		code, out, errs := told(t, "", "send", "auth", "-server", address, "-secret", loopSecret, "-method", method, "User-Name=bob", "User-Password=hello")
		if code != exitOK || !strings.HasSuffix(out, want) {
			t.Errorf("%s: exit code %d\n%s%s", method, code, out, errs)
		}
	}
}

// hashUsers are passwords in stored forms that both servers read.
const hashUsers = `
des	Crypt-Password := "abl0JrMf6tlhw"
desheader	Password-With-Header := "{crypt}abl0JrMf6tlhw"
pbkdf2	Auth-Type := PAP, PBKDF2-Password := "HMACSHA2+512:AAAD6A==:MDEyMzQ1Njc4OQ==:hHC0K1Zc9L7b0Yl9pYXbkw28zEKEmxdOlYS/madNfz41yqoIQlcqmzcdOGmlpzZAYV6YRRl/oJmgM0GqfT841Q=="
xpbkdf2	Password-With-Header := "{x-pbkdf2}HMACSHA2+512:AAAD6A==:MDEyMzQ1Njc4OQ==:hHC0K1Zc9L7b0Yl9pYXbkw28zEKEmxdOlYS/madNfz41yqoIQlcqmzcdOGmlpzZAYV6YRRl/oJmgM0GqfT841Q=="
smd5	Password-With-Header := "{SMD5}ut31JpcwYwNie5eych6WSnNhbHQ="
ssha	Password-With-Header := "{SSHA}FPvT+WAOz8Kj1D5MB6mKh1x5EKJzYWx0"
ssha512	Password-With-Header := "{ssha512}tnMoNq/Vy9eD05V48D0nBn/3hwVvUHv8PUZRRl6NCkX1eMWrm7dcwcmaue9TqJBxkEZNQSmxxAVympkZmQCgq3NhbHQ="
ssha224	Password-With-Header := "{ssha224}HdcpdIwCxTeiK2iva7b89nMlyGjSvR6Cu7F7TnNhbHQ="
wrapped	Password-With-Header := "e1NIQX1xdlRHSGR6RjZLTGF2dDRQTzBnczJhNnBRMDA9"
hexsha	Password-With-Header := "{sha}aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
plain	Password-With-Header := "hello"
nt	Password-With-Header := "{nt}066ddfd4ef0e9cd7c256fe77191ef43c"
nthash	Password-With-Header := "{x-nthash}Bm3d1O8OnNfCVv53GR70PA=="
`

// TestHashesAsFreeRADIUS asks both servers for passwords in stored forms.
func TestHashesAsFreeRADIUS(t *testing.T) {
	theirs := startFreeRADIUS(t, hashUsers, chapSections, "")
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": "$DIALECT freeradius\n" + hashUsers}))
	for line := range strings.Lines(strings.TrimSpace(hashUsers)) {
		user, _, _ := strings.Cut(line, "\t")
		for _, password := range []string{"hello", "other", "hello "} {
			request := []string{"User-Name = " + user, fmt.Sprintf("User-Password = %q", password)}
			want := received(radclientTo(t, theirs, "auth", request, "-x", "-r", "1", "-t", "5"))
			got := radclient(t, s, "auth", "auth", request...)
			if diff := cmp.Diff(comparable(want), comparable(got)); diff != "" {
				t.Errorf("%s with %q (-FreeRADIUS +perilune)\n%s", user, password, diff)
			}
		}
	}
}
