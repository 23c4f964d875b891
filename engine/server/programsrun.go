package server

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/program"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// programAttributes order programs; nil where the dictionary lacks one.
type programAttributes struct {
	wait    *dictionary.Attribute // Exec-Program-Wait
	after   *dictionary.Attribute // Exec-Program
	trigger *dictionary.Attribute // Auth-Failure-Trigger
	acct    *dictionary.Attribute // Acct-Ext-Program
}

func newProgramAttributes(d *dictionary.Dictionary) programAttributes {
	return programAttributes{
		wait: d.Attribute("Exec-Program-Wait"), after: d.Attribute("Exec-Program"),
		trigger: d.Attribute("Auth-Failure-Trigger"), acct: d.Attribute("Acct-Ext-Program"),
	}
}

// orders reports whether an attribute orders a program.
func (a *programAttributes) orders(attr *dictionary.Attribute) bool {
	return attr == a.wait || attr == a.after || attr == a.trigger || attr == a.acct
}

// mayRun reports whether a program can be in the request's lists at all: some entry has one, or a script ran.
func (r *Request) mayRun() bool {
	return r.way.asked || r.Generation.Programs != nil && r.Generation.Programs.wanted.Load()
}

// commands gives the commands that a list orders under an attribute.
func (r *Request) commands(l *dictionary.List, a *dictionary.Attribute) (found []*command) {
	if a == nil {
		return nil
	}
	for i := range l.Pairs {
		if p := &l.Pairs[i]; p.Attr == a && p.Tag != users.Deferred {
			found = append(found, r.Generation.programs().command(p.Value))
		}
	}
	return found
}

// An ending is how a program or a filter has ended.
type ending struct {
	status int
	output []byte
	says   []byte // the beginning of standard error
	took   time.Duration
	err    error // why there is no status
}

// drops gives the reason to give no answer: the program may have said yes, had there been time and room.
func (e *ending) drops() Reason {
	switch {
	case errors.Is(e.err, ErrBusy):
		return ReasonBusy
	case errors.Is(e.err, program.ErrBusy), errors.Is(e.err, program.ErrClosed):
		return ReasonProgramBusy
	case errors.Is(e.err, program.ErrDeadline):
		return ReasonProgramTime
	}
	return ReasonNone
}

// cannotRun is the status by which a program says so itself.
const cannotRun = 2

// String tells the ending in few words.
func (e *ending) String() string {
	var start *program.StartError
	switch {
	case errors.As(e.err, &start):
		return "cannot be run: " + start.Reason()
	case e.err != nil:
		return e.err.Error()
	case e.status == cannotRun:
		return "exit 2, cannot run"
	}
	return fmt.Sprintf("exit %d", e.status)
}

// execute runs a command for the request and waits for its end. The request is detached: nobody else waits.
func (c *Core) execute(r *Request, cmd *command) (e ending) {
	set, service := r.Generation.programs(), cmd.serviceOf(r.Packet.Code)
	switch {
	case cmd.err != nil:
		return ending{err: cmd.err}
	case cmd.filter != nil && service == nil:
		return ending{err: fmt.Errorf("the filter %q has no part in this", cmd.name)}
	case set.settings.Trouble != nil:
		return ending{err: set.settings.Trouble}
	}
	if err := r.Detach(); err != nil {
		return ending{err: err}
	}
	began := time.Now()
	if cmd.filter != nil {
		f := set.filter(c.programs, service.spec)
		e.status, e.output, e.err = f.Ask(r.filterLine(service), r.programDeadline(set))
		if e.err != nil && service.forgive {
			r.Trace.Step("filter " + cmd.name + ": " + e.err.Error() + "; counts as a success")
			e.err = nil
		}
	} else {
		res, err := c.programs.Run(r.job(cmd, set))
		e.status, e.output, e.says, e.err = res.Exit, res.Output, res.Errors, err
	}
	e.took = time.Since(began)
	return e
}

// serviceOf gives the part of the command's filter for a kind of request; nil if there is none.
func (cmd *command) serviceOf(code radius.Code) *filterService {
	switch {
	case cmd.filter == nil:
		return nil
	case code == radius.CodeAccountingRequest:
		return cmd.filter.acct
	}
	return cmd.filter.auth
}

// programDeadline gives until when a program of the request may take.
func (r *Request) programDeadline(set *Programs) time.Time {
	until := time.Now().Add(set.settings.Timeout)
	if !r.Deadline.IsZero() && r.Deadline.Before(until) {
		return r.Deadline
	}
	return until
}

// job gives the program with its words expanded.
func (r *Request) job(cmd *command, set *Programs) program.Job {
	in := r.macroInput()
	args := make([]string, len(cmd.words))
	for i, word := range cmd.words {
		args[i] = string(word.Append(nil, &in))
	}
	return program.Job{Args: args, Account: set.settings.Account, Output: set.settings.Output, Deadline: r.programDeadline(set)}
}

