package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"
)

// kickOptions are the command line of kick.
type kickOptions struct {
	user, session, mac, nas string
	all                     bool
	coa                     list
}

// A kicked is one session, with the names that who gives it, and what its NAS has answered; without Result nothing was
// asked yet.
type kicked struct {
	shownSession
	Result      string        `json:"result,omitempty"` // ack, nak, timeout, unreachable
	Code        string        `json:"code,omitempty"`
	Cause       string        `json:"error_cause,omitempty"`
	CauseNumber uint32        `json:"error_cause_number,omitempty"`
	Attempts    int           `json:"attempts,omitempty"`
	Took        time.Duration `json:"took,omitempty"`
	Error       string        `json:"error,omitempty"`
}

func runKick(args []string, s streams) int {
	var o kickOptions
	r := newRemote(s, "kick [USER]", "Puts a user or device off now: its NAS is told to disconnect the session (RFC 5176), or with -coa to change it.\n"+
		"Exit code 0: every NAS has done it; 1: one has not, or there is no such session; 2: wrong usage.", "perilune kick bob")
	r.StringVar(&o.session, "session", "", "the session with this Acct-Session-Id, or unique id `ID`")
	r.StringVar(&o.mac, "mac", "", "sessions of the device with this `MAC` address, or other Calling-Station-Id")
	r.StringVar(&o.nas, "nas", "", "sessions at this `NAS`: its address, NAS-Identifier, or name in the clients file")
	r.BoolVar(&o.all, "all", false, "if several sessions match: all of them, without a question")
	r.Var(&o.coa, "coa", "change the session by `NAME=VALUE` instead of ending it; repeat for more")
	rest, code, ok := r.parse(args)
	if !ok {
		return code
	}
	if err := o.take(rest); err != nil {
		return r.wrong("%v", err)
	}
	failed, err := r.kick(&o)
	if err != nil {
		return s.fail("kick", err)
	}
	if failed {
		return exitFailed
	}
	return exitOK
}

// take reads the arguments that are no options.
func (o *kickOptions) take(rest []string) error {
	if len(rest) > 1 {
		return fmt.Errorf("unexpected argument %q", rest[1])
	}
	if len(rest) == 1 {
		if o.user = rest[0]; o.user == "" {
			return errors.New("the user's name is empty")
		}
	}
	if o.user == "" && o.session == "" && o.mac == "" && o.nas == "" {
		return errors.New("expected USER, -session ID, -mac MAC or -nas NAS")
	}
	for _, pair := range o.coa {
		if name, _, ok := strings.Cut(pair, "="); !ok || strings.TrimSpace(name) == "" {
			return fmt.Errorf("-coa %q; expected NAME=VALUE", pair)
		}
	}
	return nil
}

func (o *kickOptions) params() map[string]string {
	return map[string]string{"user": o.user, "session": o.session, "mac": o.mac, "nas": o.nas}
}

// kick finds the sessions, asks if there are several, and has their NASes told.
func (r *remote) kick(o *kickOptions) (failed bool, err error) {
	var found []kicked
	params := o.params()
	params["list"] = "true"
	if err := r.do("kick", params, &found); err != nil {
		return false, err
	}
	switch {
	case len(found) == 0:
		return false, errors.New("no open session matches")
	case len(found) > 1 && !o.all:
		if err := r.sure(found, o); err != nil {
			return false, err
		}
	}
	return r.tellAll(o, found)
}

// sure asks whether all of several sessions are meant.
func (r *remote) sure(found []kicked, o *kickOptions) error {
	in, ok := r.s.in.(*os.File)
	if r.asJSON || !ok || !term.IsTerminal(int(in.Fd())) {
		writeKicked(r.s.err, found)
		return fmt.Errorf("%d sessions match; name one by -session, or take them all by -all", len(found))
	}
	writeKicked(r.s.out, found)
	verb := "Disconnect"
	if len(o.coa) > 0 {
		verb = "Change"
	}
	fmt.Fprintf(r.s.out, "%s all %d sessions? [y/N] ", verb, len(found))
	answer, _ := bufio.NewReader(r.s.in).ReadString('\n')
	if word := strings.ToLower(strings.TrimSpace(answer)); word != "y" && word != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

// tellAll has the NASes of the sessions told, and shows their answers.
func (r *remote) tellAll(o *kickOptions, found []kicked) (failed bool, err error) {
	params := o.params()
	names := make([]string, len(found))
	for i := range found {
		names[i] = found[i].Unique
	}
	params["unique"] = strings.Join(names, ",")
	if len(o.coa) > 0 {
		attributes, err := json.Marshal(o.coa)
		if err != nil {
			return false, err
		}
		params["coa"] = string(attributes)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	answers := []kicked{}
	err = r.client().Stream(ctx, "kick", params, func(line json.RawMessage) error {
		var k kicked
		if err := json.Unmarshal(line, &k); err != nil {
			return err
		}
		failed = failed || k.Result != "ack"
		answers = append(answers, k)
		return nil
	})
	if r.asJSON {
		json.NewEncoder(r.s.out).Encode(answers)
	} else if len(answers) > 0 {
		writeKicked(r.s.out, answers)
	}
	if err == nil && len(answers) < len(found) {
		fmt.Fprintf(r.s.err, "%d sessions have ended meanwhile\n", len(found)-len(answers))
	}
	return failed, err
}

// writeKicked prints sessions and, if there are some, answers as a table.
func writeKicked(w io.Writer, rows []kicked) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	answered := rows[0].Result != ""
	fmt.Fprint(t, "USER\tNAS\tPORT\tSESSION\tSTATION\tADDRESS")
	if answered {
		fmt.Fprint(t, "\tANSWER")
	}
	fmt.Fprintln(t)
	for i := range rows {
		k := &rows[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s", plainOr(k.User), plainOr(k.Client), plainOr(k.NASPort), plainOr(k.ID), plainOr(k.Calling), plainOr(k.FramedAddress))
		if answered {
			fmt.Fprintf(t, "\t%s", k.answer())
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

// answer gives the answer for people.
func (k *kicked) answer() string {
	switch {
	case k.Code == "":
		return k.Error
	case k.Cause != "":
		return fmt.Sprintf("%s, %s (%d)", k.Code, k.Cause, k.CauseNumber)
	}
	return k.Code
}

// plainOr gives a text of a packet without what a terminal would obey, and - for none.
func plainOr(text string) string {
	if text == "" {
		return "-"
	}
	return printable(text)
}
