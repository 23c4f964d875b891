package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestBench(t *testing.T) {
	l := newLoopback(t)
	args := []string{"bench", "-server", l.address, "-secret", sendSecret, "-name", "bob", "-duration", "50ms", "-message-authenticator"}
	code, out, errs := told(t, "", append(args, "-json", "-pid", strconv.Itoa(os.Getpid()))...)
	var got benchJSON
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || errs != "" {
		t.Fatalf("exit code %d, %v: %s%s", code, err, out, errs)
	}
	if got.Sent == 0 || got.Sent != got.Replies["Access-Accept"]+got.Lost || got.Bad > 0 || got.PerSecond <= 0 || got.P50 > got.Worst {
		t.Errorf("%+v", got)
	}
	var counted uint64
	for _, b := range got.Histogram {
		counted += b.Count
	}
	if counted != got.Sent-got.Lost || got.P99 > got.P999 || got.RSS <= 0 || got.RSSPeak < got.RSS || got.OwnCPU <= 0 || got.CPU < got.User {
		t.Errorf("%+v", got)
	}
	code, out, _ = told(t, "", append(args, "-rate", "100", "-password", "no", "-duration", "30ms", "-histogram")...)
	form := regexp.MustCompile(`^\d+ sent, \d+ answered, 0 lost, 0 bad; \d+ a second\n  Access-Reject        \d+\nlatency p50 \S+, p90 \S+, p99 \S+, p99.9 \S+, worst \S+\n( .*%.*#\n| .* 0.0 %\n)+this generator: [\d.]+ µs for each request, \d+ % of a processor\n$`)
	if code != exitOK || !form.MatchString(out) {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestBenchFails(t *testing.T) {
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"extra", exitUsage, `unexpected argument "extra"`},
		{"-sockets 0", exitFailed, "sockets, users, duration and wait must be positive"},
		{"-sources 2 -source here", exitUsage, "-source: ParseAddr"},
		{"-sources 2 -source 192.0.2.1", exitFailed, "no requests can leave from 192.0.2.1"},
		{"-expect maybe", exitUsage, "expected accept, reject, challenge or any"},
		{"-method eap", exitFailed, "expected pap, chap or acct"},
		{"-secret @/nonexistent", exitFailed, "no such file"},
		{"-pid x", exitUsage, `"x" is no process id`},
		{"-rounds 0", exitUsage, "-rounds must be 1 to 1000"},
		{"-beside-pid 1", exitUsage, "need -beside"},
		{"-beside 127.0.0.1 -beside-pid 1", exitFailed, "nothing was answered"},
		{"-pid 999999999", exitFailed, "/proc/999999999/stat"},
	} {
		code, out, errs := told(t, "", append([]string{"bench", "-duration", "1ms"}, strings.Fields(tc.args)...)...)
		if code != tc.code || out != "" || !strings.Contains(errs, tc.want) {
			t.Errorf("%s: exit code %d, %s%s", tc.args, code, out, errs)
		}
	}
}

// TestBenchExpects: another answer than the expected one makes the run fail.
func TestBenchExpects(t *testing.T) {
	l := newLoopback(t)
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"-expect accept -wrong 200", exitOK, ""},
		{"-expect accept -wrong 200 -method chap", exitOK, ""},
		{"-expect accept -sources 3", exitOK, ""},
		{"-expect reject", exitFailed, "replies have another code than they should"},
		{"-expect accept -password no", exitFailed, "replies have another code than they should"},
	} {
		args := append([]string{"bench", "-server", l.address, "-secret", sendSecret, "-name", "bob", "-duration", "20ms", "-message-authenticator"}, strings.Fields(tc.args)...)
		code, out, errs := told(t, "", args...)
		if code != tc.code || !strings.Contains(errs, tc.want) || errs != "" && tc.want == "" {
			t.Errorf("%s: exit code %d, %s%s", tc.args, code, out, errs)
		}
	}
}

func TestReadSecret(t *testing.T) {
	path := t.TempDir() + "/secret"
	writeTest(t, path, "two words\r\n")
	for text, want := range map[string]string{"plain": "plain", "@" + path: "two words"} {
		if got, err := readSecret(text); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// processorTime gives what a process has used so far.
func processorTime(pid int) (time.Duration, error) {
	u, err := processes{pid}.usage()
	return u.processor(), err
}
