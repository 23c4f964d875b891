package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"perilune/engine/server"
)

// TestSecrets: a secret is opaque, and once revealed it is blanked in texts.
func TestSecrets(t *testing.T) {
	secrets := func(o *Options) {
		o.Version = "1.2"
		o.Secret = func(name string) (string, error) {
			if name != "api" {
				return "", errors.New("no such secret")
			}
			return "s3cr3t-key", nil
		}
	}
	h, errs := tryLoad(t, map[string]string{"a.lua": `
local key = secret("api")
on("hints", function(req)
  req:note("k", tostring(key) .. " " .. #key:reveal() .. " " .. perilune.version .. " " .. perilune.api)
  error("with " .. key:reveal())
end)`}, secrets)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	r := h.access("User-Name", "x")
	h.run(server.PhaseHints, r)
	if got := fmt.Sprint(r.Notes); got != "[{k [secret] 10 1.2 1}]" {
		t.Errorf("notes %s", got)
	}
	if strings.Contains(h.log.String(), "s3cr3t") || !strings.Contains(h.log.String(), "with [secret]") {
		t.Error(h.log)
	}
	_, errs = tryLoad(t, map[string]string{"a.lua": `local key = secret("other")`}, secrets)
	if got := errs.Error(); got != `a.lua:1: secret("other"): no such secret` {
		t.Errorf("got %q", got)
	}
	_, errs = tryLoad(t, map[string]string{"a.lua": `local key = secret("other")`}, nil)
	if !strings.Contains(errs.Error(), "the configuration names no secrets") {
		t.Error(errs)
	}
}

// TestWaiting: nothing waits while scripts load.
func TestWaiting(t *testing.T) {
	_, errs := tryLoad(t, map[string]string{"a.lua": `net.lookup("a.example")`}, nil)
	if !strings.Contains(errs.Error(), "nothing waits while scripts load") {
		t.Error(errs)
	}
}

// TestModulesHaveTheRequest: log lines say which request and hook wrote them.
func TestModulesHaveTheRequest(t *testing.T) {
	h := load(t, `on("hints", function(req) log.warn("odd", {port=req:int("NAS-Port")}) end)`)
	h.run(server.PhaseHints, h.access("NAS-Port", "7"))
	if got := h.log.String(); !strings.Contains(got, "level=WARN msg=odd req=77 hook=a.lua:1 port=7") {
		t.Error(got)
	}
}

// TestRenew: a state whose interpreter failed is replaced in place.
func TestRenew(t *testing.T) {
	h := load(t, `on("hints", function(req) req.user = "renewed" end)`)
	rn := h.pr.newRunner()
	rn.renew()
	r := h.access("User-Name", "x")
	rn.Run(server.PhaseHints, r)
	if got := string(r.User()); got != "renewed" {
		t.Errorf("user %q\n%s", got, h.log)
	}
}

// TestHooks lists what was registered.
func TestHooks(t *testing.T) {
	h := load(t, "on('hints', {name='first'}, function() end)\nhuntgroup('air', function() end)\nevery('1h', function() end)")
	want := "[{hints first a.lua:1} {huntgroup air a.lua:2} {every a.lua:3 a.lua:3}]"
	if got := fmt.Sprint(h.pr.Hooks()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if h.pr.HookAt("a.lua:1") != "first" || h.pr.HookAt("b.lua:1") != "" {
		t.Error("HookAt")
	}
}
