package server

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/program"
	"perilune/engine/raddb"
	"perilune/engine/users"
)

// ProgramSettings say how external programs are run.
type ProgramSettings struct {
	Account program.Account
	Trouble error         // why there is no account; nothing can be run then
	Timeout time.Duration // of one program; 0: 4 s
	Output  int           // octets that one may print, or a filter in one answer; 0: 64 KiB
	Filters map[string]FilterSettings
}

// FilterSettings say what a filter is.
type FilterSettings struct {
	Command    string // its words, as a shell would read them
	ErrorLog   string // absolute path of a file, "" for the server's log, "none"
	Processes  int    // of each service, at most; 0: 1
	Auth, Acct FilterService
}

// FilterService is what a filter does for Access- or for Accounting-Requests.
type FilterService struct {
	Input   string // the line that it is asked, with macros; "": it is not asked
	Wait    bool   // it answers
	Forgive bool   // not to have an answer counts as a success
}

// Programs are what a generation knows of external programs: settings, filters, and the commands met so far.
type Programs struct {
	settings   ProgramSettings
	dictionary *dictionary.Dictionary
	filters    map[string]*filter
	commands   byText[command]
	wanted     atomic.Bool // some entry of the users file runs a program

	mu   sync.Mutex // protects held
	held map[program.FilterSpec]*program.Filter
}

// A filter is one of [filters.NAME], compiled for a dictionary.
type filter struct {
	auth, acct *filterService // nil: has no part in it
}

type filterService struct {
	spec    program.FilterSpec
	line    *users.Macro
	forgive bool
}

// A ProgramProblem is what is wrong with the settings of a filter.
type ProgramProblem struct {
	Filter string
	Key    string // of config.toml: command, auth-input, acct-input
	Err    error
}

const defaultProgramTime = 4 * time.Second

// NewPrograms compiles settings for a dictionary. With problems the result can still be used for further checks.
func NewPrograms(d *dictionary.Dictionary, s ProgramSettings) (*Programs, []ProgramProblem) {
	if s.Timeout <= 0 {
		s.Timeout = defaultProgramTime
	}
	p := &Programs{settings: s, dictionary: d, filters: map[string]*filter{}, held: map[program.FilterSpec]*program.Filter{}}
	var problems []ProgramProblem
	for name, f := range s.Filters {
		tell := func(key string, err error) { problems = append(problems, ProgramProblem{name, key, err}) }
		p.filters[name] = p.newFilter(name, &f, tell)
	}
	return p, problems
}

func (p *Programs) newFilter(name string, s *FilterSettings, tell func(key string, err error)) *filter {
	words, err := program.Split(s.Command)
	if err != nil {
		tell("command", err)
	}
	spec := program.FilterSpec{
		Name: name, Command: strings.Join(words, "\x00"), Account: p.settings.Account, ErrorLog: s.ErrorLog, Output: p.settings.Output, Workers: s.Processes,
	}
	service := func(key string, s FilterService) *filterService {
		if s.Input == "" {
			return nil
		}
		line, problems := users.ParseMacro(s.Input, p.dictionary)
		for _, problem := range problems {
			tell(key+"-input", problem.Err)
		}
		spec.Service, spec.Silent = key, !s.Wait
		return &filterService{spec, line, s.Forgive}
	}
	return &filter{auth: service("auth", s.Auth), acct: service("acct", s.Acct)}
}

// Check gives a check for users.Options.Program: what it finds wrong would make each login of the entry fail.
func (p *Programs) Check(a *dictionary.Attribute, text []byte) error {
	p.wanted.Store(true)
	cmd := p.command(text)
	switch {
	case cmd.err != nil:
		return cmd.err
	case cmd.filter != nil && cmd.filter.auth == nil:
		return fmt.Errorf("the filter %q has no auth-input, so that it has no part in authentication", cmd.name)
	case p.settings.Trouble != nil:
		return fmt.Errorf("no program can be run: %w", p.settings.Trouble)
	}
	return nil
}

// Close gives the filters back. No request may be on the generation any more.
func (p *Programs) Close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.held {
		f.Release()
	}
	clear(p.held)
}

// filter gives the running filter of a spec, which the generation keeps until Close.
func (p *Programs) filter(r *program.Runner, spec program.FilterSpec) *program.Filter {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.held[spec]
	if f == nil {
		f = r.Filter(spec)
		p.held[spec] = f
	}
	return f
}

// programs gives what the generation knows of programs; without settings there are no filters, and no account for
// a server that is root.
func (g *Generation) programs() *Programs {
	if g.Programs != nil {
		return g.Programs
	}
	return g.prepare().programs
}

// A command is the compiled value of Exec-Program-Wait and its like.
type command struct {
	text   string // as written: it is shown, since it holds no value of a request
	name   string // of the program or the filter
	words  []*users.Macro
	filter *filter
	err    error
}

// command gives the compiled command of a text.
func (p *Programs) command(text []byte) *command { return p.commands.get(text, p.compile) }

// compile reads a command: "/path arguments" or "|filter". The words are parted first and expanded for each
// request, so that no value of a packet becomes a second word.
func (p *Programs) compile(text string) *command {
	cmd := &command{text: text, name: text}
	line := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(line, "|"):
		cmd.name = strings.TrimSpace(line[1:])
		if cmd.filter = p.filters[cmd.name]; cmd.filter == nil {
			cmd.err = fmt.Errorf("there is no filter %q%s; expected one of config.toml, [filters.NAME]", cmd.name, raddb.DidYouMean(cmd.name, maps.Keys(p.filters)))
		}
	case strings.HasPrefix(line, "("):
		cmd.err = errors.New("found Scheme code; expected a program, /path arguments, or a hook in a script")
	default:
		cmd.err = cmd.split(line, p.dictionary)
	}
	return cmd
}

func (cmd *command) split(line string, d *dictionary.Dictionary) error {
	words, err := program.Split(line)
	if err != nil {
		return err
	}
	cmd.name = words[0]
	for i, word := range words {
		m, problems := users.ParseMacro(word, d)
		if len(problems) > 0 {
			return problems[0].Err
		}
		if _, constant := m.Constant(); i == 0 && !constant {
			return fmt.Errorf("%s: macros do not choose the program", word)
		}
		cmd.words = append(cmd.words, m)
	}
	return nil
}
