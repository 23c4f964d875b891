package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestLargeReplies: replies that the way does not take in one piece leave in fragments: at once, in a batch with others, and
// late.
func TestLargeReplies(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	for _, args := range []string{"link set lo mtu 1000", "link set lo up"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			without(t, "ip %s: %v %s", args, err, out)
		}
	}
	message := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(fmt.Sprintf("\tReply-Message += %q,\n", strings.Repeat("x", 240)), n), ",\n") + "\n"
	}
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/config.toml": strings.Replace(quietConfig, "reject-delay = 0", "reject-delay = 0.1", 1),
		"raddb/users": "small Cleartext-Password := \"hello\"\n" + message(1) + "medium Cleartext-Password := \"hello\"\n" + message(4) +
			"large Cleartext-Password := \"hello\"\n" + message(14) + "refused Auth-Type = Reject\n" + message(14),
	}))
	for user, want := range map[string]int{"small": 1, "large": 14, "refused": 14} {
		_, text := s.command("send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "-tries", "1", "User-Name="+user, "User-Password=hello")
		if got := strings.Count(text, "Reply-Message = "); got != want {
			t.Errorf("%s: %d of %d messages\n%s", user, got, want, text)
		}
	}
	for _, user := range []string{"medium", "large", "small"} {
		code, text := s.command("bench", "-server", s.addrs["auth"], "-secret", loopSecret, "-name", user, "-password", "hello", "-message-authenticator", "-expect", "accept", "-duration", "300ms")
		if code != exitOK || !strings.Contains(text, " 0 lost") || !strings.Contains(text, " 0 bad") {
			t.Errorf("%s: exit code %d\n%s", user, code, text)
		}
	}
}
