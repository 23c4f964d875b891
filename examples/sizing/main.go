// Command sizing says how many nodes a number of subscribers needs, from what one request was measured to cost and from a
// workload: how often people log in, how many are on, what happens when all come back at once, and when a node dies at the
// busiest hour. docs/scale.md explains it and shows its table.
//
//	go run ./examples/sizing -subscribers 10000000
//
// The same flags and the same seed print the same numbers.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

//go:embed costs.txt
var measured string

func main() {
	err := run(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "sizing:", err)
		os.Exit(2)
	}
}

// run prints the report of a command line.
func run(args []string, out io.Writer) error {
	w, file := usual(), ""
	f := flag.NewFlagSet("sizing", flag.ContinueOnError)
	w.flags(f)
	f.StringVar(&file, "costs", "", "`FILE` with other costs than the measured ones of costs.txt")
	if err := f.Parse(args); err != nil {
		return err
	}
	text := measured
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text = string(b)
	}
	c, err := readCosts(text)
	if err == nil {
		err = w.check()
	}
	if err != nil {
		return err
	}
	for _, l := range report(&w, &c) {
		fmt.Fprintf(out, "| %s | %s |\n", l.what, l.value)
	}
	return nil
}
