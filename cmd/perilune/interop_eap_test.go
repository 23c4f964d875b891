package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEAPRefused asks by a supplicant: without EAP methods the server refuses, with EAP-Failure in a signed
// Access-Reject, so that the supplicant ends at once instead of waiting.
func TestEAPRefused(t *testing.T) {
	tool := foreignTool(t, "eapol_test")
	dir := loopTree(t, map[string]string{"raddb/users": interopUsers, "eap.conf": `
network={
 key_mgmt=IEEE8021X
 eap=MD5
 identity="bob"
 password="hello"
}
`})
	s := serveOnLoopback(t, dir)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, "-c", filepath.Join(dir, "eap.conf"), "-a", "127.0.0.1", "-p", s.port("auth"), "-s", loopSecret, "-t", "5")
	out, _ := cmd.CombinedOutput() // it fails, as it should
	for _, want := range []string{"code=3 (Access-Reject)", "Attribute 80 (Message-Authenticator)", "Attribute 79 (EAP-Message) length=6", "Received EAP-Failure"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("eapol_test does not say %q:\n%s\n%s", want, out, s.log)
		}
	}
	s.expectLog(t, "user=bob verdict=reject reason=method")
}
