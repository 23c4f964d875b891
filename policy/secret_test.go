package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// loadSecret loads a script that may take secret("api"), which is s3cr3t-key.
func loadSecret(t *testing.T, script string) (*house, error) {
	t.Helper()
	h, errs := tryLoad(t, map[string]string{"a.lua": script}, func(o *Options) {
		o.Secret = func(name string) (string, error) {
			if name != "api" {
				return "", errors.New("no such secret")
			}
			return "s3cr3t-key", nil
		}
	})
	return h, errs.Err()
}

// TestSecretValuesAreBlanked: no way out of a script shows a password, a key, or what stood there before a change.
func TestSecretValuesAreBlanked(t *testing.T) {
	const all = ` local s = SECRET
  req:note("note", s) req:note(s, "key")
  req:trace("trace %s", s)
  print("print " .. s)
  log.info("info " .. s, {field=s, [s]="key"}) log.warn(s) log.error(s)
  error("error " .. s)`
	for name, body := range map[string]string{
		"password":             strings.ReplaceAll(all, "SECRET", `req.password`),
		"replaced password":    strings.ReplaceAll(all, "SECRET", `(function() local p = req.password req.password = "other" req.password = "another" return p end)()`),
		"deleted password":     strings.ReplaceAll(all, "SECRET", `(function() local p = req.password req:del("User-Password") return p end)()`),
		"split password":       strings.ReplaceAll(all, "SECRET", `(function() local p = req.password req.password = p:sub(1, 8) return p end)()`),
		"control password":     strings.ReplaceAll(all, "SECRET", `(function() req.control["Cleartext-Password"] = "top-secret-4711" return "top-secret-4711" end)()`),
		"reply key":            strings.ReplaceAll(all, "SECRET", `(function() req.reply["Acme-Key"] = "top-secret-4711" return req.reply["Acme-Key"] end)()`),
		"number":               strings.ReplaceAll(all, "SECRET", `(function() req.reply["Acme-Pin"] = 47114711 return "top-secret-" .. req.reply["Acme-Pin"] end)()`),
		"revealed":             strings.ReplaceAll(all, "SECRET", `key:reveal()`),
		"in a longer text":     strings.ReplaceAll(all, "SECRET", `("<" .. key:reveal() .. "|" .. req.password .. ">")`),
		"said by a backend":    strings.ReplaceAll(all, "SECRET", `("s3cr3t" .. "-key")`),
		"opaque, not revealed": strings.ReplaceAll(all, "SECRET", `tostring(key)`),
	} {
		t.Run(name, func(t *testing.T) {
			h, err := loadSecret(t, "local key = secret('api')\non('authorize', function(req)\n"+body+"\nend)")
			if err != nil {
				t.Fatal(err)
			}
			r := h.access("User-Name", "bob", "User-Password", "top-secret-4711")
			r.Trace = new(server.Trace)
			h.run(server.PhaseAuthorize, r)
			out := h.log.String() + noteText(r) + r.Trace.String()
			for _, secret := range []string{"top-secret-4711", "s3cr3t", "47114711"} {
				if strings.Contains(out, secret) {
					t.Errorf("%s shows in\n%s", secret, out)
				}
			}
			if n := strings.Count(out, "[secret]"); n < 10 {
				t.Errorf("%d blanks in\n%s", n, out)
			}
		})
	}
}

// TestSecretsBesideRequests: timers, load and unload handlers, and scripts that fail while they load.
func TestSecretsBesideRequests(t *testing.T) {
	h, err := loadSecret(t, `
local key = secret("api")
on("load", {name="warm"}, function() print("with " .. key:reveal()) log.info(key:reveal()) error("load " .. key:reveal()) end)
every("1h", {name="tick"}, function() error("tick " .. key:reveal()) end)`)
	if err != nil {
		t.Fatal(err)
	}
	errs := h.pr.RunLoad()
	if diff := cmp.Diff(`a.lua:3: hook "warm": load [secret]`, errs.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := h.pr.Fire("every", "tick"); err == nil || err.Error() != "a.lua:4: tick [secret]" {
		t.Errorf("fired: %v", err)
	}
	if strings.Contains(h.log.String(), "s3cr3t") {
		t.Error(h.log)
	}
	if _, err := loadSecret(t, `error("got " .. secret("api"):reveal())`); err == nil || err.Error() != "a.lua:1: got [secret]" {
		t.Errorf("loading: %v", err)
	}
}

// TestSecretIsOpaque: a secret that was not revealed is no text, and modules take it as it is.
func TestSecretIsOpaque(t *testing.T) {
	h, err := loadSecret(t, `local key = secret("api")
on("authorize", function(req)
  req:note("same", crypto.equal(key, "s3cr3t-key"))
  req:note("type", type(key))
  local function fails(fn) return not pcall(fn) end
  req:note("text", fails(function() return "x" .. key end))
  req:note("json", fails(function() return json.encode{k=key} end))
  req:note("attribute", fails(function() req.reply["Reply-Message"] = key end))
  req:note("ctx", fails(function() return #key end))
  req:note("field", fails(function() return key.text end) or tostring(key.text))
end)`)
	if err != nil {
		t.Fatal(err)
	}
	r := h.request(radius.CodeAccessRequest, "User-Name", "bob")
	h.run(server.PhaseAuthorize, r)
	want := "same=true type=userdata text=true json=true attribute=true ctx=true field=nil"
	if got := noteText(r); got != want && got != strings.Replace(want, "field=nil", "field=true", 1) {
		t.Errorf("got %s, want %s\n%s", got, want, h.log)
	}
}
