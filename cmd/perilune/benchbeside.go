package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"perilune/engine/client"
	"perilune/engine/radius"
)

// beside is a second server that the first one is compared with: both are asked the same, in turns, so that what
// the machine does meanwhile hits both.
type beside struct {
	address    string
	secretText string
	secret     radius.Secret
	pids       processes
	rounds     int
}

func (b *beside) flags(f *flags) {
	f.StringVar(&b.address, "beside", "", "`HOST:PORT` of a second server, to be measured in turns with the first; ratios are second to first")
	f.StringVar(&b.secretText, "beside-secret", "", "shared `SECRET` of the second server, if it is another one")
	f.Var(&b.pids, "beside-pid", "process `ID` of the second server, or several")
	f.IntVar(&b.rounds, "rounds", 5, "how often both are measured, for -duration each")
}

func (b *beside) check() error {
	switch {
	case b.rounds < 1 || b.rounds > 1000:
		return errors.New("-rounds must be 1 to 1000")
	case b.address == "" && (len(b.pids) > 0 || b.secretText != ""):
		return errors.New("-beside-pid and -beside-secret need -beside")
	}
	return nil
}

// pairJSON is a comparison as -json prints it. Ratio is the second server's figure over the first's in each round.
type pairJSON struct {
	Rounds int        `json:"rounds"`
	Server sideJSON   `json:"server"`
	Beside sideJSON   `json:"beside"`
	Ratio  figureJSON `json:"ratio"`
}

// sideJSON is one server: figures over the rounds, and each round.
type sideJSON struct {
	figureJSON
	Runs []benchJSON `json:"runs"`
}

type figureJSON struct {
	CPU       spread `json:"cpu_us"`
	PerSecond spread `json:"per_second"`
	P99       spread `json:"p99_us"`
}

// spread is what a figure was over the rounds.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(all []float64) spread {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// spreadsOf sums runs up by what take makes of each of them.
func spreadsOf(n int, take func(i int) (cpu, perSecond, p99 float64)) figureJSON {
	cpu, perSecond, p99 := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		cpu[i], perSecond[i], p99[i] = take(i)
	}
	return figureJSON{spreadOf(cpu), spreadOf(perSecond), spreadOf(p99)}
}

func (s *sideJSON) sum() {
	s.figureJSON = spreadsOf(len(s.Runs), func(i int) (_, _, _ float64) {
		r := &s.Runs[i]
		return r.CPU, r.PerSecond, float64(r.P99)
	})
}

// ratios compares round by round; what was not measured has the ratio 0.
func ratios(first, second []benchJSON) figureJSON {
	over := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	return spreadsOf(len(first), func(i int) (_, _, _ float64) {
		a, b := &second[i], &first[i]
		return over(a.CPU, b.CPU), over(a.PerSecond, b.PerSecond), over(float64(a.P99), float64(b.P99))
	})
}

// pair measures both servers in turns. Which one is first changes from round to round.
func (o *benchOptions) pair(ctx context.Context, s streams) int {
	other := o.load
	other.Address, other.Secret = o.beside.address, o.beside.secret
	sides := [2]struct {
		load client.Load
		pids processes
		out  sideJSON
	}{{load: o.load, pids: o.pids}, {load: other, pids: o.beside.pids}}
	code := exitOK
	for round := 0; round < o.beside.rounds && ctx.Err() == nil; round++ {
		for turn := range sides {
			side := &sides[(round+turn)%2]
			m, err := measure(ctx, side.load, side.pids)
			if err != nil {
				return s.fail("bench", fmt.Errorf("%s: %w", side.load.Address, err))
			}
			code = max(code, m.complain(s, o.load.Rate))
			side.out.Runs = append(side.out.Runs, m.json())
		}
	}
	if len(sides[0].out.Runs) == 0 {
		return exitFailed
	}
	p := pairJSON{Rounds: len(sides[0].out.Runs), Server: sides[0].out, Beside: sides[1].out}
	p.Server.sum()
	p.Beside.sum()
	p.Ratio = ratios(p.Server.Runs, p.Beside.Runs)
	if o.json {
		json.NewEncoder(s.out).Encode(p)
		return code
	}
	p.show(s)
	return code
}

// show prints medians, with the lowest and the highest round in brackets.
func (p *pairJSON) show(s streams) {
	fmt.Fprintf(s.out, "%-8s %-24s %-29s %s\n", "", "processor µs a request", "answered a second", "p99 µs")
	for _, row := range []struct {
		name      string
		f         *figureJSON
		two, none string
	}{{"server", &p.Server.figureJSON, "%.2f", "%.0f"}, {"beside", &p.Beside.figureJSON, "%.2f", "%.0f"}, {"ratio", &p.Ratio, "%.2f", "%.2f"}} {
		fmt.Fprintf(s.out, "%-8s %-24s %-29s %s\n", row.name, row.f.CPU.text(row.two), row.f.PerSecond.text(row.none), row.f.P99.text(row.none))
	}
	fmt.Fprintf(s.out, "medians of %d rounds (lowest to highest); ratio: beside over server\n", p.Rounds)
}

func (r spread) text(format string) string {
	return fmt.Sprintf(format+" ("+format+"-"+format+")", r.Median, r.Min, r.Max)
}
