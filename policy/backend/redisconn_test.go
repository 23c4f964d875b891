package backend

import (
	"bufio"
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/config"
	"perilune/policy/module"
)

// fakeRedis gives the address of a server that answers the greeting as an old one, then each call with a text, and
// closes the connection after the last one.
func fakeRedis(t testing.TB, answers ...string) string {
	return strings.TrimPrefix(hostile(t, func(c net.Conn) {
		in := make([]byte, 4096)
		for _, answer := range append([]string{"-ERR unknown command\r\n"}, answers...) {
			if _, err := c.Read(in); err != nil {
				return
			}
			io.WriteString(c, answer)
		}
	}), "http://")
}

// TestRedisHostileAnswers: whatever a server says, it is a failure in time, told in a few words, and takes no room.
func TestRedisHostileAnswers(t *testing.T) {
	const no, closed, alien = "what it sent is no answer of a Redis", "it closed the connection", "the value was not written by a Perilune"
	for name, c := range map[string]struct{ answer, want string }{
		"a text":                {"$2\r\n\x01x\r\n", "<nil>"},
		"none":                  {"$-1\r\n", "<nil>"},
		"nothing":               {"", closed},
		"half a line":           {"+OK", closed},
		"half a text":           {"$5\r\nab", closed},
		"an empty text":         {"$0\r\n\r\n", "refused: " + alien},
		"another protocol":      {"SSH-2.0-OpenSSH_9.2\r\n", no},
		"one of the web":        {okHead + "\r\n", no},
		"a line without an end": {strings.Repeat("+", 2<<20), no},
		"no carriage return":    {"+OK\n", no},
		"an empty line":         {"\r\n", no},
		"no length":             {"$x\r\n", no},
		"a negative length":     {"$-2\r\n", no},
		"a long text":           {"$1048577\r\n", no},
		"a text of terabytes":   {"$70000000000000\r\n", no},
		"a text beyond numbers": {"$9223372036854775807\r\n", no},
		"a long list":           {"*2147483647\r\n", no},
		"a list":                {"*1\r\n$1\r\na\r\n", "redis: can't parse reply=\"*1\" reading string"},
		"another generation":    {"%1\r\n+a\r\n+b\r\n", no},
		"a push":                {">2\r\n+invalidate\r\n*1\r\n+a\r\n", no},
		"an attribute":          {"|1\r\n+a\r\n+b\r\n+c\r\n", no},
		"an error":              {"-ERR no\r\n", `refused: it says "ERR no"`},
		"it is loading":         {"-LOADING\r\n", `refused: it says "LOADING"`},
		"another node":          {"-MOVED 1 127.0.0.1:1\r\n", `refused: it says "MOVED 1 127.0.0.1:1"`},
	} {
		t.Run(name, func(t *testing.T) {
			kv := openTable(t, remote(fakeRedis(t, c.answer), nil))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			v, err := kv.Get(t.Context(), "a")
			runtime.ReadMemStats(&after)
			got := "<nil>"
			if err != nil {
				got = err.Error()
			}
			if got != c.want || err != nil && v != "" {
				t.Errorf("got %q, %s, want %s", v, got, c.want)
			}
			if took, room := time.Since(began), after.TotalAlloc-before.TotalAlloc; took > 5*time.Second || room > 64<<20 {
				t.Errorf("it took %v and %d octets", took, room)
			}
		})
	}
}

// TestRedisHostileLists: the answer of a script may be a list for the library, not for us.
func TestRedisHostileLists(t *testing.T) {
	const no = "what it sent is no answer of a Redis"
	for name, c := range map[string]struct{ answer, want string }{
		"lists in lists": {strings.Repeat("*1\r\n", 1<<20), no},
		"long in pieces": {"*4096\r\n" + strings.Repeat("$100000\r\n"+strings.Repeat("x", 100000)+"\r\n", 20), no},
		"wide lists":     {"*2\r\n*4000\r\n*4000\r\n", no},
		"a list":         {"*1\r\n$1\r\na\r\n", "redis: unexpected type=[]interface {} for String"},
		"no number":      {"$1\r\na\r\n", `strconv.ParseFloat: parsing "a": invalid syntax`},
		"a whole one":    {":1\r\n", "redis: unexpected type=int64 for String"},
		"none":           {"$-1\r\n", no},
	} {
		t.Run(name, func(t *testing.T) {
			kv := openTable(t, remote(fakeRedis(t, c.answer), nil))
			if n, err := kv.Incr(t.Context(), "a", 1, 0); err == nil || err.Error() != c.want {
				t.Errorf("got %v, %v, want %s", n, err, c.want)
			}
		})
	}
}

