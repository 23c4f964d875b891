// Package users is the users file: both languages that people write it in (GNU Radius and FreeRADIUS),
// compiled into slabs with one hash index, matched natively without allocation. It never calls Lua: what a
// rule asks of the policy (huntgroups, rewrite functions, computed values) goes through the interface Host.
package users
