package auth

import (
	"testing"
	"time"
)

// A Dummy is of the cost of what it stands for, and nothing fits it.
func TestDummy(t *testing.T) {
	for _, v := range vectors {
		s, err := Parse("", []byte(v.stored))
		if err != nil {
			t.Fatal(err)
		}
		d := Dummy(s.Cost())
		if d.Cost() != s.Cost() || d.Costly() != s.Costly() {
			t.Errorf("%s: cost %v, want %v", v.stored, d.Cost(), s.Cost())
		}
		for _, given := range []string{"", "x", v.password} {
			if d.Verify([]byte(given)) {
				t.Errorf("%s: %q fits the dummy", v.stored, given)
			}
		}
		text, clear := d.Clear()
		if _, want := s.Clear(); clear != want {
			t.Errorf("%s: clear %v, want %v", v.stored, clear, want)
		}
		if clear && (len(text) < 16 || d.Verify(text)) {
			t.Errorf("clear text of the dummy is %q", text)
		}
	}
}

// The dummy must do the work, not only carry its name: a hash that fails early would give unknown users
// away. A tenth of the time of a true one is far more than an early end takes.
func TestDummyWorks(t *testing.T) {
	for _, stored := range []string{
		"$2b$04$abcdefghijklmnopqrstuutfXvgqvgcwfSOMQiptpSSyyJb8gTo4q",
		"$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1",
		"$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
		"$y$j75$saltsaltsaltsalt$U86Qit1AK8YfSmWXs/smucpzmiCQzeOQuZN9bLBMKK4",
		"$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHQ$/v1rAVCm4hCxbbDKxLpCfGq3gAc/U/05xj7PNlby0gw",
		"$pbkdf2-sha256$1000$....c2FsdHNhbHT/$j25vq5D4VSXz5gzSyfZr9bSffWG.rowM3wbF4/hmOlo",
		"{crypt}_J9..rasmG1gANnusqQA",
		"{crypt}abl0JrMf6tlhw",
	} {
		s, err := Parse("", []byte(stored))
		if err != nil {
			t.Fatal(err)
		}
		if want, got := fastest(s), fastest(Dummy(s.Cost())); got < want/10 {
			t.Errorf("%s: dummy takes %v, a wrong password %v", stored, got, want)
		}
	}
}

func fastest(s Stored) time.Duration {
	best := time.Hour
	for range 5 {
		start := time.Now()
		s.Verify([]byte("wrong"))
		best = min(best, time.Since(start))
	}
	return best
}

func TestDummyStaysInBounds(t *testing.T) {
	for _, tc := range []struct{ ask, want Cost }{
		{Cost{}, Cost{Scheme: SchemeClear}},
		{Cost{Scheme: SchemeBSDi}, Cost{Scheme: SchemeBSDi, Rounds: 1}},
		{Cost{Scheme: SchemePBKDF2SHA1, Rounds: 1 << 40}, Cost{Scheme: SchemePBKDF2SHA1, Rounds: 2_000_000}},
		{Cost{Scheme: SchemeArgon2id}, Cost{Scheme: SchemeArgon2id, Rounds: 1, Memory: 8, Lanes: 1}},
		{Cost{Scheme: SchemeArgon2i, Rounds: 1 << 40, Memory: 1 << 40, Lanes: 99}, Cost{Scheme: SchemeArgon2i, Rounds: 8, Memory: 128 << 10, Lanes: 16}},
		{Cost{Scheme: SchemeBcrypt, Rounds: 99}, Cost{Scheme: SchemeBcrypt, Rounds: 16}},
		{Cost{Scheme: SchemeBcrypt, Rounds: 0}, Cost{Scheme: SchemeBcrypt, Rounds: 4}},
		{Cost{Scheme: SchemeSHA512Crypt, Rounds: 1 << 40}, Cost{Scheme: SchemeSHA512Crypt, Rounds: 1_000_000}},
		{Cost{Scheme: SchemeYescrypt, Rounds: 0}, Cost{Scheme: SchemeYescrypt, Rounds: 1024}},
		{Cost{Scheme: SchemeYescrypt, Rounds: 1 << 40}, Cost{Scheme: SchemeYescrypt, Rounds: 1 << 19}},
		{Cost{Scheme: SchemeSHA256Crypt, Rounds: 0}, Cost{Scheme: SchemeSHA256Crypt, Rounds: 1000}},
	} {
		if got := Dummy(tc.ask).Cost(); got != tc.want {
			t.Errorf("Dummy(%v) has cost %v, want %v", tc.ask, got, tc.want)
		}
	}
}

func TestCostly(t *testing.T) {
	for stored, want := range map[string]bool{
		"hello":                             false,
		"{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00=": false,
		"$1$s$e3cU4diUKuLjXnDANdfhU0":       true,
		"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5":    true,
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": true,
	} {
		s, err := Parse("", []byte(stored))
		if err != nil || s.Costly() != want {
			t.Errorf("%s: %v, costly %v", stored, err, s.Costly())
		}
	}
}
