// Command perilune is a RADIUS server whose policy is Lua and whose reload is a transaction, and the tools
// around it.
package main

import (
	"fmt"
	"io"
	"os"
)

// Exit codes of every subcommand.
const (
	exitOK     = 0
	exitFailed = 1 // the work failed
	exitUsage  = 2 // the command line was wrong
)

// A command is one subcommand. run gets the arguments after its name and gives the exit code.
type command struct {
	name    string
	summary string
	run     func(args []string, io streams) int
}

// streams are the three files of a process, so that tests can stand in for them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

func run(args []string, s streams) int {
	if len(args) == 0 {
		help(s.out)
		return exitUsage
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(args[1:], s)
		}
	}
	switch args[0] {
	case "help", "-h", "--help":
		help(s.out)
		return exitOK
	}
	fmt.Fprintf(s.err, "perilune: there is no command %q%s; `perilune help` lists them\n", args[0], nearestCommand(args[0]))
	return exitUsage
}
