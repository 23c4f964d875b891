package server

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/program"
	"perilune/engine/radius"
)

// tester is the account that runs the programs of tests: whoever runs these.
func tester() program.Account { return program.Account{Name: "tests", Switch: os.Geteuid() == 0} }

// site is a directory with programs, and what a generation needs to run them.
type site struct {
	t        *testing.T
	dir      string
	settings ProgramSettings
	users    string
	policy   *scripted
	said     *logged
}

func newSite(t *testing.T) *site {
	return &site{t: t, dir: t.TempDir(), said: new(logged), settings: ProgramSettings{Account: tester(), Timeout: 10 * time.Second}}
}

// program writes a shell script and gives its path.
func (s *site) program(name, text string) string {
	path := s.path(name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// file gives what a program wrote.
func (s *site) file(name string) string {
	text, _ := os.ReadFile(s.path(name))
	return string(text)
}

// await waits until a file holds a text.
func (s *site) await(name, text string) {
	s.t.Helper()
	for range 1000 {
		if s.file(name) == text {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Errorf("%s holds %q, want %q", name, s.file(name), text)
}

func (s *site) generation() *Generation {
	s.t.Helper()
	g := load(s.t, s.users, s.policy)
	set, problems := NewPrograms(g.Dictionary, s.settings)
	if problems != nil {
		s.t.Fatal(problems)
	}
	set.wanted.Store(true)
	g.Programs = set
	g.Settings.Texts.Denied = textOf(s.t, g, "Access denied")
	return g
}

// offline gives an Offline that does run programs.
func (s *site) offline() *Offline {
	o := NewOffline(nil)
	o.core.dry, o.core.log = false, slog.New(s.said)
	o.core.programs = program.NewRunner(program.Options{Log: o.core.log})
	s.t.Cleanup(o.core.programs.Close)
	return o
}

// login logs bob in and gives the outcome on one line.
func (s *site) login(password string) string {
	s.t.Helper()
	g := s.generation()
	out := ask(s.t, s.offline(), g, Question{Attributes: attrs(s.t, g, "User-Name = bob", "User-Password = "+password, "Calling-Station-Id = 00-11-22")})
	return brief(out)
}

func brief(out *Outcome) string {
	return strings.TrimSpace(out.Verdict+" "+out.Reason) + ": " + strings.Join(texts(&out.Reply), ", ")
}

// execWaits gives the entry of bob with reply pairs.
func execWaits(pairs ...string) string {
	return "bob Cleartext-Password = \"x\"\n\t" + strings.Join(pairs, ",\n\t") + "\n"
}

func wait(command string) string { return "Exec-Program-Wait = " + strconv.Quote(command) }

func TestExecProgramWait(t *testing.T) {
	for _, c := range []struct{ name, program, want string }{
		{"accepts", "exit 0", `accept: Reply-Message = "rule", Session-Timeout = 60`},
		{"adds", `echo 'Filter-Id = "a, b" , Port-Limit := 2,'; echo Filter-Id += c`,
			`accept: Reply-Message = "rule", Session-Timeout = 60, Filter-Id = "a, b", Port-Limit = 2, Filter-Id = "c"`},
		{"by additivity", "echo Framed-MTU = 1; echo Framed-MTU = 2", `accept: Reply-Message = "rule", Session-Timeout = 60, Framed-MTU = 2`},
		{"internal stays inside", "echo Menu = x, Auth-Type = Reject", `accept: Reply-Message = "rule", Session-Timeout = 60`},
		{"rejects", "exit 1", `reject program: Reply-Message = "Access denied"`},
		{"rejects with a message", "echo 'Reply-Message = \"no, not you\", Session-Timeout = 5'; exit 1", `reject program: Reply-Message = "no, not you"`},
		{"cannot run", "exit 2", `reject program: Reply-Message = "Access denied"`},
		{"is killed", "kill -9 $$", `reject program: Reply-Message = "Access denied"`},
		{"prints garbage", "echo Filter-Id = a; echo ???; echo Filter-Id = b", `accept: Reply-Message = "rule", Session-Timeout = 60, Filter-Id = "b"`},
		{"prints comments", "echo '# hello'; echo; echo Filter-Id = b; echo '# bye'", `accept: Reply-Message = "rule", Session-Timeout = 60, Filter-Id = "b"`},
		{"prints octets", `printf '\000\377\n'`, `accept: Reply-Message = "rule", Session-Timeout = 60`},
		{"prints an unknown attribute", "echo No-Such = 1", `accept: Reply-Message = "rule", Session-Timeout = 60`},
		{"prints a value that is too long", "printf 'Filter-Id = '; head -c 300 /dev/zero | tr '\\0' x", `accept: Reply-Message = "rule", Session-Timeout = 60`},
		{"orders a program", "echo 'Exec-Program = /bin/true'", `accept: Reply-Message = "rule", Session-Timeout = 60`},
		{"garbage and no", "echo 'Reply-Message = a'; echo ???; exit 1", `reject program: Reply-Message = "Access denied"`},
		{"floods lines", "yes '' | head -3000", `accept: Reply-Message = "rule", Session-Timeout = 60`},
		{"floods", "yes Filter-Id = x", `reject program: Reply-Message = "Access denied"`},
		{"too much for a packet", "yes 'Filter-Id = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' | head -200", `reject too-long: Reply-Message = "Access denied"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.users = execWaits(`Reply-Message = "rule", Session-Timeout = 60`, wait(s.program("p", c.program)))
			if got := s.login("x"); got != c.want {
				t.Errorf("got  %s\nwant %s\n%s", got, c.want, s.said)
			}
		})
	}
}

// TestCannotBeRun: what is missing is a reject, as in the original, and said in the log.
func TestCannotBeRun(t *testing.T) {
	for command, says := range map[string]string{
		"/nonexistent/prog": "no such file", "/tmp": "not executable",
	} {
		s := newSite(t)
		s.users = execWaits(`Reply-Message = "first"`, wait(command))
		if got, want := s.login("x"), `reject program: Reply-Message = "Access denied"`; got != want || !strings.Contains(s.said.String(), says) {
			t.Errorf("%s: %s\n%s", command, got, s.said)
		}
	}
	s := newSite(t)
	s.settings.Trouble = fmt.Errorf("there is no user")
	s.users = execWaits(wait("/bin/true"))
	if got, want := s.login("x"), `reject program: Reply-Message = "Access denied"`; got != want || !strings.Contains(s.said.String(), "no user") {
		t.Errorf("without an account: %s\n%s", got, s.said)
	}
}

// TestPasswordFirst: a wrong password runs nothing.
func TestPasswordFirst(t *testing.T) {
	s := newSite(t)
	s.users = execWaits(wait(s.program("p", "echo ran > "+s.path("mark"))))
	if got, want := s.login("y"), `reject password: Reply-Message = "Access denied"`; got != want || s.file("mark") != "" {
		t.Errorf("%s, mark %q", got, s.file("mark"))
	}
}

// TestProgramsInOrder: until one fails.
func TestProgramsInOrder(t *testing.T) {
	s := newSite(t)
	p := s.program("p", "echo $1 >> "+s.path("mark")+"; echo Filter-Id = $1; exit $2")
	s.users = execWaits(wait(p+" a 0"), wait(p+" b 0"), wait(p+" c 1"), wait(p+" d 0"))
	if got, want := s.login("x"), `reject program: Reply-Message = "Access denied"`; got != want || s.file("mark") != "a\nb\nc\n" {
		t.Errorf("%s, mark %q", got, s.file("mark"))
	}
}

// TestNoInjection: whatever a packet holds is one word, and starts nothing.
func TestNoInjection(t *testing.T) {
	s := newSite(t)
	p := s.program("p", `printf '<%s>' "$@" > `+s.path("mark"))
	s.users = "DEFAULT Auth-Type = Accept\n\t" + wait(p+` %u '%u' "-x %C{User-Name}" %C{Filter-Id:-not there} %R{Session-Timeout}`) + ", Session-Timeout = 7\n"
	s.settings.Filters = map[string]FilterSettings{"f": {Command: "/bin/cat", Auth: FilterService{Input: "0 %u", Wait: true}}}
	g := s.generation()
	for _, name := range []string{"bob", `a b; touch x $(id) "q' \`, "%u%C{User-Password}", "-rf", "*", "a\nb"} {
		os.Remove(s.path("mark"))
		g.Settings.StrictNames = false
		a := attrs(t, g, "User-Password = geheim")
		a.Set(g.Dictionary.Known.UserName.AnyTag(), []byte(name))
		out := ask(t, s.offline(), g, Question{Attributes: a})
		want := "<" + name + "><" + name + "><-x " + name + "><not there><7>"
		if got := s.file("mark"); got != want || out.Kind != Accept {
			t.Errorf("%q: %v %q, want %q", name, out.Kind, got, want)
		}
	}
}

func TestFilters(t *testing.T) {
	const loop = `while read -r status rest; do echo "$status $rest"; done`
	for _, c := range []struct {
		name, program string
		service       FilterService
		want          string
	}{
		{"accepts", loop, FilterService{Input: "0 Filter-Id = %u", Wait: true}, `accept: Filter-Id = "bob"`},
		{"rejects", loop, FilterService{Input: `1 Reply-Message = "no %u"`, Wait: true}, `reject program: Reply-Message = "no bob"`},
		{"garbage", loop, FilterService{Input: "x", Wait: true}, `reject program: Reply-Message = "Access denied"`},
		{"garbage is forgiven", loop, FilterService{Input: "x", Wait: true, Forgive: true}, `accept:`},
		{"a no is not forgiven", loop, FilterService{Input: "1", Wait: true, Forgive: true}, `reject program: Reply-Message = "Access denied"`},
		{"ends", "exit 1", FilterService{Input: "0", Wait: true}, `reject program: Reply-Message = "Access denied"`},
		{"is not waited for", "sleep 60", FilterService{Input: "1"}, `accept:`},
		{"hangs", "sleep 60", FilterService{Input: "0", Wait: true}, `drop program-timeout:`},
		{"hangs and is forgiven", "sleep 60", FilterService{Input: "0", Wait: true, Forgive: true}, `accept:`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.settings.Timeout = 10 * time.Second
			if strings.HasPrefix(c.name, "hangs") {
				s.settings.Timeout = 100 * time.Millisecond
			}
			s.settings.Filters = map[string]FilterSettings{"f": {Command: s.program("p", c.program), ErrorLog: "none", Auth: c.service}}
			s.users = execWaits(wait("|f"))
			if got := strings.TrimSpace(s.login("x")); got != c.want {
				t.Errorf("got  %s\nwant %s\n%s", got, c.want, s.said)
			}
		})
	}
}

// TestLinesStayLines: a value of a packet does not become a line of its own.
func TestLinesStayLines(t *testing.T) {
	for text, want := range map[string]string{"a b": "a b", "a\tb": "a\tb", "a\n1 x": `a\0121 x`, "\x00\r\x7f": `\000\015\177`, "é\n": `é\012`} {
		if got := string(oneLine([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestProgramDeadline: a program without time to say yes or no is a drop: the NAS asks its next server.
func TestProgramDeadline(t *testing.T) {
	s := newSite(t)
	s.settings.Timeout = 100 * time.Millisecond
	s.users = execWaits(wait("/bin/sleep 60"))
	if got := s.login("x"); got != "drop program-timeout: " {
		t.Error(got)
	}
	s.settings.Timeout = time.Minute
	g := s.generation()
	g.Settings.AccessDeadline = 150 * time.Millisecond
	began := time.Now()
	out := login(t, g, "bob", "x") // the clock of tests: its deadline has passed long ago
	if out.Kind != Accept || !strings.Contains(out.Trace.String(), "would run /bin/sleep 60") {
		t.Errorf("dry: %s", out)
	}
	out = ask(t, s.offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")})
	if got := brief(out); got != "drop program-timeout: " || time.Since(began) > 5*time.Second {
		t.Errorf("%s after %v", got, time.Since(began))
	}
}

// TestProgramsAreShown: log, trace and notes tell what ran and how it ended, and no secret.
func TestProgramsAreShown(t *testing.T) {
	s := newSite(t)
	p := s.program("p", `echo "bad password $1 for $2" >&2; echo Reply-Message = no; exit 3`)
	s.users = execWaits(wait(p + " %C{User-Password} %u"))
	s.users = strings.Replace(s.users, `"x"`, `"geheim"`, 1)
	g := s.generation()
	out := ask(t, s.offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = geheim")})
	said := strings.Join(strings.Fields(s.said.String()+out.String()+fmt.Sprint(out.Notes)), " ")
	for _, want := range []string{"program " + p + ": exit 3", "bad password *** for bob", "program " + p + " %C{User-Password} %u: exit 3", "[{program " + p + " exit 3}]"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "geheim") {
		t.Errorf("a secret in\n%s", said)
	}
}

func TestProgramTrace(t *testing.T) {
	s := newSite(t)
	s.users = execWaits(wait(s.program("p", "echo 'Filter-Id = inside'")))
	g := s.generation()
	out := ask(t, s.offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")})
	if text := out.Trace.String(); !strings.Contains(text, "p: exit 0") || !strings.Contains(text, "the program changed reply\n                + Filter-Id = \"inside\"") {
		t.Error(text)
	}
}

// TestExplainRunsNothing: offline nothing is started, whatever it is.
func TestExplainRunsNothing(t *testing.T) {
	s := newSite(t)
	p := s.program("p", "echo ran >> "+s.path("mark"))
	s.settings.Filters = map[string]FilterSettings{"f": {Command: p, Auth: FilterService{Input: "%u", Wait: true}}}
	s.users = execWaits(wait(p+" w"), wait("|f"), "Exec-Program = \""+p+" e\"", "Auth-Failure-Trigger = \""+p+" t\"")
	s.policy = &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: putAcct(p + " a")}}
	g := s.generation()
	o := NewOffline(nil)
	for _, q := range []Question{
		{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")},
		{Attributes: attrs(t, g, "User-Name = bob", "User-Password = y")},
		{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "User-Name = bob", "Acct-Status-Type = Start")},
	} {
		out := ask(t, o, g, q)
		if !strings.Contains(out.Trace.String(), "would run "+p) || len(out.Notes) == 0 {
			t.Errorf("%s", out)
		}
	}
	out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")})
	for _, arg := range []string{" w", " e"} {
		if !strings.Contains(out.Trace.String(), "would run "+p+arg) {
			t.Errorf("no%s in\n%s", arg, out)
		}
	}
	if !strings.Contains(out.Trace.String(), "would run |f") || out.Kind != Accept {
		t.Errorf("%s", out)
	}
	if s.file("mark") != "" {
		t.Errorf("ran: %q", s.file("mark"))
	}
}

func TestAuthFailureTrigger(t *testing.T) {
	s := newSite(t)
	s.users = execWaits(`Auth-Failure-Trigger = "` + s.program("p", "echo failed $1 >> "+s.path("mark")) + ` %u"`)
	if got, want := s.login("bad"), `reject password: Reply-Message = "Access denied"`; got != want {
		t.Error(got)
	}
	s.await("mark", "failed bob\n")
	if got := s.login("x"); got != "accept: " || s.file("mark") != "failed bob\n" {
		t.Errorf("a right password: %s %q", got, s.file("mark"))
	}
}

func TestExecProgram(t *testing.T) {
	s := newSite(t)
	p := s.program("p", "echo $* >> "+s.path("mark"))
	s.settings.Filters = map[string]FilterSettings{"f": {Command: s.program("f", "while read a; do echo $a >> "+s.path("lines")+"; echo 0; done"), Auth: FilterService{Input: "%u", Wait: true}}}
	s.users = execWaits("Exec-Program = \""+p+" %u %R{Filter-Id}\"", "Exec-Program = \"|f\"", "Exec-Program = /nonexistent", wait(s.program("q", "echo Filter-Id = in")))
	if got := s.login("x"); got != `accept: Filter-Id = "in"` {
		t.Error(got)
	}
	s.await("mark", "bob in\n")
	s.await("lines", "bob\n")
	for range 1000 {
		if strings.Contains(s.said.String(), "/nonexistent, which nobody waits for") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !strings.Contains(s.said.String(), "no such file") {
		t.Error(s.said)
	}
	s.login("y")
	s.users = strings.Replace(s.users, "echo Filter-Id = in", "exit 1", 1)
	s.program("q", "exit 1")
	s.login("x")
	if got := s.file("mark"); got != "bob in\n" {
		t.Errorf("ran after a reject: %q", got)
	}
}

// TestComputedCommand: a command that a script makes up is judged when it is run.
func TestComputedCommand(t *testing.T) {
	for command, want := range map[string]string{
		"/bin/true %u": "accept: ", "bin/true": `reject program: Reply-Message = "Access denied"`,
		"/bin/true %C{No-Such}": `reject program: Reply-Message = "Access denied"`, "": "accept: ",
	} {
		s := newSite(t)
		s.users = execWaits(`Exec-Program-Wait = "=command"`)
		s.policy = &scripted{values: map[string]func(*Request) (string, *Verdict){"command": func(*Request) (string, *Verdict) { return command, nil }}}
		s.policy.names = []string{"command"}
		g := s.generation()
		g.Programs.wanted.Store(false)
		out := ask(t, s.offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")})
		if got := brief(out); got != want {
			t.Errorf("%q: %s\n%s", command, got, s.said)
		}
	}
}

func TestCheckCommands(t *testing.T) {
	s := newSite(t)
	s.settings.Filters = map[string]FilterSettings{
		"check": {Command: "/bin/cat", Auth: FilterService{Input: "%u", Wait: true}}, "count": {Command: "/bin/cat", Acct: FilterService{Input: "%u", Wait: true}},
	}
	g := s.generation()
	for command, want := range map[string]string{
		"/bin/true": "", "|check": "", " | check ": "", "/p '%u' %C{NAS-Port:-0}": "",
		"bin/true":              "the program is not named by its absolute path, which begins with /",
		"":                      "no program is named",
		"|chekc":                `there is no filter "chekc"; did you mean "check"?; expected one of config.toml, [filters.NAME]`,
		"|count":                `the filter "count" has no auth-input, so that it has no part in authentication`,
		"(lambda ())":           "found Scheme code; expected a program, /path arguments, or a hook in a script",
		"/p 'a":                 "a quote is not closed",
		"/p %C{User-Nmae}":      `unknown attribute "User-Nmae"; did you mean "User-Name"?`,
		"/usr/bin/%u":           "/usr/bin/%u: macros do not choose the program",
		"/p %R{Session-Timeout": `"%R{" has no "}"; it is taken as it stands`,
	} {
		got := ""
		if err := g.Programs.Check(nil, []byte(command)); err != nil {
			got = err.Error()
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got)\n%s", command, d)
		}
	}
	_, problems := NewPrograms(g.Dictionary, ProgramSettings{Filters: map[string]FilterSettings{
		"bad": {Command: "cat 'x", Auth: FilterService{Input: "%C{Usr-Name}"}},
	}})
	if len(problems) != 2 || problems[0].Key != "command" || problems[1].Key != "auth-input" {
		t.Errorf("%v", problems)
	}
}

// TestSlowProgramDelaysNobody: with a whole server, while one login waits for its program others are answered; a
// retransmission meanwhile is discarded, and one afterwards gets the same answer without another run.
func TestSlowProgramDelaysNobody(t *testing.T) {
	s := newSite(t)
	s.users = "quick Cleartext-Password = \"x\"\n\tReply-Message = \"hi\"\n" +
		strings.Replace(execWaits(wait(s.program("p", "echo x >> "+s.path("mark")+"; while [ ! -e "+s.path("go")+" ]; do sleep 0.01; done")), "Exec-Program = \""+s.program("q", "echo after >> "+s.path("after"))+"\""), "bob", "slow", 1)
	g := s.generation()
	g.Settings.AccessDeadline = 20 * time.Second
	c := core(t, CoreOptions{Log: slog.New(s.said), Now: time.Now})
	authAt, _ := serve(t, g, c)
	slow := onWire(1, homeSecret, "first", attribute(1, "slow"), hidden(homeSecret, "x"))
	var all sync.WaitGroup
	all.Go(func() {
		if reply := exchange(t, authAt, slow, 20*time.Second); reply == nil || radius.Code(reply[0]) != radius.CodeAccessAccept {
			t.Errorf("slow: %v", reply)
		}
	})
	s.await("mark", "x\n")
	for range 20 {
		reply := exchange(t, authAt, onWire(1, homeSecret, "first", attribute(1, "quick"), hidden(homeSecret, "x")), 5*time.Second)
		if reply == nil || radius.Code(reply[0]) != radius.CodeAccessAccept {
			t.Fatalf("quick: %v", reply)
		}
	}
	os.WriteFile(s.path("go"), nil, 0o600)
	all.Wait()
	s.await("after", "after\n")
	if s.file("mark") != "x\n" {
		t.Errorf("mark %q", s.file("mark"))
	}
}

func FuzzProgramOutput(f *testing.F) {
	for _, text := range []string{"Filter-Id = a, Port-Limit = 2", `Reply-Message = "a, \"b\""`, "Filter-Id = 'x", "a,,b", ",", "Tunnel-Password:1 = x", "User-Name = \"\\000\""} {
		f.Add(text)
	}
	g := load(f, "", nil)
	c := core(f, CoreOptions{})
	f.Fuzz(func(t *testing.T, text string) {
		r := incoming(g, "auth")
		r.Client = home(g)
		r.Session.Use(r.Client.Secret)
		var said dictionary.List
		c.readOutput(r, &command{name: "p"}, []byte(text), &said)
		for _, p := range said.Pairs {
			if g.prepare().orders.orders(p.Attr) {
				t.Errorf("%q orders %s", text, p.Attr.Name)
			}
		}
	})
}

// TestFiltersOutliveGenerations: a reload that leaves a filter as it was leaves its process, too; one that changes
// it starts another.
func TestFiltersOutliveGenerations(t *testing.T) {
	s := newSite(t)
	s.settings.Filters = map[string]FilterSettings{"f": {Command: s.program("p", "while read a; do echo 0 Filter-Id = $$; done"), Auth: FilterService{Input: "%u", Wait: true}}}
	s.users = execWaits(wait("|f"))
	o := s.offline()
	ask := func(g *Generation) string {
		return brief(ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")}))
	}
	before := s.generation()
	first := ask(before)
	before.Programs.Close()
	after := s.generation()
	defer after.Programs.Close()
	if second := ask(after); second != first || !strings.HasPrefix(first, "accept: Filter-Id") {
		t.Errorf("%s, then %s", first, second)
	}
	f := s.settings.Filters["f"]
	f.Command += " changed"
	s.settings.Filters = map[string]FilterSettings{"f": f}
	changed := s.generation()
	defer changed.Programs.Close()
	if third := ask(changed); third == first || !strings.HasPrefix(third, "accept: Filter-Id") {
		t.Errorf("%s, then %s", first, third)
	}
	(*Programs)(nil).Close()
}
