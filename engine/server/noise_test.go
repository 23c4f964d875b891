package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIsNoise(t *testing.T) {
	for text, want := range map[string]bool{
		"hello": false, "grüße": false, "gr\xfc\xdfe": false, "a\x01b": true, "\x7f": true, "": false,
		strings.Repeat("\xfc", 16): true, strings.Repeat("\xfc", 15): false, strings.Repeat("e", 16): false,
	} {
		if got := isNoise([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestNoise: what a wrong secret makes of passwords is told by client, without the octets, and counted.
func TestNoise(t *testing.T) {
	g, log := load(t, "bob Cleartext-Password := \"hello\"\n", nil), &logged{}
	c := core(t, CoreOptions{Log: newLog(log)})
	send := func(secret, ma, user, password string) {
		r := incoming(g, "auth")
		if why := c.receive(r, onWire(1, homeSecret, ma, attribute(1, user), hidden(secret, password))); why != 0 {
			t.Fatal(why)
		}
		c.process(r)
	}
	send("another secret", "", "bob", "hello")
	send("another secret", "", "nobody", "hello")
	send(homeSecret, "", "bob", "wrong")
	send(homeSecret, "", "bob", "gr\xfc\xdfe")
	send("another secret", "first", "bob", "hello") // signed with the right one
	total, clients := c.Noisy()
	if total != 2 || len(clients) != 1 {
		t.Fatalf("%d, %+v", total, clients)
	}
	if diff := cmp.Diff(Noisy{Client: "home", Passwords: 2, Last: monday}, clients[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Count(log.String(), "Unprintable password: the shared secret is probably wrong client=home") != 1 {
		t.Errorf("log %s", log)
	}
	for i := range 2 * maxNoisy {
		c.noise.add(fmt.Sprint(i), monday)
	}
	if total, clients := c.Noisy(); total != 2+2*maxNoisy || len(clients) != maxNoisy || clients[0].Client != "home" {
		t.Errorf("%d passwords, %d clients", total, len(clients))
	}
}
