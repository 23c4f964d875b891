package users

import "iter"

// Entries gives all entries, in the order of the files. Their labels live as long as the table.
func (t *Table) Entries() iter.Seq[Rule] {
	return func(yield func(Rule) bool) {
		for _, r := range t.records() {
			if !yield(t.rule(r)) {
				return
			}
		}
	}
}
