package reload

import (
	"strings"
	"testing"

	"perilune/engine/dictionary"
	"perilune/engine/users"
)

// TestMessages: the texts of config.toml reach the server, compiled for the dictionary of the generation.
func TestMessages(t *testing.T) {
	s := newSite(t, map[string]string{
		"raddb/config.toml": "[server]\nusername-chars = \".-\"\nbad-names = \"discard\"\nexpire-warning = 1209600\n[log]\npasswords = true\n[messages]\n" +
			"access-denied = \"\\nno, %u\\n\"\ntimespan-violation = \"%R{Site-Text:-late}\"\n",
		"scripts/attributes.lua": "attribute{name = \"Site-Text\", type = \"string\"}\n",
	})
	c, errs := Build(Options{Root: s.path("raddb"), Scripts: s.path("scripts")})
	if c == nil {
		t.Fatal(errs)
	}
	defer c.Discard()
	set := &c.Settings
	in := users.MacroInput{Request: &dictionary.List{}, Reply: &dictionary.List{}}
	in.Request.Add(c.Dictionary.Known.UserName.AnyTag(), []byte("bob"))
	for text, m := range map[string]*users.Macro{"\r\nno, bob\r\n": set.Texts.Denied, "late": set.Texts.OutOfHours} {
		if got := string(m.Append(nil, &in)); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	if set.Texts.Closed != nil || !set.DiscardNames || set.ExpireWarning.Hours() != 14*24 || !set.LogPasswords {
		t.Errorf("settings %+v", set)
	}
	if !set.Names.Allows([]byte("a.b-1")) || set.Names.Allows([]byte("a b")) {
		t.Error("username-chars")
	}
	if !strings.Contains(errs.Error(), "config.toml:6:1: warning: log.passwords is true: the log has the passwords of those who log in") {
		t.Errorf("no warning: %v", errs)
	}
}

// TestMessagesInError: a name that nobody declares is told at the key.
func TestMessagesInError(t *testing.T) {
	s := newSite(t, map[string]string{
		"raddb/config.toml": "[messages]\naccess-denied = \"%C{User-Nam}\"\nrealm-quota = \"%R{Class\"\n[server]\nbad-names = \"drop\"\n",
	})
	c, errs := Build(Options{Root: s.path("raddb"), Scripts: s.path("scripts")})
	if c != nil {
		c.Discard()
		t.Fatal("it is used")
	}
	for _, want := range []string{
		`config.toml:2:1: messages.access-denied: unknown attribute "User-Nam"; did you mean "User-Name"?`,
		`config.toml:3:1: messages.realm-quota: "%R{" has no "}"; it is taken as it stands`,
		`config.toml:5`,
	} {
		if !strings.Contains(errs.Error(), want) {
			t.Errorf("%s is not in\n%s", want, errs.Error())
		}
	}
}
