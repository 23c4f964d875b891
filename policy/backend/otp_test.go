package backend

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOTPUsedOnce: a code is good once for each secret, at whatever step of its window it comes. The codes are those of
// RFC 4226 appendix D.
func TestOTPUsedOnce(t *testing.T) {
	w := newWorld(t, Settings{})
	w.now = time.Unix(59, 0)
	d := cmp.Diff(`true false
false
true
true
false
false true`, w.run(`
local used = kv.open("codes")
local s = "12345678901234567890"
handler(function()
  out(otp.totp(s, "287082", {used=used}), otp.totp(s, "287082", {used=used}))
  advance("30s")
  out(otp.totp(s, "287082", {used=used}))
  out(otp.totp(s, "359152", {used=used}))
  out(otp.totp(s, "287082"))
  out(otp.totp(s, "000000", {used=used}))
  out(otp.try_totp(s, "359152", {used=used}), otp.try_totp(s, "969429", {used=used}))
end)`))
	if d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff("error: t.lua:3: kv: read and changed in handlers, not while scripts load", w.run(`
local used = kv.open("codes")
otp.totp("12345678901234567890", "359152", {used=used})`)); d != "" {
		t.Errorf("while scripts load (-want +got)\n%s", d)
	}
}
