package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A capture is tshark on the loopback interface: it decodes an exchange, and verifies the Response
// Authenticator with the secret.
type capture struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	stderr *bufio.Scanner
	said   strings.Builder
}

// startCapture gives a capture that ends after a number of packets of a port. It returns once tshark listens.
func startCapture(t *testing.T, port, packets string) *capture {
	t.Helper()
	tool := foreignTool(t, "tshark")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	c := &capture{}
	c.cmd = exec.CommandContext(ctx, tool, "-i", "lo", "-l", "-n", "-f", "udp port "+port, "-a", "packets:"+packets,
		"-d", "udp.port=="+port+",radius", "-o", "radius.shared_secret:"+loopSecret, "-o", "radius.validate_authenticator:TRUE",
		"-O", "radius", "-x")
	c.cmd.Stdout = &c.out
	pipe, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.stderr = bufio.NewScanner(pipe)
	for c.stderr.Scan() {
		c.said.WriteString(c.stderr.Text() + "\n")
		if strings.Contains(c.stderr.Text(), "Capture started") {
			return c
		}
	}
	c.cmd.Wait()
	without(t, "tshark may not capture on lo: %s", &c.said)
	return nil
}

// text waits for the packets and gives what tshark says of them.
func (c *capture) text(t *testing.T) string {
	t.Helper()
	for c.stderr.Scan() {
		c.said.WriteString(c.stderr.Text() + "\n")
	}
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("tshark: %v\n%s", err, &c.said)
	}
	return c.out.String()
}

// TestCapture lets tshark judge an exchange: the password that it decrypts, the authenticator, tags, VSAs, and
// the octets themselves.
func TestCapture(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": captureUsers}))
	c := startCapture(t, s.port("auth"), "2")
	code, out := s.command("send", "auth", "-d", s.raddb(), "-server", s.addrs["auth"], "-secret", loopSecret,
		"User-Name=bob", "User-Password=hello", "NAS-Port=7")
	if code != exitOK {
		t.Fatalf("send: %d %s\n%s", code, out, s.log)
	}
	text := c.text(t)
	for _, want := range []string{
		"Code: Access-Request (1)",
		"AVP: t=User-Password(2) l=18 val=Decrypted: hello",
		"AVP: t=NAS-Port(5) l=6 val=7",
		"Code: Access-Accept (2)",
		"[Valid Authenticator: True]",
		"AVP: t=Message-Authenticator(80) l=18",
		"AVP: t=Tunnel-Type(64) l=6 Tag=0x01 val=VLAN(13)",
		"AVP: t=Tunnel-Private-Group-Id(81) l=6 Tag=0x01 val=100",
		"AVP: t=Tunnel-Password(69) l=21 Tag=0x02 val=Encrypted",
		"VSA: t=Cisco-AVPair(1) l=9 val=lcp:x=y",
		"Framed-IPv6-Prefix: 002020010db8",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("tshark does not say %q", want)
		}
	}
	octets := hexDump(text)
	for name, want := range map[string]string{
		"the reply's first attribute is Message-Authenticator": "5012",
		"Tunnel-Type:1 = VLAN":                                 "40060100000d",
		"Tunnel-Medium-Type:1 = IEEE-802":                      "410601000006",
		"Tunnel-Private-Group-Id:1":                            "510601313030",
		"Tunnel-Password:2, the salt's high bit":               "451502",
		"Cisco-AVPair":                                         "1a0f000000090109" + "6c63703a783d79",
		"Framed-IPv6-Prefix without host octets":               "6108002020010db8",
	} {
		if !strings.Contains(octets, want) {
			t.Errorf("%s: the octets %s are not in the capture", name, want)
		}
	}
	if i := strings.Index(octets, "451502"); i >= 0 && strings.IndexByte("89abcdef", octets[i+6]) < 0 {
		t.Errorf("the salt %s lacks its high bit (RFC 2868 s3.5)", octets[i+6:i+10])
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestCaptureAccounting lets tshark verify the answer to an accounting request of radclient's.
func TestCaptureAccounting(t *testing.T) {
	foreignTool(t, "radclient")
	s := serveOnLoopback(t, loopTree(t, nil))
	c := startCapture(t, s.port("acct"), "2")
	radclient(t, s, "acct", "acct", "User-Name = bob", "Acct-Status-Type = Stop", `Acct-Session-Id = "c1"`, "Proxy-State = 0x0a0b")
	text := c.text(t)
	for _, want := range []string{"Code: Accounting-Request (4)", "Code: Accounting-Response (5)", "[Valid Authenticator: True]", "AVP: t=Proxy-State(33) l=4 val=0a0b"} {
		if !strings.Contains(text, want) {
			t.Errorf("tshark does not say %q", want)
		}
	}
	// Without Message-Authenticator (RFC 5997 s3): header and Proxy-State alone.
	if !strings.Contains(hexDump(text), "21040a0b") || !strings.Contains(text, "Length: 24") {
		t.Error("the response is not header and Proxy-State alone")
	}
	if t.Failed() {
		t.Logf("%s\n%s", text, s.log)
	}
}

const captureUsers = `$DIALECT freeradius
bob  Cleartext-Password := "hello"
     Tunnel-Type:1 = VLAN,
     Tunnel-Medium-Type:1 = IEEE-802,
     Tunnel-Private-Group-Id:1 = "100",
     Tunnel-Password:2 = "tunnel pass",
     Cisco-AVPair = "lcp:x=y",
     Framed-IPv6-Prefix = 2001:db8::/32
`

// hexDump gives the octets of the dump that -x prints: lines of an offset, pairs of digits, and the text.
func hexDump(text string) string {
	var b strings.Builder
	lines := bufio.NewReader(strings.NewReader(text))
	for {
		line, err := lines.ReadString('\n')
		if len(line) > 54 && line[4] == ' ' && line[5] == ' ' && strings.Trim(line[:4], "0123456789abcdef") == "" {
			b.WriteString(strings.ReplaceAll(strings.TrimSpace(line[6:54]), " ", ""))
		}
		if err == io.EOF {
			return b.String()
		}
	}
}