// macroInput is what macros of the request's programs read.
func (r *Request) macroInput() users.MacroInput {
	in := users.MacroInput{Request: &r.Attributes, Reply: &r.Reply, Control: &r.Control, Now: r.Arrival}
	if zone := r.Generation.Settings.Location; zone != nil {
		in.Now = in.Now.In(zone)
	}
	if r.Trace != nil {
		in.Missing = r.Trace
	}
	return in
}

func (r *Request) filterLine(s *filterService) []byte {
	in := r.macroInput()
	return oneLine(s.line.Append(nil, &in))
}

// oneLine writes what would end a line, or upset who reads it, as \ooo: a value of a packet must not become a
// line of its own.
func oneLine(text []byte) []byte {
	if bytes.IndexFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) < 0 {
		return text
	}
	line := make([]byte, 0, len(text)+8)
	for _, c := range text {
		if c < ' ' && c != '\t' || c == 0x7f {
			line = append(line, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		} else {
			line = append(line, c)
		}
	}
	return line
}

// tell logs and traces how a command has ended. What it said itself is shown without the request's secrets.
func (c *Core) tell(r *Request, cmd *command, e *ending) {
	if r.Trace != nil {
		r.Trace.Step("program " + cmd.text + ": " + e.String() + ", " + e.took.Round(time.Millisecond).String())
	}
	if e.err == nil && e.status == 0 {
		return
	}
	var attrs []slog.Attr
	if says := r.withoutSecrets(firstLine(e.says)); len(says) > 0 {
		attrs = append(attrs, slog.String("says", string(says)))
	}
	c.warn(r, "program "+cmd.name+": "+e.String(), attrs...)
	r.Notes = append(r.Notes, Note{"program", cmd.name + " " + e.String()})
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return bytes.ToValidUTF8(line[:min(len(line), traceWidth)], []byte("?"))
}

// withoutSecrets blanks the values of the request's secret attributes in a text.
func (r *Request) withoutSecrets(text []byte) []byte {
	for _, l := range [...]*dictionary.List{&r.Attributes, &r.Control, &r.Reply} {
		for i := range l.Pairs {
			if p := &l.Pairs[i]; p.Attr.Secret && len(p.Value) > 0 {
				text = bytes.ReplaceAll(text, p.Value, []byte("***"))
			}
		}
	}
	return text
}

// wouldRun traces a command instead of running it: explain and the tests of a policy start nothing.
func (r *Request) wouldRun(cmd *command) {
	r.Notes = append(r.Notes, Note{"program", "would run " + cmd.name})
	r.Trace.Step("would run " + cmd.text + " (taken for a success without output)")
}

// execWait runs the Exec-Program-Wait of an accept in their order until one fails.
func (c *Core) execWait(r *Request) {
	if !r.mayRun() {
		return
	}
	for _, cmd := range r.commands(&r.Reply, r.Generation.prepare().orders.wait) {
		if c.dry && cmd.err == nil {
			r.wouldRun(cmd)
		} else if c.consult(r, cmd); r.Verdict != Accept {
			return
		}
	}
}

// consult runs one program and does what it says.
func (c *Core) consult(r *Request, cmd *command) {
	e := c.execute(r, cmd)
	c.tell(r, cmd, &e)
	if why := e.drops(); why != ReasonNone {
		r.refuse(Drop, why)
		return
	}
	said := &r.way.scratch
	said.Reset()
	if e.err == nil {
		c.readOutput(r, cmd, e.output, said)
	}
	if e.err != nil || e.status != 0 {
		c.rejectByProgram(r, said)
		return
	}
	r.mergeOutput(said, &r.Reply, "reply")
}

// mergeOutput adds what a program printed to a list of the request, which the trace calls name.
func (r *Request) mergeOutput(said, l *dictionary.List, name string) {
	var before dictionary.List
	if r.Trace != nil {
		l.CopyTo(&before)
	}
	for i := range said.Pairs {
		l.Merge(said.Pairs[i])
	}
	if changes := difference(redactedTexts(&before), redactedTexts(l)); r.Trace != nil && len(changes) > 0 {
		r.Trace.add(TraceStep{Text: "the program changed " + name, Changes: changes, ours: true})
	}
}

// rejectByProgram rejects with the Reply-Messages of the program; if there are none, with the text for a denial.
// Those of the rule do not stay.
func (c *Core) rejectByProgram(r *Request, said *dictionary.List) {
	message := r.Generation.Dictionary.Known.ReplyMessage
	said.Pairs = keepOnly(said.Pairs, message)
	r.way.messages.Reset()
	c.reject(r, ReasonProgram)
	if len(said.Pairs) > 0 {
		r.Reply.Reset()
		for _, p := range said.Pairs {
			r.Reply.Add(message.AnyTag(), p.Value)
		}
	}
}

func keepOnly(pairs []Pair, a *dictionary.Attribute) []Pair {
	kept := pairs[:0]
	for _, p := range pairs {
		if p.Attr == a {
			kept = append(kept, p)
		}
	}
	return kept
}
