package freeradius

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// besides finds comparisons with the address that a packet comes from, which no attribute holds.
var besides = regexp.MustCompile(`(?i)\b(Client-IP-Address|Packet-Src-IP-Address)\s*(==|!=)\s*("[^"\\]*"|[^\s",\\]+)`)

// aside puts a huntgroup in the place of each such comparison, and remembers it for convertBeside.
func (s *source) aside(line string) string {
	return besides.ReplaceAllStringFunc(line, func(found string) string {
		m := besides.FindStringSubmatch(found)
		address := strings.Trim(m[3], `"`)
		if !slices.Contains(s.sources, address) {
			s.sources = append(s.sources, address)
		}
		return "Huntgroup-Name " + m[2] + " " + output.Quote(sourceGroup+address)
	})
}

// sourceGroup begins the names of huntgroups that ask where a request comes from.
const sourceGroup = "source "

// convertBeside writes scripts/25-sources.lua.
func (s *source) convertBeside() {
	if len(s.sources) == 0 {
		return
	}
	f := s.out.File("scripts/25-sources.lua")
	f.Printf("-- Where a request comes from, for raddb/users: FreeRADIUS's Client-IP-Address.\n\n")
	for _, address := range s.sources {
		f.Printf("huntgroup(%s, function(req) return req.src == %s end)\n", output.LuaString(sourceGroup+address), output.LuaString(address))
	}
	s.report.Donef(raddb.Pos{File: "raddb/users"}, "Client-IP-Address became %s in scripts/25-sources.lua", count(len(s.sources), "huntgroup"))
}

// count gives a number and what it counts.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
