package users

import "slices"

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
		a := c.unix(p)
		if a == nil {
			return false
		}
		if !a.HasGroup(name) {
			c.errs.Warnf(c.at(p.value), "no Unix group is named %q; nobody is in it", name)
		}
		i = len(t.groups)
		t.groups = append(t.groups, group{name, a.members(name)})
	}
	return c.emitNumber(pair{kind: checkGroup, rel: rel, attr: n.id}, i)
}

// uid compiles User-UID: the number of the user's Unix account. Who has none fits nothing.
func (c *compiler) uid(n *name, p *rawPair) bool {
	if c.table.uids == nil {
		a := c.unix(p)
		if a == nil {
			return false
		}
		c.table.uids = a.uids()
	}
	v, ok := c.value(n, p)
	return ok && c.emit(pair{kind: checkUID, rel: relations[p.op], attr: n.id, value: v})
}

// unix gives the accounts of the system, read once for each load; nil, with an error, if they cannot be had.
func (c *compiler) unix(p *rawPair) *Accounts {
	if c.accounts == nil {
		a, err := ReadAccounts(c.tree.ReadSystemFile)
		if err != nil {
			c.errs.Errorf(c.at(p.value), "%v", err)
			return nil
		}
		c.accounts = a
	}
	return c.accounts
}
