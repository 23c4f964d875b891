package reload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOutline: the places are the same, and the generation is not kept.
func TestOutline(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/config.toml": siteConfig})
	c, errs := Build(Options{Root: s.path("raddb")})
	if c == nil {
		t.Fatal(errs)
	}
	defer c.Discard()
	o := c.Outline()
	places := func(c *Candidate) []string {
		return []string{c.AdminSocket(), c.Path("users"), c.KeyFile(), c.StateDir, c.ScriptsDir}
	}
	if diff := cmp.Diff(places(c), places(o)); diff != "" || o.Generation != nil || o.Program != nil || o.Config != c.Config {
		t.Errorf("%v (-want +got)\n%s", o, diff)
	}
}
