package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"
)

// A Role is what a peer of the socket may do.
type Role uint8

// The roles. Whoever can open the socket may read; changing takes root, the server's own user, or a user
// that the configuration names as operator.
const (
	Read Role = iota
	Change
)

// A Peer is the process at the other end of the socket, as the kernel reports it.
type Peer struct {
	UID, GID, PID int
}

// A Call is one command that arrived on the socket.
type Call struct {
	context.Context // ends when the peer goes away or the server stops
	Peer            Peer
	Params          map[string]string
	Send            func(v any) error // streams one JSON value; a call that uses it returns nil, nil
}

// A Route answers one verb.
type Route struct {
	Verb   string
	Role   Role
	Handle func(c *Call) (any, error) // the result goes out as JSON; an error as its text
}

// Options of Listen.
type Options struct {
	Path      string   // of the socket; a stale one is replaced, a live one refused
	Group     string   // group of the socket, by name or number; "" leaves the process's own
	Operators []string // names of users with role Change beside root and the server's own
	Log       *slog.Logger
}

// A Socket serves routes until Close.
type Socket struct {
	listener net.Listener
	server   *http.Server
	log      *slog.Logger
	changers []int
	served   chan struct{} // closed when the listener is
}

// ErrRunning says that another server answers on the socket.
var ErrRunning = errors.New("another server is running: its admin socket answers")

// Listen makes the socket with mode 0660 and serves the routes on it.
func Listen(o Options, routes []Route) (*Socket, error) {
	changers, err := userIDs(o.Operators)
	if err != nil {
		return nil, err
	}
	if err := clearStale(o.Path); err != nil {
		return nil, err
	}
	l, err := listenPrivate(o.Path)
	if err != nil {
		return nil, err
	}
	if err := setGroup(o.Path, o.Group); err != nil {
		l.Close()
		return nil, err
	}
	s := &Socket{listener: l, log: o.Log, changers: append(changers, 0, os.Geteuid()), served: make(chan struct{})}
	s.server = &http.Server{Handler: s.mux(routes), ReadHeaderTimeout: 5 * time.Second, ConnContext: withPeer, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn)}
	go func() {
		defer close(s.served)
		s.server.Serve(l)
	}()
	return s, nil
}

// Close ends the socket and the calls in progress. The file is gone when it returns.
func (s *Socket) Close() error {
	err := s.server.Close()
	<-s.served
	return err
}

func (s *Socket) mux(routes []Route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc("POST /"+r.Verb, func(w http.ResponseWriter, req *http.Request) { s.serve(r, w, req) })
	}
	return mux
}

func (s *Socket) serve(r Route, w http.ResponseWriter, req *http.Request) {
	peer, ok := req.Context().Value(peerKey{}).(Peer)
	if !ok || r.Role == Change && !slices.Contains(s.changers, peer.UID) {
		s.log.Warn("admin command refused", "verb", r.Verb, "uid", peer.UID, "pid", peer.PID)
		http.Error(w, fmt.Sprintf("user %d may not %s this server; name the user in [admin] operators", peer.UID, r.Verb), http.StatusForbidden)
		return
	}
	call := &Call{Context: req.Context(), Peer: peer}
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<20)).Decode(&call.Params); err != nil {
		http.Error(w, "the command is not JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	if r.Role == Change {
		s.log.Info("admin command", "verb", r.Verb, "uid", peer.UID, "pid", peer.PID)
	}
	enc, sent := json.NewEncoder(w), false
	call.Send = func(v any) error {
		sent = true
		if err := enc.Encode(v); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	}
	result, err := r.Handle(call)
	if err != nil && sent {
		// Too late for a status: the connection breaks off, so that nobody takes the stream for whole.
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if result != nil {
		enc.Encode(result)
	}
}

// clearStale removes a socket that nobody answers on. Anything but a socket is left alone.
func clearStale(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if st.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("%s is in the way of the admin socket and is no socket", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return fmt.Errorf("%s: %w", path, ErrRunning)
	}
	return os.Remove(path)
}

func setGroup(path, group string) error {
	if group == "" {
		return nil
	}
	gid, err := strconv.Atoi(group)
	if err != nil {
		g, err := user.LookupGroup(group)
		if err != nil {
			return err
		}
		gid, _ = strconv.Atoi(g.Gid)
	}
	return os.Chown(path, -1, gid)
}

func userIDs(names []string) ([]int, error) {
	var ids []int
	for _, n := range names {
		u, err := user.Lookup(n)
		if err != nil {
			return nil, fmt.Errorf("[admin] operators: %w", err)
		}
		id, _ := strconv.Atoi(u.Uid)
		ids = append(ids, id)
	}
	return ids, nil
}

type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	if p, err := peerOf(c); err == nil {
		return context.WithValue(ctx, peerKey{}, p)
	}
	return ctx
}
