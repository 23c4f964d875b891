package module

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestOTPVectors holds RFC 4226 appendix D and RFC 6238 appendix B.
func TestOTPVectors(t *testing.T) {
	for counter, code := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		n := strconv.Itoa(counter)
		check(t, &Env{}, []fact{
			{`out(otp.hotp("12345678901234567890", "` + code + `", ` + n + `, {ahead=0}))`, strconv.Itoa(counter + 1)},
			{`out(otp.hotp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "` + code + `", ` + n + `))`, strconv.Itoa(counter + 1)},
		})
	}
	seeds := map[string]string{"sha1": strings.Repeat("1234567890", 2), "sha256": strings.Repeat("1234567890", 4)[:32], "sha512": strings.Repeat("1234567890", 7)[:64]}
	for _, v := range []struct {
		at                 int64
		sha1, sha256, sha5 string
	}{
		{59, "94287082", "46119246", "90693936"}, {1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"}, {1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"}, {20000000000, "65353130", "77737706", "47863826"},
	} {
		e := &Env{Now: func() time.Time { return time.Unix(v.at, 0) }}
		for algorithm, code := range map[string]string{"sha1": v.sha1, "sha256": v.sha256, "sha512": v.sha5} {
			check(t, e, []fact{{`out(otp.totp("` + seeds[algorithm] + `", "` + code + `", {digits=8, skew=0, algorithm="` + algorithm + `"}))`, "true"}})
		}
	}
}

// TestTOTP: skew, forms of secrets and codes, and what is misused. At 59 s the code is 287082; 30 s before, 755224;
// 30 s later, 359152.
func TestTOTP(t *testing.T) {
	e := &Env{Now: func() time.Time { return time.Unix(59, 0) }}
	const s = `"12345678901234567890"`
	check(t, e, []fact{
		{`out(otp.totp(` + s + `, "287082"), otp.totp(` + s + `, "755224"), otp.totp(` + s + `, "359152"), otp.totp(` + s + `, "969429"))`, "true true true false"},
		{`out(otp.totp(` + s + `, "755224", {skew=0}), otp.totp(` + s + `, "969429", {skew=2}))`, "false true"},
		{`out(otp.totp(` + s + `, "755224", {step=60, skew=0}), otp.totp(` + s + `, "755224", {step="1m", skew=0}))`, "true true"},
		{`out(otp.totp(` + s + `, " 287 082 "), otp.totp(` + s + `, "28708"), otp.totp(` + s + `, ""), otp.totp(` + s + `, "28708x"), otp.totp(` + s + `, "+87082"), otp.totp(` + s + `, "２87082"))`,
			"true false false false false false"},
		{`out(otp.totp("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "287082"), otp.totp("GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ====", "287082"))`, "true true"},
		{`out(otp.totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "287082", {raw=true}))`, "false"},
		{`out(otp.totp(key, "287082"))`, "false"}, // a secret("…")
		{`out(otp.totp("", "287082"))`, "nil otp: the secret is none: expected base32, or 10 to 256 octets"},
		{`out(otp.totp("GEZDGNBV", "287082"))`, "nil otp: the secret is none: expected base32, or 10 to 256 octets"},
		{`out(otp.totp(("0"):rep(257), "287082"))`, "nil otp: the secret is none: expected base32, or 10 to 256 octets"},
		{`otp.totp(nil, "1")`, "error: t.lua:1: argument 1 is nil, expected string"},
		{`otp.totp(` + s + `)`, "error: t.lua:1: argument 2 is nothing, expected string"},
		{`otp.totp(` + s + `, "1", {digit=6})`, `error: t.lua:1: otp.totp: no option "digit"; expected digits, step, skew, algorithm, used, raw`},
		{`otp.totp(` + s + `, "1", {ahead=6})`, `error: t.lua:1: otp.totp: no option "ahead"; expected digits, step, skew, algorithm, used, raw`},
		{`otp.totp(` + s + `, "1", {digits=5})`, `error: t.lua:1: otp.totp: digits: got 5, expected a whole number from 6 to 8`},
		{`otp.totp(` + s + `, "1", {skew=21})`, `error: t.lua:1: otp.totp: skew: got 21, expected a whole number from 0 to 20`},
		{`otp.totp(` + s + `, "1", {step=0.5})`, `error: t.lua:1: otp.totp: step: got 0.5, expected whole seconds, an hour at most`},
		{`otp.totp(` + s + `, "1", {step="2h"})`, `error: t.lua:1: otp.totp: step: got 2h, expected whole seconds, an hour at most`},
		{`otp.totp(` + s + `, "1", {algorithm="md5"})`, `error: t.lua:1: otp.totp: algorithm: got "md5", expected "sha1", "sha256" or "sha512"`},
		{`otp.totp(` + s + `, "1", {raw=1})`, `error: t.lua:1: otp.totp: raw: got 1, expected true or false`},
		{`otp.totp(` + s + `, "1", {used={}})`, `error: t.lua:1: otp.totp: used: got a table, expected what kv.open gives`},
		{`otp.totp(` + s + `, "1", {"x"})`, `error: t.lua:1: otp.totp: the key 1 is no option`},
	})
	before := &Env{Now: func() time.Time { return time.Unix(-3600, 0) }} // a clock that is not set
	check(t, before, []fact{{`out(otp.totp(` + s + `, "755224"))`, "false"}})
}

func TestHOTP(t *testing.T) {
	const s = `"12345678901234567890"`
	check(t, &Env{}, []fact{
		{`out(otp.hotp(` + s + `, "162583", 2), otp.hotp(` + s + `, "162583", 1), otp.hotp(` + s + `, "162583", 7), otp.hotp(` + s + `, "162583", 8))`, "8 nil 8 nil"},
		{`out(otp.hotp(` + s + `, "162583", 1, {ahead=6}), otp.hotp(` + s + `, "162583", 1, {ahead=1000}))`, "8 8"},
		{`out(otp.hotp(` + s + `, "", 0), otp.hotp("x", "755224", 0))`, "nil nil otp: the secret is none: expected base32, or 10 to 256 octets"},
		{`out(otp.hotp(` + s + `, "755224", 9007199254740992))`, "nil"},
		{`otp.hotp(` + s + `, "755224", -1)`, "error: t.lua:1: otp.hotp: counter: expected a whole number from 0 to 2^53"},
		{`otp.hotp(` + s + `, "755224", 1.5)`, "error: t.lua:1: otp.hotp: counter: expected a whole number from 0 to 2^53"},
		{`otp.hotp(` + s + `, "755224")`, "error: t.lua:1: otp.hotp: counter: expected a whole number from 0 to 2^53"},
		{`otp.hotp(` + s + `, "755224", 0, {ahead=1001})`, "error: t.lua:1: otp.hotp: ahead: got 1001, expected a whole number from 0 to 1000"},
		{`otp.hotp(` + s + `, "755224", 0, {used=1})`, `error: t.lua:1: otp.hotp: no option "used"; expected digits, ahead, algorithm, raw`},
	})
}
