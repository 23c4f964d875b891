package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version gives the module's version, or the commit that the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

func runVersion(args []string, s streams) int {
	f := newFlags(s, "version", "Shows the version.", "perilune version")
	if rest, code, ok := f.parse(args); !ok {
		return code
	} else if len(rest) > 0 {
		return f.wrong("unexpected argument %q", rest[0])
	}
	fmt.Fprintf(s.out, "perilune %s, %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}
