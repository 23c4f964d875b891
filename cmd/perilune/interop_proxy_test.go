package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// homeUsers are those of a home server that is FreeRADIUS.
const homeUsers = `
bob	Cleartext-Password := "hello"
	Reply-Message = "hello %{User-Name}",
	Class = 0x0102,
	Framed-IP-Address = 192.0.2.7,
	Session-Timeout = 3600,
	Cisco-AVPair = "shell:priv-lvl=15",
	Cisco-AVPair += "ip:addr-pool=dialup"
bob@whole.example	Cleartext-Password := "hello"
	Reply-Message = "hello %{User-Name}"
long	Cleartext-Password := "a password of more than sixteen octets, in three blocks"
	Reply-Message = "long"
hidden	Cleartext-Password := "hello"
	Tunnel-Type:2 = VLAN,
	Tunnel-Password:2 = "the password of the tunnel is long",
	MS-MPPE-Send-Key = 0x00112233445566778899aabbccddeeff,
	MS-MPPE-Recv-Key = 0xffeeddccbbaa99887766554433221100
DEFAULT	Auth-Type := Reject
	Reply-Message = "nobody here is called %{User-Name}"
`

// localUsers are known to us: what is said of users of a realm is added to what their home server says.
const localUsers = `
long	User-Password = "not asked, the home server has decided"
	Session-Timeout = 60
local	User-Password = "hello"
	Reply-Message = "from here"
`

// homeTree is a tree whose users of two realms are those of FreeRADIUS: of one with the realm taken off the name.
func homeTree(t *testing.T, home *radiusd, files map[string]string) string {
	t.Helper()
	all := map[string]string{
		"raddb/users": localUsers,
		"raddb/realms": fmt.Sprintf("home.example %[1]s status-server secret=%[2]q\nwhole.example %[1]s nostrip secret=%[2]q\n",
			home.server(), loopSecret),
	}
	for name, text := range files {
		all[name] = text
	}
	return loopTree(t, all)
}

