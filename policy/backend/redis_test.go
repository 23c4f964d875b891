package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"perilune/engine/config"
	"perilune/policy/module"
)

// A redisServer is a real Redis or Valkey.
type redisServer struct {
	t      testing.TB
	Socket string
	args   []string
	cmd    *exec.Cmd
}

// startRedis starts one on a socket in a directory of the test's own.
func startRedis(t testing.TB, args ...string) *redisServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &redisServer{t: t, Socket: filepath.Join(dir, "s")}
	s.args = append([]string{"--port", "0", "--unixsocket", s.Socket, "--dir", dir, "--save", "", "--appendonly", "no"}, args...)
	s.start()
	t.Cleanup(s.stop)
	return s
}

func redisProgram(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("PERILUNE_TOOLS") == "require" {
		t.Fatal("neither valkey-server nor redis-server is installed")
	}
	t.Skip("neither valkey-server nor redis-server is installed")
	return ""
}

func (s *redisServer) start() {
	s.t.Helper()
	s.cmd = exec.Command(redisProgram(s.t), s.args...)
	var said strings.Builder
	s.cmd.Stdout, s.cmd.Stderr = &said, &said
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("unix", s.Socket)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("it does not listen: %s", said.String())
		}
	}
}

func (s *redisServer) stop() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

// remote gives settings with one table "t" at an address.
func remote(address string, change func(*config.BackendKV)) Settings {
	b := config.DefaultKV()
	b.Address, b.Timeout = address, 10*time.Second // the machine may be busy
	if change != nil {
		change(&b)
	}
	return Settings{Backend: config.Backend{KV: map[string]*config.BackendKV{"t": &b}}}
}

