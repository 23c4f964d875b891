package server

import "testing"

// BenchmarkLoginTime is the whole way of a user with hours.
func BenchmarkLoginTime(b *testing.B) {
	g := load(b, "bob Cleartext-Password := \"hello\", Login-Time := \"Wk0800-1800,Sa\"\nall Cleartext-Password := \"hello\", Login-Time := \"Mo-Sa\"\n", nil)
	c := core(b, CoreOptions{})
	for _, user := range []string{"bob", "all"} {
		b.Run(user, func(b *testing.B) {
			r := new(Request)
			datagram := wire(b, g, homeSecret, Question{Attributes: attrs(b, g, "User-Name = "+user, "User-Password = hello")})
			b.ReportAllocs()
			for b.Loop() {
				ready(r, g, "auth")
				c.receive(r, datagram)
				c.process(r)
			}
			if r.Verdict != Accept {
				b.Fatal(r.Reason)
			}
		})
	}
}
