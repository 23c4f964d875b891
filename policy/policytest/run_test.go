package policytest

import (
	"testing"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy"
)

// build makes a candidate generation of a tree: scripts and perhaps users and clients.
func build(t testing.TB, tree *raddb.Tree, dir string) Options {
	t.Helper()
	var errs raddb.List
	d := dictionary.Load(tree, "dictionary", &errs)
	pr, list := policy.Load(policy.Options{Tree: tree, Dir: dir, Dictionary: d})
	errs = append(errs, list...)
	d.Freeze()
	errs = append(errs, pr.Link()...)
	g := &server.Generation{
		Number: 1, Dictionary: d, Policy: pr, Clients: nas.Load(tree, "clients", &errs),
		Users: users.Load(tree, "users", users.Options{Dictionary: d, Names: pr}, &errs),
	}
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pr.Close)
	return Options{Generation: g, Program: pr, Tree: tree, Dir: dir}
}

// TestDefaultScripts runs the tests of the scripts that come with the server.
func TestDefaultScripts(t *testing.T) {
	o := build(t, raddb.Open("../../raddb"), "../scripts")
	res := Run(o)
	for _, f := range res.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	if res.Passed < 5 {
		t.Errorf("%d cases passed in %d files", res.Passed, res.Files)
	}
}
