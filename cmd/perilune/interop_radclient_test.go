package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const interopUsers = `$DIALECT freeradius
bob    Cleartext-Password := "hello"
       Reply-Message = "hello %{User-Name}",
       Class = 0x0102,
       Framed-IP-Address = 192.0.2.7,
       Framed-IPv6-Prefix = 2001:db8::/32,
       Session-Timeout = 3600
tagged Cleartext-Password := "hello"
       Tunnel-Type:1 = VLAN,
       Tunnel-Medium-Type:1 = IEEE-802,
       Tunnel-Private-Group-Id:1 = "100",
       Tunnel-Type:2 = L2TP,
       Tunnel-Server-Endpoint:2 = "192.0.2.1",
       Tunnel-Private-Group-Id = "200"
hidden Cleartext-Password := "hello"
       Tunnel-Password:2 = "the password of the tunnel is long",
       MS-MPPE-Send-Key = 0x00112233445566778899aabbccddeeff,
       MS-MPPE-Recv-Key = 0xffeeddccbbaa99887766554433221100
vendor Cleartext-Password := "hello"
       Cisco-AVPair = "shell:priv-lvl=15",
       Cisco-AVPair += "ip:addr-pool=dialup",
       MS-Primary-DNS-Server = 192.0.2.53,
       Mikrotik-Rate-Limit = "1M/2M",
       WISPr-Bandwidth-Max-Down = 2000000
long   Cleartext-Password := "a password of more than sixteen octets, in three blocks"
       Reply-Message = "long"
`

// interopScripts see what a NAS sends, tags and encrypted values included, and say it in the reply.
const interopScripts = `
on("authorize", {when = {["Tunnel-Password"] = true}}, function(req)
  return accept{message = "the NAS says " .. req["Tunnel-Password:3"] .. " in " .. req["Tunnel-Type:3"]}
end)
on("authorize", {when = {user = "otp"}}, function(req)
  return challenge{next = "code", message = "Code:", state = {tries = 1}, echo = true}
end)
answer("code", function(req, text)
  if text == "123456" then return accept{message = "round two"} end
  return reject{message = "wrong code"}
end)
on("coa", {when = {code = "CoA-Request", user = "bob"}}, function(req) return accept{} end)
on("coa", {when = {user = "carl"}}, function(req) return reject{error_cause = 501} end)
`

// radclient asks a port of the server and gives the received packet: its code, then its attributes.
func radclient(t *testing.T, s *loopServer, kind, port string, attributes ...string) []string {
	t.Helper()
	return received(runRadclient(t, s, kind, port, attributes, "-x", "-r", "1", "-t", "5"))
}

// runRadclient gives what radclient prints.
func runRadclient(t *testing.T, s *loopServer, kind, port string, attributes []string, options ...string) string {
	t.Helper()
	return radclientTo(t, s.addrs[port], kind, attributes, options...)
}

// radclientTo asks any server.
func radclientTo(t *testing.T, address, kind string, attributes []string, options ...string) string {
	t.Helper()
	tool := foreignTool(t, "radclient")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(loopSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, tool, append(options, "-S", secret, address, kind)...)
	cmd.Stdin = strings.NewReader(strings.Join(attributes, "\n") + "\n")
	out, _ := cmd.CombinedOutput() // the exit code tells a reject only
	return string(out)
}

var packetLine = regexp.MustCompile(`^Received (\S+) Id \d+ from \S+ to \S+ length \d+$`)

// received takes what radclient -x prints of the reply. Random values are blanked.
func received(out string) []string {
	var lines []string
	for _, line := range strings.Split(out, "\n") {
		if m := packetLine.FindStringSubmatch(line); m != nil {
			lines = append(lines, m[1])
			continue
		}
		if len(lines) == 0 {
			continue
		}
		if !strings.HasPrefix(line, "\t") {
			break
		}
		for _, random := range []string{"Message-Authenticator", "State"} {
			if strings.HasPrefix(line, "\t"+random+" = 0x") {
				line = "\t" + random
			}
		}
		lines = append(lines, strings.TrimPrefix(line, "\t"))
	}
	if lines == nil {
		return []string{"no reply", out}
	}
	return lines
}

