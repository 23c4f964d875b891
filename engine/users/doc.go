// Package users is the users file: both languages that people write it in (GNU Radius and FreeRADIUS),
// compiled into slabs with one hash index, matched natively without allocation. It never calls Lua: what a
// rule asks of the policy (huntgroups, rewrite functions, computed values) goes through the interface Host.
//
// The way of an entry: a lexer cuts the window of a file into tokens; a parser reads them by the grammar of
// one dialect and notes the signs of the other, in which case the entry is read again; a compiler resolves
// names and values and writes a record: label, check pairs, reply pairs, all in wire form. What pairs
// have in common is kept once, a pair that stands in many entries altogether. Records lie one after another in file order. Those of one name form a ring that the index finds; so do those of BEGIN and
// of DEFAULT. File order between a name and DEFAULT is the order of the records in memory.
//
// The way of a match: compare the checks of each record of the rings in the order of the dialect; for one
// that matches put its orders into the control list, run its rewrite functions, merge its reply pairs, and
// end unless it falls through. Reply values are not copied: the lists point into the table until it is closed.
package users
