package module

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// Bounds of one-time passwords. RFC 4226 s4 (R6) wants secrets of 16 octets; tokens with 10 are common.
const (
	minOTPSecret = 10
	maxOTPSecret = 256
	maxSkew      = 20
	maxAhead     = 1000
	maxStep      = time.Hour
)

func otpFunctions() []Function {
	totp := "Whether code is the one of now (RFC 6238), with a secret in base32 or raw. used=kv takes each code once. nil and why if the secret is malformed."
	f := func(name, signature, doc string, call lua.LGFunction) Function {
		return Function{Module: "otp", Name: name, Signature: signature, Doc: doc, call: call}
	}
	return []Function{
		f("totp", "otp.totp(secret, code [, {digits=6, step=30, skew=1, algorithm=\"sha1\", used=kv, raw=false}])", totp, otpTOTP(raiseFailure)),
		f("try_totp", "otp.try_totp(secret, code [, options])", "totp that gives nil and why if the table of used codes fails.", otpTOTP(giveFailure)),
		f("hotp", "otp.hotp(secret, code, counter [, {digits=6, ahead=5, algorithm=\"sha1\", raw=false}])",
			"The counter to keep if code is that of counter (RFC 4226) or of one of the next ahead; nil if it is not.", otpHOTP),
	}
}

// otpOptions are those of both functions.
type otpOptions struct {
	digits, skew, ahead int
	step                time.Duration
	algorithm           string
	raw                 bool
	used                *table
}

// readOTPOptions reads the table of options that argument n may be; known are the names that the function has.
func readOTPOptions(l *lua.LState, n int, what string, known ...string) otpOptions {
	o := otpOptions{digits: 6, skew: 1, ahead: 5, step: 30 * time.Second, algorithm: "sha1"}
	if l.Get(n) == lua.LNil {
		return o
	}
	optionsOf(l, n, what, func(key string, v lua.LValue) error {
		for _, k := range known {
			if k == key {
				return o.take(key, v)
			}
		}
		return unknownOption(key, known...)
	})
	return o
}

func (o *otpOptions) take(key string, v lua.LValue) (err error) {
	switch key {
	case "digits":
		o.digits, err = wholeNumber(key, v, 6, 8) // RFC 4226 s5.3
	case "skew":
		o.skew, err = wholeNumber(key, v, 0, maxSkew)
	case "ahead":
		o.ahead, err = wholeNumber(key, v, 0, maxAhead)
	case "step":
		if o.step, err = Duration(key, v); err == nil && (o.step%time.Second != 0 || o.step > maxStep) {
			err = fmt.Errorf("step: got %v, expected whole seconds, an hour at most", v)
		}
	case "algorithm":
		o.algorithm = v.String()
		if name := o.algorithm; name != "sha1" && name != "sha256" && name != "sha512" {
			err = fmt.Errorf("algorithm: got %s, expected \"sha1\", \"sha256\" or \"sha512\"", shown(v))
		}
	case "raw":
		on, ok := v.(lua.LBool)
		if o.raw = bool(on); !ok {
			err = fmt.Errorf("raw: got %s, expected true or false", shown(v))
		}
	case "used":
		ud, _ := v.(*lua.LUserData)
		if ud != nil {
			o.used, _ = ud.Value.(*table)
		}
		if o.used == nil {
			err = fmt.Errorf("used: got %s, expected what kv.open gives", shown(v))
		}
	}
	return err
}

var errOTPSecret = fmt.Errorf("otp: the secret is none: expected base32, or %d to %d octets", minOTPSecret, maxOTPSecret)

// otpSecret reads a secret: base32 if it has no other characters, else as it is.
func otpSecret(text string, raw bool) ([]byte, error) {
	key := []byte(text)
	if !raw {
		plain := strings.ToUpper(strings.TrimRight(strings.NewReplacer(" ", "", "-", "").Replace(text), "="))
		if decoded, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(plain); err == nil && plain != "" {
			key = decoded
		}
	}
	if len(key) < minOTPSecret || len(key) > maxOTPSecret {
		return nil, errOTPSecret
	}
	return key, nil
}

