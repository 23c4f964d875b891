package reload

import (
	"cmp"
	"slices"

	"perilune/engine/config"
	"perilune/engine/program"
	"perilune/engine/raddb"
	"perilune/engine/server"
)

// programs makes what the generation knows of external programs. Commands of the users file are judged by it.
func (b *builder) programs(c *Candidate, errs *raddb.List) {
	o := c.Config.Programs
	s := server.ProgramSettings{Timeout: o.Timeout, Output: int(o.Output), Filters: map[string]server.FilterSettings{}}
	s.Account, s.Trouble = b.account(c, o, errs)
	for name, f := range c.Config.Filters {
		s.Filters[name] = c.filter(f)
	}
	set, problems := server.NewPrograms(c.Dictionary, s)
	slices.SortFunc(problems, func(a, b server.ProgramProblem) int {
		return cmp.Or(cmp.Compare(a.Filter, b.Filter), cmp.Compare(a.Key, b.Key))
	})
	for _, p := range problems {
		key := "filters." + p.Filter + "." + p.Key
		errs.Errorf(c.Config.Place(key), "%s: %v", key, p.Err)
	}
	c.Programs = set
}

// account finds whom programs run as. A name that cannot be had is an error; that the machine has no account of the
// default name hurts only who runs programs. Commands beside the server may be given by somebody else than the
// server's user, so they only warn.
func (b *builder) account(c *Candidate, o config.Programs, errs *raddb.List) (program.Account, error) {
	a, err := program.Lookup(o.User)
	c.Tree.Remember("account "+cmp.Or(o.User, program.DefaultUser), []byte(a.String()))
	at := c.Config.Place("programs.user")
	switch {
	case err != nil && o.User == "":
	case err != nil && b.beside:
		errs.Warnf(at, "programs.user: %v", err)
		return a, nil
	case err != nil:
		errs.Errorf(at, "programs.user: %v", err)
		return a, nil
	case a.Switch && a.UID == 0:
		errs.Warnf(at, "programs.user is %s: programs that see what users type run with all rights of the machine; an account of their own is safer", o.User)
	}
	return a, err
}

// filter maps one [filters.NAME].
func (c *Candidate) filter(f *config.Filter) server.FilterSettings {
	log := f.ErrorLog
	if log != "" && log != "none" {
		log = c.Path(log)
	}
	return server.FilterSettings{
		Command: f.Command, ErrorLog: log, Processes: f.Processes,
		Auth: server.FilterService{Input: f.AuthInput, Wait: f.AuthWait, Forgive: f.AuthForgive},
		Acct: server.FilterService{Input: f.AcctInput, Wait: f.AcctWait, Forgive: f.AcctForgive},
	}
}
