package users

// warnOrder tells of a file in both languages, and names each DEFAULT above a literal entry where the two
// try them in another order and the file does not say clearly which it is in: a deny-DEFAULT at the top
// would silently lose its force.
func (l *loader) warnOrder() {
	t := l.table
	mixed := l.strange.Line != 0
	if mixed {
		l.errs.Warnf(l.strange, "the file is in both dialects: this entry is read as %s, the order is that of %s",
			other(t.order), t.order)
	}
	if !mixed && (l.root.declared || l.signs != 0) {
		return
	}
	what := "after them (order of gnu: BEGIN, name, DEFAULT); by the order of the file it would come first"
	if t.order == FreeRADIUS {
		what = "before them (order of freeradius: that of the file); by the order of gnu it would come last"
	}
	for r := range t.ring(t.defaults) {
		if r.number() < t.lastNamed {
			l.errs.Warnf(t.at(r), "%s stands above entries with a name and is tried %s; $DIALECT settles it", r.name(), what)
		}
	}
}

func other(d Dialect) Dialect {
	if d == GNU {
		return FreeRADIUS
	}
	return GNU
}