// TestProxyToFreeRADIUS has FreeRADIUS as home server behind us, and its client in front.
func TestProxyToFreeRADIUS(t *testing.T) {
	home := newRadiusd(t, homeUsers, nil)
	s := serveOnLoopback(t, homeTree(t, home, nil))
	pap := func(user string) []string { return []string{"User-Name = " + user, "User-Password = hello"} }
	accept := func(lines ...string) []string {
		return append([]string{"Access-Accept", "Message-Authenticator"}, lines...)
	}
	bob := accept(`Reply-Message = "hello bob"`, `Class = 0x0102`, `Framed-IP-Address = 192.0.2.7`, `Session-Timeout = 3600`,
		`Cisco-AVPair = "shell:priv-lvl=15"`, `Cisco-AVPair = "ip:addr-pool=dialup"`)
	for _, test := range []struct {
		name, kind string
		send, want []string
	}{
		{"PAP", "auth", pap("bob@home.example"), bob},
		{"letters of the realm", "auth", pap("bob@HOME.example"), []string{"Access-Reject", "Message-Authenticator"}},
		{"PAP of three blocks", "auth", []string{"User-Name = long@home.example", `User-Password = "a password of more than sixteen octets, in three blocks"`}, accept(`Reply-Message = "long"`, `Session-Timeout = 60`)},
		{"wrong password", "auth", []string{"User-Name = bob@home.example", "User-Password = other"}, []string{"Access-Reject", "Message-Authenticator", `Reply-Message = "hello bob"`}},
		{"unknown user", "auth", pap("eve@home.example"), []string{"Access-Reject", "Message-Authenticator", `Reply-Message = "nobody here is called eve"`}},
		{"nostrip", "auth", pap("bob@whole.example"), accept(`Reply-Message = "hello bob@whole.example"`)},
		{"CHAP whose challenge is the authenticator", "auth", []string{"User-Name = bob@home.example", "CHAP-Password = hello"}, bob},
		{"CHAP with a challenge", "auth", []string{"User-Name = bob@home.example", "CHAP-Password = hello", "CHAP-Challenge = 0x00112233445566778899aabbccddeeff0011"}, bob},
		{"wrong CHAP", "auth", []string{"User-Name = bob@home.example", "CHAP-Password = other"}, []string{"Access-Reject", "Message-Authenticator", `Reply-Message = "hello bob"`}},
		{"MS-CHAP, whose keys are the home server's to give", "auth", []string{"User-Name = bob@home.example", "MS-CHAP-Password = hello"},
			append(slices.Clone(bob), "MS-CHAP-MPPE-Keys = 0x0000000000000000ac0782e2de2337dee40e54ee732c1af5",
				"MS-MPPE-Encryption-Policy = Encryption-Allowed", "MS-MPPE-Encryption-Types = RC4-40or128-bit-Allowed")},
		{"salted", "auth", pap("hidden@home.example"), accept(`Tunnel-Type:2 = VLAN`, `Tunnel-Password:2 = "the password of the tunnel is long"`,
			`MS-MPPE-Send-Key = 0x00112233445566778899aabbccddeeff`, `MS-MPPE-Recv-Key = 0xffeeddccbbaa99887766554433221100`)},
		{"Proxy-States", "auth", append(pap("bob@whole.example"), "Proxy-State = 0x0102", "Proxy-State = 0x03"),
			accept(`Reply-Message = "hello bob@whole.example"`, "Proxy-State = 0x0102", "Proxy-State = 0x03")},
		{"accounting", "acct", []string{"User-Name = bob@home.example", "Acct-Status-Type = Start", `Acct-Session-Id = "h1"`, "Proxy-State = 0x05"},
			[]string{"Accounting-Response", "Proxy-State = 0x05"}},
		{"local user", "auth", pap("local"), accept(`Reply-Message = "from here"`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(sorted(test.want), sorted(radclient(t, s, test.kind, test.kind, test.send...))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if t.Failed() {
		t.Logf("%s\n%s", s.log, home.said())
	}
}

// TestProxySeenByFreeRADIUS looks at what comes out of us at a home server.
func TestProxySeenByFreeRADIUS(t *testing.T) {
	home := newRadiusd(t, homeUsers, nil)
	s := serveOnLoopback(t, homeTree(t, home, map[string]string{
		"raddb/realms": fmt.Sprintf("home.example %s operator-name=1visited.example secret=%q\n", home.server(), loopSecret),
	}))
	request := []string{"User-Name = bob@home.example", "CHAP-Password = hello", "NAS-IP-Address = 192.0.2.99", "NAS-Port = 7",
		"Proxy-State = 0x6f6e65", `Cisco-AVPair = "a=b"`, "Attr-250 = 0x0102", "Proxy-State = 0x74776f"}
	if reply := radclient(t, s, "auth", "auth", request...); reply[0] != "Access-Accept" {
		t.Fatalf("%v\n%s\n%s", reply, s.log, home.said())
	}
	seen := home.last(t, "Access-Request")
	for i, line := range seen {
		for _, random := range []string{"CHAP-Password", "CHAP-Challenge"} {
			if strings.HasPrefix(line, random+" = 0x") && len(line) == len(random)+len(" = 0x")+2*map[string]int{"CHAP-Password": 17, "CHAP-Challenge": 16}[random] {
				seen[i] = random
			}
		}
	}
	if own := seen[len(seen)-1]; !strings.HasPrefix(own, "Proxy-State = 0x") || len(own) != len("Proxy-State = 0x")+2*16 {
		t.Errorf("the last attribute is %s, not a Proxy-State of ours", own)
	}
	want := []string{`User-Name = "bob"`, "CHAP-Password", "NAS-IP-Address = 192.0.2.99", "NAS-Port = 7",
		`Cisco-AVPair = "a=b"`, "Attr-250 = 0x0102", "CHAP-Challenge",
		`Operator-Name = "1visited.example"`, "Proxy-State = 0x6f6e65", "Proxy-State = 0x74776f"}
	if diff := cmp.Diff(sorted(append([]string{""}, want...)), sorted(append([]string{""}, seen[:len(seen)-1]...))); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s\n%s", diff, s.log, home.said())
	}
	if strings.Contains(home.said(), "ERROR") {
		t.Errorf("%s", home.said())
	}
	radclient(t, s, "acct", "acct", "User-Name = bob@home.example", "Acct-Status-Type = Stop", `Acct-Session-Id = "s1"`,
		"Acct-Delay-Time = 3", "Acct-Input-Octets = 4000000000", "Proxy-State = 0x6f6e65", "Class = 0x0102")
	seen = home.last(t, "Accounting-Request")
	want = []string{`User-Name = "bob"`, "Acct-Status-Type = Stop", `Acct-Session-Id = "s1"`, "Acct-Delay-Time = 3",
		"Acct-Input-Octets = 4000000000", "Class = 0x0102", `Operator-Name = "1visited.example"`, "Proxy-State = 0x6f6e65"}
	if diff := cmp.Diff(sorted(append([]string{""}, want...)), sorted(append([]string{""}, seen[:len(seen)-1]...))); diff != "" {
		t.Errorf("accounting (-want +got)\n%s\n%s", diff, home.said())
	}
}

// TestProxyMSCHAP: the home server's proof reaches a client that verifies it, and its keys, hidden anew.
func TestProxyMSCHAP(t *testing.T) {
	home := newRadiusd(t, homeUsers, nil)
	s := serveOnLoopback(t, homeTree(t, home, nil))
	for method, want := range map[string]string{
		"mschap":   "# MPPE keys are right\n",
		"mschapv2": "# MS-CHAP2-Success is right\n  # MPPE keys are right\n",
	} {
		code, out, errs := told(t, "", "send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "-method", method,
			"User-Name=bob@whole.example", "User-Password=hello")
		if code != exitOK || !strings.HasSuffix(out, want) {
			t.Errorf("%s: exit code %d\n%s%s\n%s\n%s", method, code, out, errs, s.log, home.said())
		}
	}
	reply := radclient(t, s, "auth", "auth", mschapRequest(t, 2, "bob@whole.example", "wrong")...)
	if all := strings.Join(reply, "\n"); reply[0] != "Access-Reject" || !mschapError.MatchString(all) {
		t.Errorf("wrong password: %s", all)
	}
}

// TestProxyEAP has a supplicant log in by PEAP at a FreeRADIUS behind us: challenges with State, fragments, and keys.
func TestProxyEAP(t *testing.T) {
	tool := foreignTool(t, "eapol_test")
	home := startEAPHome(t)
	s := serveOnLoopback(t, homeTree(t, home, map[string]string{
		"peap.conf": fmt.Sprintf(peapNetwork, "hello", home.dir), "wrong.conf": fmt.Sprintf(peapNetwork, "wrong", home.dir), "md5.conf": md5Network,
	}))
	for _, test := range []struct {
		conf string
		args []string
		want []string
	}{
		{"peap.conf", nil, []string{"MPPE keys OK: 1  mismatch: 0", "\nSUCCESS\n"}},
		{"wrong.conf", []string{"-n"}, []string{"code=3 (Access-Reject)", "Received EAP-Failure", "\nFAILURE\n"}},
		{"md5.conf", []string{"-n"}, []string{"code=2 (Access-Accept)", "Received EAP-Success", "\nSUCCESS\n"}},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		args := append([]string{"-c", filepath.Join(s.dir, test.conf), "-a", "127.0.0.1", "-p", s.port("auth"), "-s", loopSecret, "-t", "20"}, test.args...)
		out, _ := exec.CommandContext(ctx, tool, args...).CombinedOutput()
		for _, want := range test.want {
			if !strings.Contains(string(out), want) {
				t.Fatalf("%s: eapol_test does not say %q:\n%s\n%s\n%s", test.conf, want, out, s.log, home.said())
			}
		}
	}
}

// startEAPHome starts a FreeRADIUS that does EAP, with a certificate of its own in its directory.
func startEAPHome(t *testing.T) *radiusd {
	t.Helper()
	cert, key := certificate(t)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"cert.pem": cert, "key.pem": key})
	home := newRadiusd(t, homeUsers, map[string]string{"eap": "eap", "eap first": "eap {\nok = return\n}", "modules": strings.ReplaceAll(eapModule, "@dir@", dir), "more": eapInner})
	writeFiles(t, home.dir, map[string]string{"cert.pem": cert})
	return home
}

const peapNetwork = `
network={
 key_mgmt=WPA-EAP
 eap=PEAP
 identity="bob@whole.example"
 anonymous_identity="anonymous@whole.example"
 password="%s"
 phase2="auth=MSCHAPV2"
 ca_cert="%s/cert.pem"
}
`

const md5Network = `
network={
 key_mgmt=IEEE8021X
 eap=MD5
 identity="bob@whole.example"
 password="hello"
}
`

// sorted puts a reply's attributes in order by their names, so that only the order of those with one name counts.
func sorted(reply []string) []string {
	name := func(line string) string {
		before, _, _ := strings.Cut(line, " = ")
		return before
	}
	reply = slices.Clone(reply)
	slices.SortStableFunc(reply[1:], func(a, b string) int { return strings.Compare(name(a), name(b)) })
	return reply
}
