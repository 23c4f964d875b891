package config

import "perilune/engine/raddb"

// LoadDeny reads access.deny: one name a line; a name with spaces is quoted. A file that does not exist
// denies nobody.
func LoadDeny(tree *raddb.Tree, name string, errs *raddb.List) map[string]struct{} {
	deny := map[string]struct{}{}
	if !present(tree, name) {
		return deny
	}
	tree.EachLine(name, errs, func(l raddb.Line) {
		if len(l.Fields) > 1 {
			errs.Errorf(l.Pos(1), "a second word on the line; expected one name, in quotes if it has spaces")
			return
		}
		if l.Fields[0].Text == "" {
			errs.Errorf(l.Pos(0), "the name is empty")
			return
		}
		deny[l.Fields[0].Text] = struct{}{}
	})
	return deny
}

// present reports whether a file that need not exist does. The tree remembers it if not: to make it is a
// change.
func present(tree *raddb.Tree, name string) bool {
	return name != "" && !tree.Absent(name)
}
