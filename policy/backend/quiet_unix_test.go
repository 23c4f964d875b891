//go:build unix

package backend

import (
	"net"
	"testing"
	"time"
)

// TestQuiet: looking at a connection waits for nobody, not even for somebody who reads from it.
func TestQuiet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		c.Read(make([]byte, 1))
	}()
	for range 20 { // until the reader waits
		within(t, 5*time.Second, "looking", func() {
			if !quiet(c) {
				t.Error("not quiet")
			}
		})
		time.Sleep(time.Millisecond)
	}
	other.Write([]byte("x"))
	<-over
	other.Write([]byte("x"))
	eventually(t, "what was said is seen", func() bool { return !quiet(c) })
	other.Close()
	c.Close()
	if quiet(c) {
		t.Error("a closed connection is quiet")
	}
}