// TestRadclient asks by FreeRADIUS's client, which verifies authenticators and Message-Authenticator, and
// decrypts what is salted.
func TestRadclient(t *testing.T) {
	foreignTool(t, "radclient")
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": interopUsers, "scripts/interop.lua": interopScripts}))
	pap := func(user string) []string { return []string{"User-Name = " + user, "User-Password = hello"} }
	accept := func(lines ...string) []string {
		return append([]string{"Access-Accept", "Message-Authenticator"}, lines...)
	}
	bob := accept(`Reply-Message = "hello bob"`, `Class = 0x0102`, `Framed-IP-Address = 192.0.2.7`,
		`Framed-IPv6-Prefix = 2001:db8::/32`, `Session-Timeout = 3600`)
	for _, test := range []struct {
		name, kind, port string
		send             []string
		want             []string
	}{
		{"PAP", "auth", "auth", pap("bob"), bob},
		{"PAP of three blocks", "auth", "auth", []string{"User-Name = long", `User-Password = "a password of more than sixteen octets, in three blocks"`},
			accept(`Reply-Message = "long"`)},
		{"CHAP", "auth", "auth", []string{"User-Name = bob", "CHAP-Password = hello"}, bob},
		{"CHAP with its own challenge", "auth", "auth", []string{"User-Name = bob", "CHAP-Password = hello", "CHAP-Challenge = 0x00112233445566778899aabbccddeeff0011"}, bob},
		{"MS-CHAP, whose keys are kept from a client that does not sign", "auth", "auth", []string{"User-Name = bob", "MS-CHAP-Password = hello"}, bob},
		{"wrong password", "auth", "auth", []string{"User-Name = bob", "User-Password = other"}, []string{"Access-Reject", "Message-Authenticator", `Reply-Message = "hello bob"`}},
		{"unknown user", "auth", "auth", pap("nobody"), []string{"Access-Reject", "Message-Authenticator"}},
		{"tags", "auth", "auth", pap("tagged"), accept(`Tunnel-Type:1 = VLAN`, `Tunnel-Medium-Type:1 = IEEE-802`, `Tunnel-Private-Group-Id:1 = "100"`,
			`Tunnel-Type:2 = L2TP`, `Tunnel-Server-Endpoint:2 = "192.0.2.1"`, `Tunnel-Private-Group-Id:0 = "200"`)},
		{"salted", "auth", "auth", pap("hidden"), accept(`Tunnel-Password:2 = "the password of the tunnel is long"`,
			`MS-MPPE-Send-Key = 0x00112233445566778899aabbccddeeff`, `MS-MPPE-Recv-Key = 0xffeeddccbbaa99887766554433221100`)},
		{"vendors", "auth", "auth", pap("vendor"), accept(`Cisco-AVPair = "shell:priv-lvl=15"`, `Cisco-AVPair = "ip:addr-pool=dialup"`,
			`MS-Primary-DNS-Server = 192.0.2.53`, `Mikrotik-Rate-Limit = "1M/2M"`, `WISPr-Bandwidth-Max-Down = 2000000`)},
		{"Proxy-State comes back in order", "auth", "auth", append(pap("nobody"), "Proxy-State = 0x0102", "Proxy-State = 0x03"),
			[]string{"Access-Reject", "Message-Authenticator", "Proxy-State = 0x0102", "Proxy-State = 0x03"}},
		{"challenge", "auth", "auth", pap("otp"), []string{"Access-Challenge", "Message-Authenticator", `Reply-Message = "Code:"`, "Prompt = Echo", "State"}},
		{"Status-Server", "status", "auth", []string{"Message-Authenticator = 0x00"}, accept()},
		{"Status-Server for accounting", "status", "acct", []string{"Message-Authenticator = 0x00"}, []string{"Accounting-Response"}},
		{"accounting", "acct", "acct", []string{"User-Name = bob", "Acct-Status-Type = Start", `Acct-Session-Id = "a1"`, `Cisco-AVPair = "a=b"`,
			`Tunnel-Client-Endpoint:3 = "192.0.2.9"`, "Proxy-State = 0x05"}, []string{"Accounting-Response", "Proxy-State = 0x05"}},
		{"CoA", "coa", "coa", []string{"User-Name = bob"}, []string{"CoA-ACK"}},
		{"CoA without a session", "coa", "coa", []string{"User-Name = nobody"}, []string{"CoA-NAK", "Error-Cause = Session-Context-Not-Found"}},
		{"Disconnect", "disconnect", "coa", []string{"User-Name = carl"}, []string{"Disconnect-NAK", "Error-Cause = Administratively-Prohibited"}},
		// From here on the server knows that this address signs, so nothing unsigned can follow.
		{"Message-Authenticator", "auth", "auth", append(pap("bob"), "Message-Authenticator = 0x00"), bob},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, radclient(t, s, test.kind, test.port, test.send...)); diff != "" {
				t.Errorf("(-want +got)\n%s\n%s", diff, s.log)
			}
		})
	}
	expectRecord(t, s)
}

// expectRecord looks at the record of the accounting request above.
func expectRecord(t *testing.T, s *loopServer) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "state", "acct", "spool.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	want := `"client":"loop"`
	attributes := `"attributes":[["User-Name","bob"],["Acct-Status-Type","Start"],["Acct-Session-Id","a1"],["Cisco-AVPair","a=b"],["Tunnel-Client-Endpoint:3","192.0.2.9"],["Proxy-State","0x05"]]}`
	if !bytes.Contains(b, []byte(want)) || !bytes.HasSuffix(bytes.TrimRight(b, "\x00\n"), []byte(attributes)) {
		t.Errorf("record %s; expected %s and %s", b, want, attributes)
	}
}

