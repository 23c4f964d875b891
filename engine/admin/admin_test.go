package admin

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// net/http holds a connection open for half a second after an answer to what it has not read to its end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func listen(t *testing.T, routes ...Route) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin.sock")
	s, err := Listen(Options{Path: path, Log: quiet()}, routes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return path
}

func TestCall(t *testing.T) {
	path := listen(t,
		Route{"status", Read, func(c *Call) (any, error) {
			return map[string]any{"name": c.Params["name"], "uid": c.Peer.UID}, nil
		}},
		Route{"reload", Change, func(*Call) (any, error) { return nil, errors.New("users:3:1: no") }},
		Route{"trace", Read, func(c *Call) (any, error) {
			for i := range 3 {
				if err := c.Send(i); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}},
	)
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o660 {
		t.Errorf("socket mode %v, %v; want 0660", st.Mode(), err)
	}
	c := Dial(path)
	var got struct {
		Name string
		UID  int
	}
	if err := c.Do(t.Context(), "status", map[string]string{"name": "x"}, &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "x" || got.UID != os.Geteuid() {
		t.Errorf("status gave %+v", got)
	}
	var refused *RefusedError
	if err := c.Do(t.Context(), "reload", nil, nil); !errors.As(err, &refused) || refused.Text != "users:3:1: no" {
		t.Errorf("reload gave %v", err)
	}
	var lines []string
	err := c.Stream(t.Context(), "trace", nil, func(v json.RawMessage) error { lines = append(lines, string(v)); return nil })
	if diff := cmp.Diff([]string{"0", "1", "2"}, lines); err != nil || diff != "" {
		t.Errorf("trace: %v (-want +got):\n%s", err, diff)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	path := listen(t)
	if _, err := Listen(Options{Path: path, Log: quiet()}, nil); !errors.Is(err, ErrRunning) {
		t.Errorf("a second Listen gave %v", err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := listenPrivate(path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*unlinking).Listener.Close() // leaves the file, as a crash does
	s, err := Listen(Options{Path: path, Log: quiet()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there after Close: %v", err)
	}
}

func TestFileInTheWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	os.WriteFile(path, []byte("mine"), 0o600)
	if _, err := Listen(Options{Path: path, Log: quiet()}, nil); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("Listen over a file gave %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	err := Dial(filepath.Join(t.TempDir(), "none.sock")).Do(t.Context(), "status", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "no server answers") {
		t.Errorf("got %v", err)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	ready := errors.New("degraded: started from the last good generation")
	h := Health{Live: func() error { return nil }, Ready: func() error { return ready }}
	m := func(yield func(Sample)) {
		yield(Sample{Name: "perilune_requests_total", Help: "Requests.", Labels: []string{"code", "Access-Request"}, Value: 3})
		yield(Sample{Name: "perilune_generation", Help: "Number.", Gauge: true, Value: 2})
	}
	s, addr, err := ListenHTTP("127.0.0.1:0", h, m)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]string{
		"/live":    "ok",
		"/ready":   "degraded: started",
		"/metrics": `perilune_requests_total{code="Access-Request"} 3`,
	} {
		resp, err := c.Get("http://" + addr.String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(body), want) {
			t.Errorf("%s gave %d %.200s; want %q in it", path, resp.StatusCode, body, want)
		}
	}
}
