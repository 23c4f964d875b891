package backend

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/config"
	"perilune/engine/program"
	"perilune/policy/module"
)

func execWorld(t testing.TB) *world {
	return newWorld(t, Settings{
		Backend: config.Backend{Programs: []string{"/bin/sh", "/bin/echo", "/bin/gone"}},
		Run:     Programs{Account: program.Account{Name: "tests", Switch: os.Geteuid() == 0}, Timeout: 5 * time.Second, Output: 4096, Max: 4},
	})
}

func TestExec(t *testing.T) {
	w := execWorld(t)
	w.secrets = map[string]string{"key": "geheim"}
	for _, f := range []fact{
		{`local r = exec.run{"/bin/sh", "-c", "cat; echo err >&2; exit 3", stdin="in\0"} out(r.status, r.stdout, r.stderr)`, "3 in\x00 err\n"},
		{`out(exec.run{"/bin/echo", "a b", "$HOME", "; id", "", 1, 0.5, key}.stdout)`, "a b $HOME ; id  1 0.5 geheim\n"},
		{`out(exec.run{"/bin/sh", "-c", "env | grep -v '^_=\\|^PWD=\\|^SHLVL=' | cut -d= -f1"}.stdout)`, "PATH\n"},
		{`out(exec.try_run{"/bin/gone"})`, "nil refused: cannot run /bin/gone: there is no such file (or its interpreter is missing)"},
		{`out(exec.try_run{"/bin/sh", "-c", "sleep 60", timeout="100ms"})`, "nil timeout: killed at its deadline"},
		{`out(exec.try_run{"/bin/sh", "-c", "while :; do echo flood; done"})`, "nil refused: killed for printing more than it may"},
		{`out(#exec.run{"/bin/sh", "-c", "head -c 100000 /dev/zero >&2"}.stderr)`, "4096"},
		{`out(exec.run{"/bin/sh", "-c", "kill -9 $$"}.status)`, "137"},
	} {
		if d := cmp.Diff(f.want, w.run("handler(function() "+f.source+" end)")); d != "" {
			t.Errorf("%s (-want +got)\n%s", f.source, d)
		}
	}
}

func TestExecMisuse(t *testing.T) {
	w := execWorld(t)
	for call, want := range map[string]string{
		`exec.run{"/bin/id"}`:                                       `exec: config.toml does not list "/bin/id" under [backend] programs; did you mean "/bin/sh"?`,
		`exec.run{"sh"}`:                                            `exec.run: the first entry is the program's absolute path, as in exec.run{"/usr/bin/id", "-u"}`,
		`exec.run{}`:                                                `exec.run: the first entry is the program's absolute path, as in exec.run{"/usr/bin/id", "-u"}`,
		`exec.run("/bin/sh")`:                                       `argument 1 is string, expected table`,
		`exec.run{"/bin/sh", {}}`:                                   `exec.run: argument 2 is a table, expected text or a number`,
		`exec.run{"/bin/sh", "a\0b"}`:                               `exec.run: argument 2 holds a NUL`,
		`exec.run{"/bin/sh", stdin=1}`:                              `exec.run: stdin: got 1, expected text of at most 1048576 octets`,
		`exec.run{"/bin/sh", timeout="x"}`:                          `exec.run: timeout: x is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`,
		`exec.run{"/bin/sh", shell=true}`:                           `exec.run: no option "shell"; expected stdin, timeout`,
		`exec.run{"/bin/sh", ("x"):rep(70000)}`:                     `exec.run: more than 64 arguments, or 65536 octets in them`,
		`local t = {} for i = 1, 65 do t[i] = "/x" end exec.run(t)`: `exec.run: more than 64 arguments, or 65536 octets in them`,
	} {
		for _, call := range []string{call, strings.Replace(call, "exec.run", "exec.try_run", 1)} {
			if d := cmp.Diff("error: t.lua:1: "+want, w.run("handler(function() "+call+" end)")); d != "" {
				t.Errorf("%s (-want +got)\n%s", call, d)
			}
		}
	}
	if got := w.run(`exec.run{"/bin/sh"}`); got != "error: t.lua:1: exec: nothing waits while scripts load" {
		t.Errorf("while scripts load: %s", got)
	}
}

// TestExecEndsWithItsContext: the handler's time ends a program before its own.
func TestExecEndsWithItsContext(t *testing.T) {
	w := execWorld(t)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := w.env.Backends.Exec().Run(ctx, &module.ExecRequest{Args: []string{"/bin/sh", "-c", "sleep 60"}})
	if took := time.Since(began); module.AsFailure(err).Kind != "timeout" || took > 3*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// TestExecWithoutAccount: a server that is root and has no account for programs runs none.
func TestExecWithoutAccount(t *testing.T) {
	w := newWorld(t, Settings{Backend: config.Backend{Programs: []string{"/bin/true"}}, Run: Programs{Trouble: errors.New("there is no user daemon"), Timeout: time.Second}})
	if got := w.run(`handler(function() out(exec.try_run{"/bin/true"}) end)`); got != "nil refused: there is no user daemon" {
		t.Error(got)
	}
}
