package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"perilune/engine/client"
	"perilune/engine/radius"
	"perilune/policy/reload"
)

// manyTests are so many scripts with so many cases each, as sites have them.
func manyTests(scripts, cases int) map[string]string {
	files := map[string]string{"raddb/users": "$DIALECT freeradius\nDEFAULT Cleartext-Password := \"hello\"\n"}
	for i := 1; i <= scripts; i++ {
		files[fmt.Sprintf("scripts/site%02d.lua", i)] = fmt.Sprintf(`-- Site %[1]d.
local vlans = {staff=%[1]d, guests=%[1]d + 100, printers=%[1]d + 200}
local function class(user)
  local kind = user:match("^%%w+%%-(%%w+)@site%[1]d$")
  return kind or "guests"
end
huntgroup("site%[1]d", function(req) return (req:int("NAS-Port") or 0) == %[1]d end)
on("hints", {name="lower%[1]d", when={user="*@SITE%[1]d"}}, function(req) req.user = req.user:lower() end)
on("reply", {name="vlan%[1]d", when={verdict="accept", user="*@site%[1]d"}}, function(req)
  req.reply:vlan(vlans[class(req.user)])
  req.reply["Session-Timeout"] = 3600
end)
`, i)
		text := ""
		for n := range cases {
			text += fmt.Sprintf(`test.case("case %[2]d", function()
  local r = send{client="127.0.0.1", user="u-staff@site%[1]d", password="hello", ["NAS-Port"]=%[1]d, ["Calling-Station-Id"]="00-11-22-33-44-%02[2]d"}
  expect(r):accept():has("Session-Timeout", 3600):hook("vlan%[1]d")
end)
`, i, n)
		}
		files[fmt.Sprintf("scripts/site%02d_test.lua", i)] = text
	}
	return files
}

// A serverProcess is `perilune serve` in a process of its own, so that its clients' time is not its own.
type serverProcess struct {
	raddb, auth, acct string
	http              string // if the configuration has one
	process           *os.Process
	ended             chan error // how it ended; closed
}

// startServerProcess starts one with further variables of the environment. It ends with the test, if not earlier.
func startServerProcess(t testing.TB, dir string, environment ...string) *serverProcess {
	t.Helper()
	s := &serverProcess{raddb: filepath.Join(dir, "raddb"), ended: make(chan error, 1)}
	p := exec.Command(os.Args[0], "-test.run=^TestServeHelper$", "-test.timeout="+(10*time.Minute+*endureFor+*floodFor).String())
	p.Env = append(append(os.Environ(), "PERILUNE_SERVE="+s.raddb, "PERILUNE_ACCT=127.0.0.1:0"), environment...)
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr = p.Stdout
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = p.Process
	var said strings.Builder
	started := s.listens(io.TeeReader(out, &said))
	go func() {
		io.Copy(io.Discard, out)
		s.ended <- p.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() { p.Process.Kill(); <-s.ended })
	if !started {
		t.Fatalf("serve does not start:\n%s", said.String())
	}
	return s
}

// listens reads the addresses from the log until the server is up; false if it ends before.
func (s *serverProcess) listens(log io.Reader) bool {
	address := regexp.MustCompile(`msg=listening kind=(\w+) address=(\S+)|msg="(health) and metrics" address=(\S+)`)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			switch m[1] + m[3] {
			case "auth":
				s.auth = m[2]
			case "acct":
				s.acct = m[2]
			case "health":
				s.http = m[4]
			}
		}
		if strings.Contains(lines.Text(), "perilune serves ") {
			return true
		}
	}
	return false
}

// load asks at a rate.
func (s *serverProcess) load(t testing.TB, rate int, duration time.Duration) *client.LoadResult {
	l := client.Load{
		Address: s.auth, Secret: radius.NewSecret(loopSecret), Duration: duration, Sockets: 4, Rate: rate, Users: 50,
		NameFormat: "u-staff@site%d", Password: "hello", Wait: 5 * time.Second,
	}
	result, err := l.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// reloading builds the same files again and again until stop is closed, and gives the reports.
func (s *serverProcess) reloading(t testing.TB, stop <-chan struct{}) (reports []reload.Report) {
	for {
		select {
		case <-stop:
			return reports
		default:
		}
		code, out, errs := execute("reload", "-d", s.raddb, "-force", "-json")
		var r reload.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK {
			t.Errorf("reload: %d %v %s%s", code, err, out, errs)
			return reports
		}
		reports = append(reports, r)
	}
}

// loaded gives what a load sees while reloads run one after the other.
func (s *serverProcess) loaded(t testing.TB, rate int, duration time.Duration) (*client.LoadResult, []reload.Report) {
	stop, reports := make(chan struct{}), make(chan []reload.Report, 1)
	go func() { reports <- s.reloading(t, stop) }()
	result := s.load(t, rate, duration)
	close(stop)
	return result, <-reports
}

// TestReloadUnderLoad: 50 scripts with 500 tests are loaded again and again, and every request is answered.
func TestReloadUnderLoad(t *testing.T) {
	s := startServerProcess(t, loopTree(t, manyTests(50, 10)))
	result, reports := s.loaded(t, 1_000, time.Second)
	if len(reports) == 0 || result.Lost > 0 || result.Bad > 0 || result.Replies[radius.CodeAccessAccept] != result.Sent {
		t.Errorf("%d reloads; %+v", len(reports), result)
	}
	for _, r := range reports {
		if !r.OK || r.Tests != 500 {
			t.Errorf("%+v", r)
		}
	}
}

// BenchmarkReloadUnderLoad measures the latency at 10,000 requests a second in pairs of a quiet time and one full of
// reloads, and how long a reload of 50 scripts with 500 tests takes meanwhile.
func BenchmarkReloadUnderLoad(b *testing.B) {
	s := startServerProcess(b, loopTree(b, manyTests(50, 10)))
	s.load(b, 10_000, time.Second) // warm
	var quiet, busy, took time.Duration
	reloads := 0
	for b.Loop() {
		quiet += s.load(b, 10_000, 2*time.Second).Quantile(0.99)
		result, reports := s.loaded(b, 10_000, 2*time.Second)
		busy += result.Quantile(0.99)
		for _, r := range reports {
			took += r.Took
		}
		reloads += len(reports)
	}
	b.ReportMetric(float64(quiet.Microseconds())/float64(b.N), "quiet-p99-µs")
	b.ReportMetric(float64(busy.Microseconds())/float64(b.N), "reload-p99-µs")
	b.ReportMetric(float64(took.Milliseconds())/float64(max(reloads, 1)), "ms/reload")
	b.ReportMetric(float64(reloads)/float64(b.N), "reloads")
}
