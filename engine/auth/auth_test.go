package auth

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// vectors are of the specification of SHA-crypt, of crypt_blowfish's tests, of glibc's and libxcrypt's
// crypt(3), and of digests by other programs.
var vectors = []struct{ password, stored string }{
	{"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
	{"Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"},
	{"This is just a test", "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"},
	{"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
	{"a very much longer text to encrypt.  This one even stretches over morethan one line.",
		"$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"},
	{"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
	{"ärger", "$2b$04$abcdefghijklmnopqrstuutfXvgqvgcwfSOMQiptpSSyyJb8gTo4q"},
	{"Hello", "$2y$05$abcdefghijklmnopqrstuuJRaZC00u2hO4pbs0bFdcrF53n2avLwu"},
	{"password", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"},
	{"p", "$1$s$e3cU4diUKuLjXnDANdfhU0"},
	{"Hello", "$1$$wP9qEcQ.6oQXg13fEl.I3/"},
	{"Hello", "$y$j9T$saltsaltsaltsalt$MWuSmQ8ENvljvs4LVnV88Qu5UShFdkw10PzI.1kY5A4"},
	{"Hello", "$y$j75$saltsaltsaltsalt$U86Qit1AK8YfSmWXs/smucpzmiCQzeOQuZN9bLBMKK4"},
	{"Hello", "{crypt}$1$$wP9qEcQ.6oQXg13fEl.I3/"},
	{"hello", "{crypt}abl0JrMf6tlhw"},
	{"hello", "{des-crypt}abl0JrMf6tlhw"},
	{"hello", "{crypt}_J9..rasmG1gANnusqQA"},
	{"hell", "{crypt}_/...zzzz4aQtbq1P84Y"},
	{"hello", "$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHQ$/v1rAVCm4hCxbbDKxLpCfGq3gAc/U/05xj7PNlby0gw"},
	{"hello", "{ARGON2}$argon2id$v=19$m=256,t=3,p=4$c2FsdCBvZiAxNiBvY3RldA$0YUkrtjHXNy+pEF+ifhniqQJ5q2b2WcoMP1ES+amndA"},
	{"hello", "$argon2id$v=19$m=64,t=1,p=2$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc"},
	{"password", "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"},
	{"hello", "$pbkdf2$100$....c2FsdHNhbHT/$3Wr3pEX885qI1UYvmw3TYlnd5II"},
	{"hello", "$pbkdf2-sha256$100$....c2FsdHNhbHT/$j25vq5D4VSXz5gzSyfZr9bSffWG.rowM3wbF4/hmOlo"},
	{"hello", "$pbkdf2-sha256$i=100$++++c2FsdHNhbHT/$j25vq5D4VSXz5gzSyfZr9bSffWG+rowM3wbF4/hmOlo="},
	{"hello", "{PBKDF2-SHA512}$pbkdf2-sha512$100$....c2FsdHNhbHT/$L3N3TmmC8GEhtszyldJlxlbUsyo.IN5GtZZhUmv8.imZ04Yh3HCMoB.xj4NLmiG2MNuiGt2dx/bWzuNU695nJw"},
	{"hello", "pbkdf2_sha256$120$textsalt$ocvKPPKvRX/5kf/+Xo6pVeGP0q4tPDHedXQtdGqyN4Y="},
	{"hello", "{x-pbkdf2}HMACSHA2+512:AAAD6A==:MDEyMzQ1Njc4OQ==:hHC0K1Zc9L7b0Yl9pYXbkw28zEKEmxdOlYS/madNfz41yqoIQlcqmzcdOGmlpzZAYV6YRRl/oJmgM0GqfT841Q=="},
	{"hello", "{PBKDF2-SHA256}50$MDEyMzQ1Njc4OQ$XrptE4gTr9NOU6/syEEPKbZXjg7WjUl3oYiWQfgseDU"},
	{"hello", "{PBKDF2}50$MDEyMzQ1Njc4OQ$VynObzFfd1J79ACBQlury.rRlpE"},
	{"hello", "e1NIQX1xdlRHSGR6RjZLTGF2dDRQTzBnczJhNnBRMDA9"}, // base64 around {SHA} and its hash
	{"hello", "e2NsZWFyfWhlbGxv"},
	{"e2Z9", "e2Z9"}, // base64 of an unknown header is clear text
	{"pbkdf2_hello", "pbkdf2_hello"},
	{"hello", "{MD5}XUFAKrxLKna5cZ2REBfFkg=="},
	{"hello", "{md5}5d41402abc4b2a76b9719d911017c592"},
	{"hello", "{md5}\x5d\x41\x40\x2a\xbc\x4b\x2a\x76\xb9\x71\x9d\x91\x10\x17\xc5\x92"},
	{"hello", "{SMD5}ut31JpcwYwNie5eych6WSnNhbHQ="},
	{"hello", "{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00="},
	{"hello", "{sha}AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D"},
	{"hello", "{SSHA}FPvT+WAOz8Kj1D5MB6mKh1x5EKJzYWx0"},
	{"hello", "{SSHA}14fbd3f9600ecfc2a3d43e4c07a98a875c7910a273616c74"},
	{"hello", "{SHA256}LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
	{"hello", "{SSHA256}h9q6P+Jjs0wzWg7jso/+xNFZqtZUJQLq9VHce5EowmdzYWx0"},
	{"hello", "{SHA512}m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw"},
	{"hello", "{ssha512}tnMoNq/Vy9eD05V48D0nBn/3hwVvUHv8PUZRRl6NCkX1eMWrm7dcwcmaue9TqJBxkEZNQSmxxAVympkZmQCgq3NhbHQ="},
	{"hello", "{SHA224}6gmunMZ2jFD87pA+0FRVblv8g0eQfxJZiqJBkw=="},
	{"hello", "{SSHA224}HdcpdIwCxTeiK2iva7b89nMlyGjSvR6Cu7F7TnNhbHQ="},
	{"hello", "{SHA384}WeF0h3dEjGnea4ANejO7+5/xtGPkQ1TDVTvNucZm+pASWjx5+QOXvfX2oT3oKGhP"},
	{"hello", "{SSHA384}eV6+DEjOdWkntVl8PhLEaFkPY/aa6Gi9HDPBQr3znI+sStRni03ry/L26lDuQECQc2FsdA=="},
	{"hello", "{sha2}ea09ae9cc6768c50fcee903ed054556e5bfc8347907f12598aa24193"},
	{"hello", "{sha2}2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
	{"hello", "{sha2}59e1748777448c69de6b800d7a33bbfb9ff1b463e44354c3553bcdb9c666fa90125a3c79f90397bdf5f6a13de828684f"},
	{"hello", "{sha2}9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043"},
	{"hello", "{SHA3-224}uH+IxycC//F0jli4fpFBpCwNvtwpp4yw1KXNgQ=="},
	{"hello", "{ssha3-224}u7SCRQ/yclbJ3xlkCUm+GskOjuOUue0v2HwdtXNhbHQ="},
	{"hello", "{SHA3-256}Mzi+aU9QxfM4gUmGzfBoZFOoiLhPQk15KvS5ICOY85I="},
	{"hello", "{ssha3-256}ljPgWpp9OHqIPDpAwX5r84mOajVjJgwe657ognJ3ZFxzYWx0"},
	{"hello", "{SHA3-384}cgrqEQGe8GRA+/Bdh6okaAohU985B7I2MecXfOYg+hMw/wfA/d7lRpmkw+4O6diH"},
	{"hello", "{ssha3-384}SlbT/6b3RB5VFgFYDfvRuCAgLySVHJIldenMa1WvGX/ee1tL1X0vMnQMvKjdmhLdc2FsdA=="},
	{"hello", "{SHA3-512}ddUnw2jy7+hI7Pawc6NnZ4AIBenu8rGFfV+YTwNutt+JHXX3LZsVRRjBzViDUobR2po43ro96YtaU+XteKhJdg=="},
	{"hello", "{ssha3-512}GutyJnNIjmXHZ0jMARvFOw1o4yUbOZKNBdyIboW2/8ZwrF7MDHmyWRWPL74y4Tx+3UcL6dDTUHcZ6Zymb5tkInNhbHQ="},
	{"password", "{NT}8846f7eaee8fb117ad06bdd830b7586c"},
	{"clientPass", "{nthash}44EBBA8D5312B8D611474411F56989AE"}, // RFC 2759 s9.2
	{"hello", "hello"},
	{"hello", "{clear}hello"},
	{"hello", "{Cleartext}hello"},
	{"{ssha}hello", "{clear}{ssha}hello"},
	{"$money", "$money"},
	{"{}", "{}"},
	{"{a b}", "{a b}"},
}

func TestVerify(t *testing.T) {
	for _, v := range vectors {
		s, err := Parse("", []byte(v.stored))
		if err != nil {
			t.Errorf("%s: %v", v.stored, err)
			continue
		}
		if !s.Verify([]byte(v.password)) {
			t.Errorf("%s: %q does not fit", v.stored, v.password)
		}
		for _, wrong := range []string{"", v.password + "x", v.password[1:], strings.ToUpper(v.password) + " ", strings.Repeat("x", 513)} {
			if s.Verify([]byte(wrong)) {
				t.Errorf("%s: %q fits", v.stored, wrong)
			}
		}
	}
}

func TestSchemes(t *testing.T) {
	for _, tc := range []struct{ scheme, stored, password string }{
		{"clear", "{ssha}x", "{ssha}x"},
		{"clear", "$1$x", "$1$x"},
		{"crypt", "$1$s$e3cU4diUKuLjXnDANdfhU0", "p"},
		{"nt", "8846F7EAEE8FB117AD06BDD830B7586C", "password"},
		{"nt", "\x88\x46\xf7\xea\xee\x8f\xb1\x17\xad\x06\xbd\xd8\x30\xb7\x58\x6c", "password"},
	} {
		s, err := Parse(tc.scheme, []byte(tc.stored))
		if err != nil || !s.Verify([]byte(tc.password)) {
			t.Errorf("%s %q: %v", tc.scheme, tc.stored, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	sum86 := strings.Repeat("a", 86)
	for _, tc := range []struct {
		scheme, stored string
		want           error
	}{
		{"rot13", "x", ErrScheme},
		{"", "{foo}secret", ErrHeader},
		{"", "$y$j9T$secret", ErrForm},
		{"", "$y$j9T$saltsaltsaltsal!$MWuSmQ8ENvljvs4LVnV88Qu5UShFdkw10PzI.1kY5A4", ErrForm},
		{"", "$y$j9T$z$MWuSmQ8ENvljvs4LVnV88Qu5UShFdkw10PzI.1kY5A4", ErrForm},
		{"", "$y$j9T5$saltsaltsaltsalt$MWuSmQ8ENvljvs4LVnV88Qu5UShFdkw10PzI.1kY5A4", ErrForm},
		{"", "$y$jFT$saltsaltsaltsalt$MWuSmQ8ENvljvs4LVnV88Qu5UShFdkw10PzI.1kY5A4", ErrCost},
		{"", "$y$j.T$saltsaltsaltsalt$MWuSmQ8ENvljvs4LVnV88Qu5UShFdkw10PzI.1kY5A4", ErrCost},
		{"", "$y$j9z$saltsaltsaltsalt$MWuSmQ8ENvljvs4LVnV88Qu5UShFdkw10PzI.1kY5A4", ErrCost},
		{"", "$7$CU..../....$secret", ErrCrypt},
		{"", "$argon2id$secret", ErrForm},
		{"", "$argon2id$v=16$m=64,t=1,p=2$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrForm},
		{"", "$argon2id$v=19$t=1,m=64,p=2$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrForm},
		{"", "$argon2id$v=19$m=64,t=1,p=2$$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrForm},
		{"", "$argon2id$v=19$m=64,t=1,p=2$MTIzNDU2Nzg$yNvYko5IVyf", ErrForm},
		{"", "$argon2id$v=19$m=64,t=-1,p=2$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrForm},
		{"", "$argon2id$v=19$m=131073,t=1,p=2$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrCost},
		{"", "$argon2id$v=19$m=131072,t=9,p=2$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrCost},
		{"", "$argon2id$v=19$m=1024,t=1,p=17$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrCost},
		{"", "$argon2i$v=19$m=8,t=1,p=2$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrCost},
		{"", "$argon2i$v=19$m=64,t=0,p=2$MTIzNDU2Nzg$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", ErrCost},
		{"", "$pbkdf2-sha256$secret", ErrForm},
		{"", "$pbkdf2-sha256$2000001$c2FsdA$XrptE4gTr9NOU6/syEEPKbZXjg7WjUl3oYiWQfgseDU", ErrCost},
		{"", "$pbkdf2-sha256$0$c2FsdA$XrptE4gTr9NOU6/syEEPKbZXjg7WjUl3oYiWQfgseDU", ErrCost},
		{"", "$pbkdf2-sha256$99999999999$c2FsdA$XrptE4gTr9NOU6/syEEPKbZXjg7WjUl3oYiWQfgseDU", ErrCost},
		{"", "$pbkdf2-sha256$9$c2FsdA$XrptE4", ErrForm},
		{"", "$pbkdf2-md5$9$c2FsdA$XrptE4gTr9NOU6/syEEPKbZXjg7WjUl3oYiWQfgseDU", ErrCrypt},
		{"", "pbkdf2_sha256$secret", ErrForm},
		{"pbkdf2", "HMACSHA2+512:AAAD6A==:MDEyMzQ1Njc4OQ==", ErrForm},
		{"pbkdf2", "HMACSHA2+512:AAAD:MDEyMzQ1Njc4OQ==:hHC0K1Zc9L7b0Yl9pYXbkw28zEKEmxdOlYS/madNfz41yqoIQlcqmzc=", ErrForm},
		{"pbkdf2", "HMACMD5:AAAD6A==:MDEyMzQ1Njc4OQ==:hHC0K1Zc9L7b0Yl9pYXbkw28zEKEmxdOlYS/madNfz41yqoIQlcqmzc=", ErrForm},
		{"pbkdf2", "HMACSHA1://///w==:MDEyMzQ1Njc4OQ==:hHC0K1Zc9L7b0Yl9pYXbkw28zEKEmxdOlYS/madNfz41yqoIQlcqmzc=", ErrCost},
		{"crypt", "_....rasmG1gANnusqQA", ErrCost},
		{"crypt", "_zzzzrasmG1gANnusqQA", ErrCost},
		{"crypt", "_J9..rasmG1gANnusqQ", ErrForm},
		{"crypt", "_J9..rasmG1gANnusq!A", ErrForm},
		{"crypt", "abl0JrMf6tlh", ErrCrypt},
		{"crypt", "abl0JrMf6tl!w", ErrCrypt},
		{"", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", ErrCrypt},
		{"crypt", "", ErrCrypt},
		{"crypt", "secret", ErrCrypt},
		{"crypt", "1$s$e3cU4diUKuLjXnDANdfhU0", ErrCrypt},
		{"crypt", "!abJnggxhB/yWI", ErrCrypt},
		{"crypt", "*", ErrCrypt},
		{"", "$1$s$e3cU4diUKuLjXnDANdfhU", ErrForm},
		{"", "$1$ninechars$e3cU4diUKuLjXnDANdfhU0", ErrForm},
		{"", "$1$s", ErrForm},
		{"", "$1$s$e3cU4diUKuLjXnDANdfhU!", ErrForm},
		{"", "$5$s$" + sum86, ErrForm},
		{"", "$6$saltsaltsaltsalt1$" + sum86, ErrForm},
		{"", "$6$rounds=$s$" + sum86, ErrForm},
		{"", "$6$rounds=x$s$" + sum86, ErrForm},
		{"", "$6$rounds=-1$s$" + sum86, ErrForm},
		{"", "$6$rounds=999$s$" + sum86, ErrCost},
		{"", "$6$rounds=1000001$s$" + sum86, ErrCost},
		{"", "$6$rounds=99999999999999999999$s$" + sum86, ErrCost},
		{"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", ErrForm},
		{"", "$2a$0x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", ErrForm},
		{"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe!", ErrForm},
		{"", "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", ErrCost},
		{"", "$2a$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", ErrCost},
		{"", "{SHA}secret", ErrEncoded},
		{"", "{SHA}!!!!", ErrEncoded},
		{"", "{MD5}qvTGHdzF6KLavt4PO0gs2a6pQ00=", ErrEncoded},
		{"", "{SSHA}qvTGHdzF6KLavt4PO0gs2a6pQ00=", ErrEncoded}, // no salt
		{"nt", "secret", ErrEncoded},
	} {
		s, err := Parse(tc.scheme, []byte(tc.stored))
		if !errors.Is(err, tc.want) {
			t.Errorf("%s %s: error %v, want %v", tc.scheme, tc.stored, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q tells the password", err)
		}
		if s.Verify([]byte("x")) || s.Verify(nil) {
			t.Errorf("%s: what was refused fits", tc.stored)
		}
	}
}

// An empty password fits only one that is stored empty and marked so, not a field that is empty by chance.
func TestEmpty(t *testing.T) {
	empty, err := Parse("", []byte("{clear}"))
	if err != nil || !empty.Verify(nil) || empty.Verify([]byte("x")) {
		t.Errorf("stored empty: %v", err)
	}
	for _, scheme := range []string{"", "clear"} {
		s, err := Parse(scheme, nil)
		if text, clear := s.Clear(); err != nil || s.Verify(nil) || !clear || len(text) == 0 {
			t.Errorf("scheme %q: %v, or the empty password fits", scheme, err)
		}
	}
	for _, stored := range []string{"x", "{md5}d41d8cd98f00b204e9800998ecf8427e", "$1$$qRPK7m23GJusamGpoGLby/"} {
		if s, err := Parse("", []byte(stored)); err != nil || s.Verify(nil) {
			t.Errorf("%s: %v, or the empty password fits", stored, err)
		}
	}
	if zero := new(Stored); zero.Verify(nil) || zero.Verify([]byte("x")) {
		t.Error("the zero Stored fits something")
	}
}

func TestClear(t *testing.T) {
	s, _ := Parse("", []byte("{clear}hello"))
	if text, ok := s.Clear(); string(text) != "hello" || !ok {
		t.Errorf("%q, %v", text, ok)
	}
	s, _ = Parse("", []byte("{NT}8846f7eaee8fb117ad06bdd830b7586c"))
	if _, ok := s.Clear(); ok {
		t.Error("a hashed password has a clear text")
	}
}

func TestStoredNTHash(t *testing.T) {
	for stored, want := range map[string]string{
		"{NT}8846f7eaee8fb117ad06bdd830b7586c": "8846f7eaee8fb117ad06bdd830b7586c",
		"password":                             "8846f7eaee8fb117ad06bdd830b7586c",
		"gr\xfc\xdfe":                          "",
		"$1$s$e3cU4diUKuLjXnDANdfhU0":          "",
	} {
		s, err := Parse("", []byte(stored))
		sum, ok := s.NTHash()
		if err != nil || ok != (want != "") || ok && hex.EncodeToString(sum[:]) != want {
			t.Errorf("%q: %x, %v, %v", stored, sum, ok, err)
		}
	}
}

// same is equality, whatever the lengths.
func TestSame(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 129)
	if !same(long, bytes.Clone(long)) || same(long, long[:128]) || same(long[:128], long) {
		t.Error("129 octets")
	}
	rapid.Check(t, func(t *rapid.T) {
		bytesGen := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a'}), 0, 200)
		x, y := bytesGen.Draw(t, "x"), bytesGen.Draw(t, "y")
		if same(x, y) != bytes.Equal(x, y) || !same(x, bytes.Clone(x)) {
			t.Fatalf("% x and % x", x, y)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add("", []byte(v.stored), []byte(v.password))
	}
	f.Add("crypt", []byte("abJnggxhB/yWI"), []byte("x"))
	f.Add("crypt", []byte("_J9..rasmG1gANnusqQA"), []byte("x"))
	f.Add("pbkdf2", []byte("HMACSHA1:AAAD6A==:MDEyMzQ1Njc4OQ==:hHC0K1Zc9L7b0Yl9pYXbkw28zEI="), []byte("x"))
	f.Add("nt", []byte("0123456789abcdef"), []byte("\xff"))
	f.Fuzz(func(t *testing.T, scheme string, stored, given []byte) {
		s, err := Parse(scheme, stored)
		if err != nil && s.Cost() != (Cost{}) {
			t.Fatal("an error and a password")
		}
		if s.Costly() {
			if s.Cost().Micros() > 5_000_000 {
				t.Fatalf("%v is out of bounds", s.Cost())
			}
			return // too slow to try
		}
		if right := s.Verify(given); right && len(given) == 0 && len(stored) > 0 && stored[0] != '{' && stored[0] != 'e' {
			t.Fatalf("the empty password fits %q", stored)
		}
	})
}