// otpCode reads what a user typed: digits, perhaps with blanks between them.
func otpCode(text string, digits int) ([]byte, bool) {
	text = strings.ReplaceAll(strings.TrimSpace(text), " ", "")
	if len(text) != digits || strings.Trim(text, "0123456789") != "" {
		return nil, false
	}
	return []byte(text), true
}

// oneTime gives the code of a counter (RFC 4226 s5.3).
func (o *otpOptions) oneTime(key []byte, counter uint64) []byte {
	h := hmac.New(digests[o.algorithm], key)
	binary.Write(h, binary.BigEndian, counter)
	sum := h.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff
	code := make([]byte, o.digits)
	for i := range code {
		code[o.digits-1-i] = '0' + byte(n%10)
		n /= 10
	}
	return code
}

// find gives the counter, from first on, whose code it is. All of n codes are looked at, whichever is right.
func (o *otpOptions) find(l *lua.LState, key, code []byte, first uint64, n int) (at uint64, ok bool) {
	sandbox.Charge(l, 8*n)
	found := 0
	for i := n - 1; i >= 0; i-- {
		same := subtle.ConstantTimeCompare(o.oneTime(key, first+uint64(i)), code)
		found |= same
		at = uint64(subtle.ConstantTimeSelect(same, i, int(at)))
	}
	return first + at, found == 1
}

// otpTOTP is otp.totp; fail ends the call if the table of used codes fails.
func otpTOTP(fail func(l *lua.LState, in string, err error) int) lua.LGFunction {
	return func(l *lua.LState) int {
		o := readOTPOptions(l, 3, "otp.totp", "digits", "step", "skew", "algorithm", "used", "raw")
		key, err := otpSecret(CheckText(l, 1), o.raw)
		if err != nil {
			return failed(l, err.Error())
		}
		code, ok := otpCode(CheckText(l, 2), o.digits)
		if !ok {
			return pushed(l, lua.LFalse)
		}
		first, n := o.window(From(l).now())
		at, ok := o.find(l, key, code, first, n)
		if ok && o.used != nil {
			ok, err = o.unused(l, key, at)
			if err != nil {
				return fail(l, "otp", err)
			}
		}
		return pushed(l, lua.LBool(ok))
	}
}

// window gives the first counter around a moment that counts, and the number of them.
func (o *otpOptions) window(now time.Time) (first uint64, n int) {
	at := now.Unix() / int64(o.step/time.Second)
	from := max(at-int64(o.skew), 0)
	return uint64(from), int(max(at+int64(o.skew)-from+1, 0))
}

// unused notes a code as used, and reports whether it was not: each is good once (RFC 6238 s5.2). The table is told
// a hash of the secret.
func (o *otpOptions) unused(l *lua.LState, key []byte, at uint64) (bool, error) {
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte("perilune otp used 1"))
	name := fmt.Sprintf("otp:%s:%d", hex.EncodeToString(sum.Sum(nil)[:16]), at)
	o.used.mayBeUsed(l)
	r, err := o.used.ask(l, kvOp{verb: verbIncr, key: name, by: 1, ttl: time.Duration(2*o.skew+2) * o.step})
	return r.number == 1, err
}

func raiseFailure(l *lua.LState, in string, err error) int {
	misused(l, in, err)
	sandbox.RaiseBackend(l, "%s: %v", in, AsFailure(err))
	return 0
}

func giveFailure(l *lua.LState, in string, err error) int {
	misused(l, in, err)
	return failed(l, AsFailure(err).Error())
}

var errCounter = errors.New("counter: expected a whole number from 0 to 2^53")

func otpHOTP(l *lua.LState) int {
	o := readOTPOptions(l, 4, "otp.hotp", "digits", "ahead", "algorithm", "raw")
	counter, ok := ToU64(l.Get(3))
	if !ok || counter > 1<<53 {
		sandbox.RaiseMisuse(l, "otp.hotp: %v", errCounter)
	}
	key, err := otpSecret(CheckText(l, 1), o.raw)
	if err != nil {
		return failed(l, err.Error())
	}
	code, ok := otpCode(CheckText(l, 2), o.digits)
	if !ok {
		return pushed(l, lua.LNil)
	}
	at, ok := o.find(l, key, code, counter, o.ahead+1)
	if !ok {
		return pushed(l, lua.LNil)
	}
	return pushed(l, lua.LNumber(at+1))
}
