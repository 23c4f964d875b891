package rewrite

import (
	"strconv"
	"strings"
)

// reserved are the names that no function, variable or parameter may have in Lua: its own words, the names that
// scripts see, and those that the translation uses itself.
var reserved = words(`
	and break do else elseif end false for function goto if in local nil not or repeat return then true until while
	assert error ipairs next pairs pcall xpcall select tonumber tostring type unpack rawequal rawget rawset
	getmetatable setmetatable print require readfile string table math coroutine os bit32
	on huntgroup rewrite auth_type answer every vendor attribute accept authenticated reject challenge proxy
	handle_locally discard drop sql http ldap kv window exec radius crypto otp json bytes net time re dict log metrics
	secret perilune test expect send mock clock
	_G _VERSION getfenv setfenv load loadstring dofile loadfile module io debug package newproxy collectgarbage utf8 bit
	_ req gnu nas functions`)

func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// A scope gives names that are not taken yet.
type scope struct {
	taken map[string]bool
	outer *scope
}

func newScope(outer *scope) *scope { return &scope{taken: map[string]bool{}, outer: outer} }

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.taken[name] {
			return true
		}
	}
	return reserved[name]
}

// unique takes the name, or the nearest one that is free: a Lua word gets an underscore, a second use a number.
func (s *scope) unique(name string) string {
	name = identifier(name)
	free := name
	if reserved[free] {
		free += "_"
	}
	for n := 2; s.has(free); n++ {
		free = name + strconv.Itoa(n)
		if last := name[len(name)-1]; isDigit(last) {
			free = name + "_" + strconv.Itoa(n)
		}
	}
	s.taken[free] = true
	return free
}

// identifier makes a name of Lua: letters, digits and underscores.
func identifier(name string) string {
	out := []byte(name)
	for i, c := range out {
		if !isWord(c) || c == '$' {
			out[i] = '_'
		}
	}
	if len(out) == 0 || isDigit(out[0]) {
		return "_" + string(out)
	}
	return string(out)
}