// TestRatchetByForeignClient: an address that has once signed must sign, until an operator says otherwise.
func TestRatchetByForeignClient(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": interopUsers}))
	plain := []string{"User-Name = long", `User-Password = "a password of more than sixteen octets, in three blocks"`}
	ask := func(attributes ...string) string {
		return received(runRadclient(t, s, "auth", "auth", append(attributes, plain...), "-x", "-r", "3", "-t", "1"))[0]
	}
	var got []string
	got = append(got, ask(), ask("Message-Authenticator = 0x00"), ask())
	s.expectLog(t, "verdict=discard reason=no-message-authenticator")
	if code, out := s.command("status", "-d", s.raddb(), "-forget", "127.0.0.1"); code != exitOK {
		t.Errorf("status -forget: %d %s", code, out)
	}
	got = append(got, ask())
	if diff := cmp.Diff([]string{"Access-Accept", "Access-Accept", "no reply", "Access-Accept"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, s.log)
	}
	if _, out := s.command("explain", "-d", s.raddb(), "-last", "long"); !strings.Contains(out, "discard reason=no-message-authenticator user=long") {
		t.Errorf("explain -last does not show the packet that was discarded:\n%s", out)
	}
}

// TestWrongSecret: what another secret has signed is discarded, and explain says so.
func TestWrongSecret(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/users":   interopUsers,
		"raddb/clients": "127.0.0.0/8 \"not the secret of the NAS\" other\n",
	}))
	if got := received(runRadclient(t, s, "auth", "auth", []string{"User-Name = bob", "User-Password = hello", "Message-Authenticator = 0x00"}, "-x", "-r", "1", "-t", "1")); got[0] != "no reply" {
		t.Errorf("got %v", got)
	}
	if _, out := s.command("explain", "-d", s.raddb(), "-last", "bob"); !strings.Contains(out, "discard reason=bad-message-authenticator user=bob client=other") {
		t.Errorf("explain -last:\n%s", out)
	}
	// Without a signature the password decrypts to noise, and the log has the likely reason.
	runRadclient(t, s, "auth", "auth", []string{"User-Name = bob", "User-Password = hello"}, "-x", "-r", "1", "-t", "1")
	s.expectLog(t, "the shared secret is probably wrong")
}

// TestIPv6 asks over ::1.
func TestIPv6(t *testing.T) {
	dir := loopTree(t, map[string]string{
		"raddb/users": interopUsers, "raddb/clients": "127.0.0.0/8 \"" + loopSecret + "\"\n::1 \"" + loopSecret + "\" six\n",
	})
	if l, err := net.ListenPacket("udp6", "[::1]:0"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	} else {
		l.Close()
	}
	s := serveOnLoopback(t, dir, "-auth-listen", "[::1]:0")
	if got := radclient(t, s, "auth", "auth6", "User-Name = bob", "User-Password = hello"); got[0] != "Access-Accept" {
		t.Errorf("got %v\n%s", got, s.log)
	}
	s.expectLog(t, "nas=six")
}

// TestManyRequests keeps a hundred requests in flight.
func TestManyRequests(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": interopUsers}))
	out := runRadclient(t, s, "auth", "auth", []string{"User-Name = bob", "User-Password = hello"}, "-q", "-s", "-p", "100", "-c", "1000", "-t", "5", "-r", "1")
	summary := regexp.MustCompile(`(?m)^\s*(Accepted|Rejected|Lost|Passed filter|Failed filter)\s*:\s*(\d+)`).FindAllStringSubmatch(out, -1)
	got := map[string]string{}
	for _, m := range summary {
		got[m[1]] = m[2]
	}
	if diff := cmp.Diff(map[string]string{"Accepted": "1000", "Rejected": "0", "Lost": "0", "Passed filter": "1000", "Failed filter": "0"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, out)
	}
}

// TestFreeRADIUSDictionary serves with FreeRADIUS's own directory as the dictionary.
func TestFreeRADIUSDictionary(t *testing.T) {
	const path = "/usr/share/freeradius/dictionary"
	if _, err := os.Stat(path); err != nil {
		without(t, "%s is not installed", path)
	}
	foreignTool(t, "radclient")
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/config.toml": quietConfig + "[dictionary]\nfile = \"" + path + "\"\n",
		"raddb/users": interopUsers + `strange Cleartext-Password := "hello"
       Juniper-Local-User-Name = "root",
       Alc-Subsc-ID-Str = "x",
       USR-Channel = 7,
       Frag-Status = Fragmentation-Supported
`, "scripts/interop.lua": interopScripts}))
	want := []string{"Access-Accept", "Message-Authenticator", `Juniper-Local-User-Name = "root"`, `Alc-Subsc-ID-Str = "x"`,
		"USR-Channel = 7", "Frag-Status = Fragmentation-Supported"}
	if diff := cmp.Diff(want, radclient(t, s, "auth", "auth", "User-Name = strange", "User-Password = hello")); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, s.log)
	}
}
