package module

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// fuzzed loads a script that gives a function to `use`, and gives the function that calls it.
func fuzzed(f *testing.F, source string) func(t *testing.T, args ...lua.LValue) {
	f.Helper()
	s := sandbox.New(sandbox.Limits{}, sandbox.Host{Data: frozen()})
	Open(s)
	var fn *lua.LFunction
	s.SetGlobal("use", sandbox.NewFunction(func(l *lua.LState) int { fn = sandbox.CheckFunction(l, 1); return 0 }))
	globals := Globals()
	globals["use"] = nil
	p, errs := sandbox.Compile("t.lua", []byte(source), sandbox.Options{Globals: globals})
	if errs.Failed() {
		f.Fatal(errs)
	}
	if err := s.Load(p); err != nil {
		f.Fatal(err)
	}
	return func(t *testing.T, args ...lua.LValue) {
		_, err := s.Call(fn, sandbox.Run{}, args...)
		if e, ok := err.(*sandbox.Error); ok && e.Kind != sandbox.Misuse && e.Kind != sandbox.Steps && e.Kind != sandbox.Memory {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// FuzzJSON checks that what decodes encodes again and decodes to the same text.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x",null,true]}`, `[]`, `{}`, `18446744073709551615`, `-1e-7`, `"\u00e9\ud83d"`, `[[[`, `1 2`, `{"a":1,"a":2}`} {
		f.Add(seed)
	}
	call := fuzzed(f, `use(function(s)
		local v, err = json.decode(s)
		if v == nil then assert(err) return end
		local text = assert(json.encode(v))
		local again = assert(json.encode((json.decode(text))))
		assert(again == text, text)
	end)`)
	f.Fuzz(func(t *testing.T, text string) { call(t, lua.LString(text)) })
}

// FuzzUnpack checks that no format crashes, and that what integers unpack packs to the same octets.
func FuzzUnpack(f *testing.F) {
	for _, seed := range []string{"B H I4 i2 <I2", "s1 z c4 x", "f d n", "J j", "i3 >I7 c0", "s", "z", "c9"} {
		f.Add(seed, "\x01\x02\x03\x04\x00\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10")
	}
	call := fuzzed(f, `use(function(format, s)
		local t = {bytes.unpack(format, s)}
		if t[1] == nil then return end
		local n = #t
		local again = bytes.pack(format, unpack(t, 1, n - 1))
		assert(format:find("[fdnxz]") or again == s:sub(1, t[n] - 1), format)
	end)`)
	f.Fuzz(func(t *testing.T, format, text string) { call(t, lua.LString(format), lua.LString(text)) })
}

// FuzzText checks the parsers of addresses, times, Base64, expressions and sealed values.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8", "aa:bb:cc:dd:ee:ff", "2026-01-05 09:00", "Mo-Fr 08:00-18:00", "aGVsbG8=", "(a|b)*", "$6$x$y"} {
		f.Add(seed)
	}
	call := fuzzed(f, `use(function(s)
		net.cidr(s) net.mac(s) net.aton(s) net.set{s} time.parse(s) bytes.from_hex(s) bytes.from_base64(s) bytes.u64(s)
		crypto.unseal("a key of sixteen octets", s)
		local r = re.compile(s)
		if r then r:match(s) r:gsub(s, "x") r:all(s) end
		time.within(s, 0)
	end)`)
	f.Fuzz(func(t *testing.T, text string) { call(t, lua.LString(text)) })
}

// FuzzOTP: no secret and no code is a fault, and a code that was taken is the one of its counter.
func FuzzOTP(f *testing.F) {
	for _, seed := range []struct {
		secret, code string
		counter      uint64
	}{
		{"12345678901234567890", "755224", 0}, {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "287082", 1}, {"gezd-gnbv gy3t qojq====", " 287 082", 0},
		{"", "", 1 << 53}, {"\x00\xff", "-12345", 7}, {strings.Repeat("A", 411), "000000", 1},
	} {
		f.Add(seed.secret, seed.code, seed.counter)
	}
	f.Fuzz(func(t *testing.T, secret, code string, counter uint64) {
		o := otpOptions{digits: 6, algorithm: "sha1"}
		for _, raw := range []bool{true, false} {
			key, err := otpSecret(secret, raw)
			if err != nil {
				continue
			}
			want := o.oneTime(key, counter)
			if typed, ok := otpCode(string(want[:3])+" "+string(want[3:]), 6); !ok || string(typed) != string(want) {
				t.Errorf("the code %s is none", want)
			}
			typed, ok := otpCode(code, 6)
			if ok && len(typed) != 6 {
				t.Errorf("%q is %q", code, typed)
			}
		}
	})
}
