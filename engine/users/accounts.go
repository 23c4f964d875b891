package users

import (
	"bytes"
	"strconv"
)

// The files of Unix accounts. They are inputs of a generation where something asks for them.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
)

// Accounts are the users and groups of a Unix system, as its files have them: no directory is asked. They are
// immutable.
type Accounts struct {
	users  map[string]unixUser
	groups map[string]*unixGroup
}

type unixUser struct {
	uid     uint32
	primary string // number of the group, as written
}

type unixGroup struct {
	number  string // as written
	members map[string]struct{}
}

// ReadAccounts reads /etc/passwd and /etc/group by read. Lines that are none of theirs are passed over.
func ReadAccounts(read func(path string) ([]byte, error)) (*Accounts, error) {
	groups, err := read(groupFile)
	if err != nil {
		return nil, err
	}
	passwd, err := read(passwdFile)
	if err != nil {
		return nil, err
	}
	a := &Accounts{users: map[string]unixUser{}, groups: map[string]*unixGroup{}}
	for line := range bytes.Lines(groups) {
		a.addGroup(bytes.Split(bytes.TrimSpace(line), []byte(":")))
	}
	for line := range bytes.Lines(passwd) {
		a.addUser(bytes.Split(bytes.TrimSpace(line), []byte(":")))
	}
	return a, nil
}

func (a *Accounts) addGroup(f [][]byte) {
	if len(f) < 4 || len(f[0]) == 0 {
		return
	}
	g := a.groups[string(f[0])]
	if g == nil {
		g = &unixGroup{number: string(f[2]), members: map[string]struct{}{}}
		a.groups[string(f[0])] = g
	}
	for m := range bytes.SplitSeq(f[3], []byte(",")) {
		if len(m) > 0 {
			g.members[string(m)] = struct{}{}
		}
	}
}

func (a *Accounts) addUser(f [][]byte) {
	if len(f) < 4 || len(f[0]) == 0 {
		return
	}
	uid, err := strconv.ParseUint(string(f[2]), 10, 32)
	if _, twice := a.users[string(f[0])]; err == nil && !twice {
		a.users[string(f[0])] = unixUser{uint32(uid), string(f[3])}
	}
}

// HasGroup reports whether there is a group of the name.
func (a *Accounts) HasGroup(group string) bool { return a.groups[group] != nil }

// Member reports whether the group is the user's primary one, or names the user.
func (a *Accounts) Member(user []byte, group string) bool {
	g := a.groups[group]
	if g == nil || len(user) == 0 {
		return false
	}
	if _, in := g.members[string(user)]; in {
		return true
	}
	u, ok := a.users[string(user)]
	return ok && u.primary == g.number
}

// members gives all members of a group, nil if there is no such group.
func (a *Accounts) members(group string) map[string]struct{} {
	g := a.groups[group]
	if g == nil {
		return nil
	}
	all := map[string]struct{}{}
	for name := range g.members {
		all[name] = struct{}{}
	}
	for name, u := range a.users {
		if u.primary == g.number {
			all[name] = struct{}{}
		}
	}
	return all
}

// uids gives the number of each user.
func (a *Accounts) uids() map[string]uint32 {
	all := make(map[string]uint32, len(a.users))
	for name, u := range a.users {
		all[name] = u.uid
	}
	return all
}