// openTable opens the table "t" of a server of its own.
func openTable(t testing.TB, s Settings) module.KV {
	t.Helper()
	l := New(time.Now, nil).Lease(s)
	t.Cleanup(l.Close)
	kv, err := l.KV("t", module.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// text gives plain data for a text.
func plain(s string) string { return "\x04" + string(rune(len(s))) + s }

func TestRedisTable(t *testing.T) {
	kv := openTable(t, remote(startRedis(t).Socket, nil))
	ctx := t.Context()
	step := func(what string, got any, err error, want string) {
		t.Helper()
		if text := fmt.Sprint(got, " ", err); text != want {
			t.Errorf("%s: got %s, want %s", what, text, want)
		}
	}
	v, err := kv.Get(ctx, "a")
	step("get of nothing", v == "", err, "true <nil>")
	step("set", nil, kv.Set(ctx, "a", plain("x"), 0), "<nil> <nil>")
	v, err = kv.Get(ctx, "a")
	step("get", v == plain("x"), err, "true <nil>")
	n, err := kv.Incr(ctx, "a", 1, 0)
	step("incr of a text", n, err, "0 incr: the value is no number")
	n, err = kv.Incr(ctx, "n", 0.1, time.Hour)
	step("incr", n, err, "0.1 <nil>")
	n, err = kv.Incr(ctx, "n", 0.2, time.Hour)
	step("incr again", n, err, "0.30000000000000004 <nil>")
	v, err = kv.Get(ctx, "n")
	step("get of a sum", v == module.EncodeNumber(0.30000000000000004), err, "true <nil>")
	done, err := kv.CAS(ctx, "n", module.EncodeNumber(0.30000000000000004), module.EncodeNumber(1e300), 0)
	step("cas of a sum", done, err, "true <nil>")
	n, err = kv.Incr(ctx, "n", 1e308, 0)
	step("incr of much", n, err, "1.00000001e+308 <nil>")
	n, err = kv.Incr(ctx, "n", 1e308, 0)
	step("incr beyond", n, err, "0 incr: the sum is beyond all numbers")
	done, err = kv.CAS(ctx, "a", plain("y"), plain("z"), 0)
	step("cas of another", done, err, "false <nil>")
	done, err = kv.CAS(ctx, "a", plain("x"), "", 0)
	step("cas to nothing", done, err, "true <nil>")
	done, err = kv.CAS(ctx, "a", "", plain("z"), 20*time.Millisecond)
	step("cas from nothing", done, err, "true <nil>")
	for end := time.Now().Add(5 * time.Second); v != "" && time.Now().Before(end); {
		v, err = kv.Get(ctx, "a")
	}
	step("its end", v == "", err, "true <nil>")
	done, err = kv.Del(ctx, "n")
	step("del", done, err, "true <nil>")
	done, err = kv.Del(ctx, "n")
	step("del of nothing", done, err, "false <nil>")
}

func TestRedisIsShared(t *testing.T) {
	s := startRedis(t)
	const workers, each = 8, 50
	var all sync.WaitGroup
	for range workers {
		kv := openTable(t, remote(s.Socket, nil))
		all.Go(func() {
			for range each {
				if _, err := kv.Incr(t.Context(), "n", 1, time.Hour); err != nil {
					t.Error(err)
				}
				for done := false; !done; {
					old, err := kv.Get(t.Context(), "u")
					if err != nil {
						t.Error(err)
						return
					}
					n, _ := module.DecodeNumber(old)
					if done, err = kv.CAS(t.Context(), "u", old, module.EncodeNumber(n+1), time.Hour); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	kv := openTable(t, remote(s.Socket, nil))
	for _, key := range []string{"n", "u"} {
		v, err := kv.Get(t.Context(), key)
		if n, _ := module.DecodeNumber(v); n != workers*each || err != nil {
			t.Errorf("%s = %v, %v; want %d", key, n, err, workers*each)
		}
	}
}

func TestRedisPassword(t *testing.T) {
	s := startRedis(t, "--requirepass", "s3cret-word")
	with := func(word string) error {
		_, err := openTable(t, remote(s.Socket, func(b *config.BackendKV) { b.Password = config.Secret(word) })).Get(t.Context(), "a")
		return err
	}
	if err := with("s3cret-word"); err != nil {
		t.Error(err)
	}
	for _, word := range []string{"", "wrong-word"} {
		err := with(word)
		if err == nil || module.AsFailure(err).Kind != "refused" || word != "" && strings.Contains(err.Error(), word) {
			t.Errorf("with %q: %v", word, err)
		}
	}
}

// TestRedisIsDead: calls fail at once, and go on when it is back.
func TestRedisIsDead(t *testing.T) {
	s := startRedis(t)
	kv := openTable(t, remote(s.Socket, func(b *config.BackendKV) { b.Cooldown = 100 * time.Millisecond }))
	if err := kv.Set(t.Context(), "a", plain("x"), 0); err != nil {
		t.Fatal(err)
	}
	s.stop()
	began, kinds := time.Now(), map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 20 {
				_, err := kv.Get(t.Context(), "a")
				mu.Lock()
				kinds[module.AsFailure(err).Kind]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > 2*time.Second || kinds["breaker"] < 800 || kinds["timeout"] > 0 {
		t.Errorf("1000 calls took %v: %v", took, kinds)
	}
	s.start()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := kv.Get(t.Context(), "a"); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal("it is not asked again: ", err)
		}
	}
}

// TestRedisIsSilent: the deadline ends a call to one that does not answer.
func TestRedisIsSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	kv := openTable(t, remote(l.Addr().String(), func(b *config.BackendKV) { b.Timeout = 30 * time.Second }))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = kv.Get(ctx, "a")
	if took := time.Since(began); took > time.Second || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v after %v", err, took)
	}
	cut, cancelNow := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancelNow)
	began = time.Now()
	_, err = kv.Get(cut, "a")
	if took := time.Since(began); took > time.Second || module.AsFailure(err).Kind != "timeout" {
		t.Errorf("cancelled: %v after %v", err, took)
	}
}

// TestRedisLikeMemory: a table in a Redis and one in memory give the same for the same calls.
func TestRedisLikeMemory(t *testing.T) {
	kv := openTable(t, remote(startRedis(t).Socket, nil))
	lives := 0
	rapid.Check(t, func(rt *rapid.T) {
		lives++
		memory := newMemoryTable(time.Now, limits{defaultKeys, defaultOctets})
		number := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10), rapid.Just(0.0))
		value := rapid.OneOf(rapid.Map(number, module.EncodeNumber), rapid.Map(rapid.StringN(0, 100, 100), plain))
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			key := fmt.Sprint(lives, rapid.StringMatching("[a-c]").Draw(rt, "key"))
			what := rapid.SampledFrom([]string{"set", "incr", "cas", "del", "get"}).Draw(rt, "what")
			v, old, by := value.Draw(rt, "value"), value.Draw(rt, "old"), number.Draw(rt, "by")
			if have, _ := memory.Get(t.Context(), key); have != "" && rapid.Bool().Draw(rt, "same") {
				old = have
			}
			call := func(kv module.KV) string {
				switch what {
				case "set":
					return fmt.Sprint(kv.Set(t.Context(), key, v, time.Hour))
				case "incr":
					n, err := kv.Incr(t.Context(), key, by, time.Hour)
					return fmt.Sprint(n, err)
				case "cas":
					done, err := kv.CAS(t.Context(), key, old, v, time.Hour)
					return fmt.Sprint(done, err)
				case "del":
					done, err := kv.Del(t.Context(), key)
					return fmt.Sprint(done, err)
				}
				v, err := kv.Get(t.Context(), key)
				return fmt.Sprintf("%q %v", v, err)
			}
			if here, there := call(memory), call(kv); here != there {
				rt.Fatalf("%s %s: %s in memory, %s in Redis", what, key, here, there)
			}
		}
	})
}

// TestRedisOverTLS: the server is known by its certificate, and another one is not.
func TestRedisOverTLS(t *testing.T) {
	signer := newAuthority(t, "authority")
	cert, key := signer.leaf(t, "redis", net.IPv4(127, 0, 0, 1))
	dir := t.TempDir()
	for name, text := range map[string]string{"ca": signer.pem, "cert": cert, "key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	_, port, _ := net.SplitHostPort(address)
	startRedis(t, "--tls-port", port, "--bind", "127.0.0.1", "--tls-ca-cert-file", dir+"/ca", "--tls-cert-file", dir+"/cert", "--tls-key-file", dir+"/key")
	ask := func(change func(*config.BackendKV)) error {
		s := remote(address, func(b *config.BackendKV) {
			b.TLS, b.CA, b.Cert, b.Key = true, "ca", "cert", "key"
			change(b)
		})
		s.File = func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) }
		return openTable(t, s).Set(t.Context(), "a", plain("x"), 0)
	}
	if err := ask(func(*config.BackendKV) {}); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*config.BackendKV){
		"an authority that we do not know":  func(b *config.BackendKV) { b.CA = "" },
		"no certificate of ours":            func(b *config.BackendKV) { b.Cert, b.Key = "", "" },
		"another name than the certificate": func(b *config.BackendKV) { b.Address = "localhost:" + port },
	} {
		if err := ask(change); err == nil || module.AsFailure(err).Kind != "refused" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
