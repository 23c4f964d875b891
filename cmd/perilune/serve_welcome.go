package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"perilune/engine/client"
	"perilune/engine/raddb"
)

// welcome says where the server listens and what to type next.
func (d *daemon) welcome() {
	kinds := d.server.Snapshot().Listeners
	var auth []netip.AddrPort
	for i, a := range d.server.Addrs() {
		d.log.Info("listening", "kind", kinds[i].Kind, "address", a.String())
		if kinds[i].Kind == "auth" {
			auth = append(auth, a)
		}
	}
	if len(auth) == 0 {
		return
	}
	text := fmt.Sprintf("perilune serves %s, with scripts in %s\n", d.o.dir, shortPath(d.first.ScriptsDir))
	hints := filepath.Join(d.first.ScriptsDir, "hints.lua")
	if _, err := os.Stat(hints); err == nil { // the tree of perilune init, which the rest is about
		text += fmt.Sprintf(`
In a second terminal:
  %s

Then change the greeting in %s, save it, and send the request again.
`, sendCommand(d.o.dir, auth), shortPath(hints))
	}
	fmt.Fprint(d.s.out, text)
}

// sendCommand is what asks the listeners, with the options without which send would look elsewhere.
func sendCommand(dir string, auth []netip.AddrPort) string {
	words := []string{thisCommand(), "send"}
	if dir != defaultDir() {
		words = append(words, "-d", shellWord(dir))
	}
	if !confNames(filepath.Join(dir, "radius.conf"), auth) {
		words = append(words, "-server", reachable(auth[0]).String())
	}
	return strings.Join(append(words, "auth User-Name=demo User-Password=hello"), " ")
}

// thisCommand is how the program was called.
func thisCommand() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/perilune"
	}
	if len(os.Args) > 0 && strings.Contains(os.Args[0], "/") {
		return shellWord(os.Args[0])
	}
	return "perilune"
}

// confNames says whether the first server that send would ask is one of the listeners.
func confNames(path string, auth []netip.AddrPort) bool {
	var errs raddb.List
	for _, s := range client.ReadConf(path, &errs) {
		if s.Service == client.Auth {
			a, err := netip.ParseAddrPort(s.Address)
			return err == nil && slices.ContainsFunc(auth, func(l netip.AddrPort) bool {
				return l == a || l.Addr().IsUnspecified() && l.Port() == a.Port() && a.Addr().IsLoopback()
			})
		}
	}
	return false
}

// reachable gives an address of this machine for that of a wildcard listener.
func reachable(a netip.AddrPort) netip.AddrPort {
	if a.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return a
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	if strings.ContainsAny(s, " \t\"'\\$&;|<>()*?[]#~`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// shortPath gives a path as seen from here, if that is shorter.
func shortPath(path string) string {
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, path); err == nil && len(rel) < len(path) {
			return rel
		}
	}
	return path
}
