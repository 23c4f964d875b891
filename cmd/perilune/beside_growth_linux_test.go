package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// besideClients is the clients file with a hundred thousand lines and with ten; all of them ask. Beside them stands one line
// for a network from which a hundred thousand ask: what it costs to talk to so many at all.
func besideClients(b *testing.B, k *kit) {
	const users = 100
	many := k.size(100_000)
	clients := func(name, file string, sources int) *subject {
		s := k.ours(b, name, map[string]string{"raddb/clients": file, "raddb/users": usersFile(users)},
			askUsers(users, "-sources", strconv.Itoa(sources), "-source", "127.1.0.0")...)
		s.below = name != "perilune"
		return s
	}
	k.turns(b, clients("perilune", clientsFile(many), many), clients("ten", clientsFile(10), 10),
		clients("network", fmt.Sprintf("127.0.0.0/8 %q nas\n", loopSecret), many))
}

// clientsFile has a line for each address from 127.1.0.0 on.
func clientsFile(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "127.%d.%d.%d %q nas%d\n", 1+i>>16, i>>8&255, i&255, loopSecret, i)
	}
	return text.String()
}

// besideDefaults is one DEFAULT rule above the users and a thousand of them, of one kind or of all. A request either
// fits one rule in the middle, which goes on to the user's own, or none.
func besideDefaults(b *testing.B, k *kit) {
	for _, kind := range []string{"nas", "suffix", "huntgroup", "mixed"} {
		b.Run(kind, func(b *testing.B) {
			one, thousand := k.defaults(b, kind, 1), k.defaults(b, kind, 1000)
			subjects := []*subject{thousand.as("hit", true), one.as("one-hit", true), thousand.as("miss", false), one.as("one-miss", false)}
			k.play(b, subjects...)
			subjects[1].below, subjects[3].below = true, true
			report(b, subjects[:2])
			report(b, subjects[2:])
		})
	}
}

// as gives a view of the subject that is asked by names that fit a rule, or by others.
func (s *subject) as(name string, fits bool) *subject {
	view := *s
	view.name = name
	view.load = askUsers(100)
	view.load[1] += "@elsewhere.example"
	if fits {
		view.load[1] = strings.Replace(view.load[1], "elsewhere", "fits", 1)
	}
	return &view
}

// defaultRule gives the i-th rule's check items. None fits what is asked.
func defaultRule(kind string, i int) string {
	switch kind {
	case "nas":
		return fmt.Sprintf("NAS-IP-Address == 10.1.%d.%d", i>>8, i&255)
	case "suffix":
		return fmt.Sprintf("Suffix == \"@realm%d.example\", Strip-User-Name = No", i)
	case "huntgroup":
		return fmt.Sprintf("Huntgroup-Name == \"group%d\", NAS-IP-Address == 10.2.%d.%d", i%10, i>>8, i&255)
	}
	return fmt.Sprintf("Service-Type == Framed-User, NAS-Port == %d", 10_000+i)
}

// besideGroups are ten huntgroups; each request is in one of them.
const besideGroups = `
for i = 0, 9 do
  huntgroup("group" .. i, function(req) return (req:int("NAS-Port") or 0) % 10 == i end)
end
`

// defaults starts our server with n rules above its users; the rule in the middle is one that can fit.
func (k *kit) defaults(b *testing.B, kind string, n int) *subject {
	var text strings.Builder
	kinds := []string{"nas", "suffix", "huntgroup", "service"}
	for i := range n {
		checks := defaultRule(kind, i)
		if kind == "mixed" {
			checks = defaultRule(kinds[i%len(kinds)], i)
		}
		if i == n/2 {
			checks = "Suffix == \"@fits.example\", Strip-User-Name = No"
		}
		fmt.Fprintf(&text, "DEFAULT %s\n\tClass = \"rule%d\",\n\tFall-Through = Yes\n", checks, i)
	}
	for i := range 100 {
		for _, realm := range []string{"fits", "elsewhere"} {
			fmt.Fprintf(&text, "user%07d@%s.example Cleartext-Password := \"pw%07d\"\n\tSession-Timeout = 3600\n", i, realm, i)
		}
	}
	return k.ours(b, kind, map[string]string{"raddb/users": text.String(), "scripts/groups.lua": besideGroups})
}
