package users

import (
	"bytes"
	"slices"
)

// The files of Unix groups. They are inputs of a generation where a rule asks for a group.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
)

// A group is a Unix group that some entry asks for, with all its members.
type group struct {
	name    string
	members map[string]struct{}
}

// group compiles Group and Group-Name: is the user a member, by /etc/passwd or by /etc/group?
func (c *compiler) group(n *name, p *rawPair) bool {
	rel, ok := c.equality(n, p)
	if !ok {
		return false
	}
	name := string(c.literal(p))
	t := c.table
	i := slices.IndexFunc(t.groups, func(g group) bool { return g.name == name })
	if i < 0 {
		members, err := c.members(name)
		if err != nil {
			c.errs.Errorf(c.at(p.value), "%v", err)
			return false
		}
		if members == nil {
			c.errs.Warnf(c.at(p.value), "no Unix group is named %q; nobody is in it", name)
		}
		i = len(t.groups)
		t.groups = append(t.groups, group{name, members})
	}
	return c.emitNumber(pair{kind: checkGroup, rel: rel, attr: n.id}, i)
}

// members reads the members of a group; nil if there is no such group.
func (c *compiler) members(name string) (map[string]struct{}, error) {
	groups, err := c.system(groupFile)
	if err != nil {
		return nil, err
	}
	var id []byte
	members := map[string]struct{}{}
	for line := range bytes.Lines(groups) {
		f := bytes.Split(bytes.TrimSpace(line), []byte(":"))
		if len(f) < 4 || string(f[0]) != name {
			continue
		}
		id = f[2]
		for m := range bytes.SplitSeq(f[3], []byte(",")) {
			members[string(m)] = struct{}{}
		}
	}
	if id == nil {
		return nil, nil
	}
	users, err := c.system(passwdFile)
	for line := range bytes.Lines(users) {
		if f := bytes.Split(line, []byte(":")); len(f) > 3 && bytes.Equal(f[3], id) {
			members[string(f[0])] = struct{}{}
		}
	}
	delete(members, "")
	return members, err
}

// system reads a file of the system once for each load.
func (c *compiler) system(path string) ([]byte, error) {
	if b, ok := c.systemFiles[path]; ok {
		return b, nil
	}
	b, err := c.tree.ReadFile(path)
	if err == nil {
		c.systemFiles[path] = b
	}
	return b, err
}