// TestRedisAnswerTooMuch: what comes after an answer is not taken for the next one.
func TestRedisAnswerTooMuch(t *testing.T) {
	kv := openTable(t, remote(fakeRedis(t, "$2\r\n\x01x\r\n$2\r\n\x01y\r\n", "$2\r\n\x01z\r\n"), nil))
	for range 3 {
		if v, err := kv.Get(t.Context(), "a"); v != "\x01x" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
	}
}

// An octets is a connection on which these come, whatever is asked.
type octets struct {
	net.Conn
	in io.Reader
}

func (o *octets) Read(b []byte) (int, error)  { return o.in.Read(b) }
func (o *octets) Write(b []byte) (int, error) { return len(b), nil }

// FuzzRedisAnswer: all that comes through is bounded: a text is as long as it says, and no longer than it may be.
func FuzzRedisAnswer(f *testing.F) {
	for _, seed := range []string{"+OK\r\n", "$3\r\nabc\r\n", "$-1\r\n", ":12\r\n", "-ERR\r\n", "$1048576\r\n", "*2\r\n$1\r\na\r\n*-1\r\n", "$1\r\nabc"} {
		f.Add(seed, 7)
	}
	f.Fuzz(func(t *testing.T, in string, size int) {
		size = 1 + max(size, 0)%8192
		c := &redisConn{Conn: &octets{in: bufio.NewReaderSize(strings.NewReader(in), 16)}}
		c.Write(nil)
		buf, got := make([]byte, size), 0
		for {
			n, err := c.Read(buf)
			if got += n; err != nil {
				break
			}
			if c.body < 0 || c.body > maxReply+2 || c.items < 0 || len(c.line) > maxReply {
				t.Fatalf("%+v", c)
			}
		}
		if got > maxReply {
			t.Fatalf("%d octets", got)
		}
	})
}

// TestRedisRestarts: connections that were closed while nobody used them are not used.
func TestRedisRestarts(t *testing.T) {
	s := startRedis(t)
	kv := openTable(t, remote(s.Socket, nil))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { kv.Set(t.Context(), "a", plain("x"), 0) })
	}
	all.Wait()
	s.stop()
	s.start()
	for range 20 {
		if _, err := kv.Get(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	}
}

// TestRedisBounds: so many connections, so many calls that wait for one, and no more.
func TestRedisBounds(t *testing.T) {
	var open, tooMany atomic.Int64
	answer := make(chan struct{})
	address := strings.TrimPrefix(hostile(t, func(c net.Conn) {
		if open.Add(1) > 3 {
			tooMany.Add(1)
		}
		defer open.Add(-1)
		in := make([]byte, 4096)
		for {
			if _, err := c.Read(in); err != nil {
				return
			}
			<-answer
			io.WriteString(c, "-ERR no\r\n")
		}
	}), "http://")
	kv := openTable(t, remote(address, func(b *config.BackendKV) { b.Connections, b.Waiting, b.Fails = 3, 5, 0 }))
	var all sync.WaitGroup
	var busy, refused atomic.Int64
	for range 20 {
		all.Go(func() {
			_, err := kv.Get(t.Context(), "a")
			switch kind := module.AsFailure(err).Kind; kind {
			case "busy":
				busy.Add(1)
			case "refused":
				refused.Add(1)
			default:
				t.Errorf("%s: %v", kind, err)
			}
		})
	}
	eventually(t, "the rest is busy", func() bool { return busy.Load() == 12 && open.Load() == 3 })
	close(answer)
	all.Wait()
	if busy.Load() != 12 || refused.Load() != 8 || tooMany.Load() != 0 {
		t.Errorf("%d busy, %d refused, %d connections beyond three", busy.Load(), refused.Load(), tooMany.Load())
	}
}

// TestRedisCrowd: many calls over few connections, which break off now and then, all go well or are told.
func TestRedisCrowd(t *testing.T) {
	s := startRedis(t)
	kv := openTable(t, remote(s.Socket, func(b *config.BackendKV) { b.Connections, b.Fails = 3, 0 }))
	var all sync.WaitGroup
	for worker := range 20 {
		all.Go(func() {
			for i := range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				if (worker+i)%10 == 0 {
					cancel()
				}
				if _, err := kv.Incr(ctx, "n", 1, 0); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
}

// TestRedisCloses: a call that is under way when its generation ends goes on; one after that fails.
func TestRedisCloses(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	address := strings.TrimPrefix(hostile(t, func(c net.Conn) {
		in := make([]byte, 4096)
		c.Read(in)
		io.WriteString(c, "-ERR unknown command\r\n")
		c.Read(in)
		close(asked)
		<-answer
		io.WriteString(c, "$-1\r\n")
	}), "http://")
	lease := New(time.Now, nil).Lease(remote(address, nil))
	kv, err := lease.KV("t", module.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := kv.Get(t.Context(), "a")
		done <- err
	}()
	<-asked
	lease.Close()
	close(answer)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := kv.Get(t.Context(), "a"); err == nil {
		t.Error("it is still open")
	}
}
