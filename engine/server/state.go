package server

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"perilune/engine/radius"
)

// A State of ours is
//
//	mark of the key (4) | nonce (12) | sealed( expiry (5) | length of next (1) | next | data ) | tag (16)
//
// with client name and received User-Name as additional data: they bind it and take no room. The nonce is
// also its serial. RFC 2865 s5.24 leaves the contents to us and at most 253 octets.
const (
	markLen     = 4
	nonceLen    = 12
	tagLen      = 16
	expiryLen   = 5 // hundredths of a second since 1970, for 348 years
	sealedHead  = expiryLen + 1
	stateRoom   = radius.MaxValueLen - markLen - nonceLen - tagLen - sealedHead
	stateExpiry = 5 * time.Minute // of a challenge that names no timeout
	lasting     = 24 * time.Hour  // of an accept that names none: it comes back when the session ends
)

// A sealer seals and opens State. It is not changed after it was made.
type sealer struct{ keys []stateKey } // the first seals, all open

type stateKey struct {
	mark [markLen]byte // finds ours among States of others
	aead cipher.AEAD

	classMark [markLen]byte // likewise among Classes
	class     cipher.AEAD
	identity  [sha256.Size]byte // of Chargeable-User-Identity
}

// Errors of a State in a request. errForeign is not hostile: it may belong to a home server, to
// Termination-Action or to a change of authorization.
var (
	errForeign = errors.New("the State is not ours")
	errState   = errors.New("the State is altered or belongs to another user or client")
	errOld     = errors.New("the State is too old")
	errSpent   = errors.New("the State is spent")
)

// openSealer reads the keys of a file: one or two lines of 64 hex digits, the first to seal with. A file
// that does not exist is made. With "" the key lives as long as the process.
func openSealer(path string) (*sealer, error) {
	if path == "" {
		return newSealer(randomKey())
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text))
	if len(fields) == 0 || len(fields) > 2 {
		return nil, fmt.Errorf("%s: %d keys; one or two of 64 hex digits expected, one a line", path, len(fields))
	}
	var keys [][]byte
	for i, f := range fields {
		key, err := hex.DecodeString(f)
		if err != nil || len(key) != 32 {
			return nil, fmt.Errorf("%s: key %d is not 64 hex digits", path, i+1)
		}
		keys = append(keys, key)
	}
	return newSealer(keys...)
}

func makeKey(path string) (*sealer, error) {
	key := randomKey()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(f, "%x\n", key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return newSealer(key)
}

func randomKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

func newSealer(keys ...[]byte) (*sealer, error) {
	s := &sealer{}
	for _, k := range keys {
		class := derive("Class", k)
		stateSeal, err := newSeal(k)
		classSeal, other := newSeal(class[:])
		if err = errors.Join(err, other); err != nil {
			return nil, err
		}
		mark, classMark := derive("State mark", k), derive("Class mark", k)
		s.keys = append(s.keys, stateKey{[markLen]byte(mark[:]), stateSeal, [markLen]byte(classMark[:]), classSeal,
			derive("Chargeable-User-Identity", k)})
	}
	return s, nil
}

// derive gives a key for one purpose.
func derive(purpose string, key []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(purpose), key...))
}

func newSeal(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// binding is what ties a State to its conversation: the client's name, not its address (clusters, NAT), and
// the name as received, not as hints made it.
func (r *Request) binding() []byte {
	d := append(r.way.digest[:0], r.Client.Name...)
	d = append(d, 0)
	d = append(d, r.ReceivedUser...)
	r.way.digest = d
	return d
}

// append seals one State to dst. What does not fit is an error that names the sizes.
func (s *sealer) append(dst []byte, r *Request, next string, data []byte, expiry time.Time) ([]byte, error) {
	if len(next) > 255 || len(next)+len(data) > stateRoom {
		return dst, fmt.Errorf("the State holds %d octets for next= and state=; next has %d, state %d: put the rest into kv",
			stateRoom, len(next), len(data))
	}
	k := &s.keys[0]
	dst = append(dst, k.mark[:]...)
	var nonce [nonceLen]byte
	rand.Read(nonce[:])
	dst = append(dst, nonce[:]...)
	// Not into way.state: data may be what the State of the request held.
	plain := appendExpiry(r.way.values[:0], expiry)
	if r.Verdict == Accept {
		plain[0] |= ofAccept
	}
	plain = append(plain, byte(len(next)))
	plain = append(plain, next...)
	plain = append(plain, data...)
	r.way.values = plain
	return k.aead.Seal(dst, nonce[:], plain, r.binding()), nil
}

// ofAccept marks, in the first octet of the expiry, a State that went out with an accept. Times have no use for the bit
// before the year 2144.
const ofAccept = 0x80

// appendExpiry appends a time so that octets are in the order of times.
func appendExpiry(dst []byte, t time.Time) []byte {
	hundredths := t.UnixMilli() / 10
	return binary.BigEndian.AppendUint32(append(dst, byte(hundredths>>32)), uint32(hundredths))
}

// expiryTime reads what appendExpiry has written.
func expiryTime(b []byte) time.Time {
	return time.UnixMilli((int64(b[0])<<32 | int64(binary.BigEndian.Uint32(b[1:]))) * 10)
}

// open unseals the State of a request into round. Its Data is valid until the request is over.
func (s *sealer) open(r *Request, state []byte, now time.Time, round *Round) (serial [nonceLen]byte, err error) {
	k := s.key(state)
	if k == nil {
		return serial, errForeign
	}
	serial = [nonceLen]byte(state[markLen:])
	plain, err := k.aead.Open(r.way.state[:0], serial[:], state[markLen+nonceLen:], r.binding())
	if err != nil || len(plain) < sealedHead || len(plain) < sealedHead+int(plain[expiryLen]) {
		return serial, errState
	}
	r.way.state = plain
	round.accepted = plain[0]&ofAccept != 0
	plain[0] &^= ofAccept
	if string(appendExpiry(nil, now)) > string(plain[:expiryLen]) {
		return serial, errOld
	}
	round.expires = expiryTime(plain)
	n := sealedHead + int(plain[expiryLen])
	round.Next, round.Data = string(plain[sealedHead:n]), plain[n:]
	return serial, nil
}

// key finds the key that sealed a State; nil for a foreign one.
func (s *sealer) key(state []byte) *stateKey {
	if len(state) < markLen+nonceLen+tagLen+sealedHead {
		return nil
	}
	for i := range s.keys {
		if [markLen]byte(state) == s.keys[i].mark {
			return &s.keys[i]
		}
	}
	return nil
}

// tries counts the answers to each State: sealing alone does not stop one State from being answered a
// thousand times, and a code of six digits would fall. Only answered States are remembered, until they
// expire by themselves; when the table is full the one that was answered first goes.
type tries struct {
	mu    sync.Mutex // protects all below
	used  map[[nonceLen]byte]uint8
	order [][nonceLen]byte // a ring of the keys by first answer
	at    int
}

const (
	triesLimit   = 1 << 16
	defaultTries = 3
	spent        = 255
)

// A ticket is the use of one State by one request.
type ticket struct {
	serial [nonceLen]byte
	held   bool
	fleet  Counts // where it is counted; nil: in this server
	ends   time.Time
}

func newTries() *tries { return &tries{used: map[[nonceLen]byte]uint8{}} }

// take counts one answer; false if none is left.
func (t *tries) take(serial [nonceLen]byte, limit int) bool {
	if limit <= 0 {
		limit = defaultTries
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n, known := t.used[serial]
	if int(n) >= min(limit, spent) {
		return false
	}
	t.used[serial] = n + 1
	if !known {
		t.remember(serial)
	}
	return true
}

func (t *tries) remember(serial [nonceLen]byte) {
	if len(t.order) < triesLimit {
		t.order = append(t.order, serial)
		return
	}
	delete(t.used, t.order[t.at])
	t.order[t.at] = serial
	t.at = (t.at + 1) % triesLimit
}

// settle tells what became of an answer: an accept, or the next challenge, ends the State; a drop gives
// the try back, since nobody was told anything.
func (t *tries) settle(serial [nonceLen]byte, verdict Kind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, known := t.used[serial]
	switch {
	case !known: // pushed out meanwhile
	case verdict == Accept || verdict == Challenge:
		t.used[serial] = spent
	case (verdict == Drop || verdict == Discard) && n > 0 && n < spent:
		t.used[serial] = n - 1
	}
}

// takeState looks at the State of a request before the phases: ours fills Round, or makes the request bad.
func (c *Core) takeState(r *Request) {
	if !r.seen.state {
		return
	}
	state, _ := r.Packet.Attributes.Find(radius.TypeState)
	serial, err := c.seal.open(r, state, c.now(), &r.way.round)
	if err == errForeign {
		return
	}
	t := ticket{serial, true, r.Generation.Settings.Spent, r.way.round.expires}
	if c.dry {
		t.fleet = nil // tests, explain and replay ask nobody
	}
	if err == nil {
		err = c.take(r, &t)
	}
	if err == errUnknown {
		c.unknownState(r)
		return
	}
	if err != nil {
		r.way.bad = true
		r.Trace.Step(err.Error())
		return
	}
	r.way.ticket = t
	c.silence.broken(r.Client.Name)
	r.Round, r.Method = &r.way.round, "answer"
	if r.Trace != nil {
		r.Trace.Step("State of ours: the answer goes to " + r.Round.Next)
	}
}

// take counts one answer to a State.
func (c *Core) take(r *Request, t *ticket) error {
	limit := r.Generation.Settings.ChallengeTries
	if t.fleet != nil {
		return c.takeFleet(r, t, limit)
	}
	if !c.tries.take(t.serial, limit) {
		return errSpent
	}
	return nil
}

// sealState makes the State that goes into a challenge, or into an accept with next=.
func (c *Core) sealState(r *Request, v *Verdict) error {
	timeout := v.Timeout
	switch {
	case timeout > 0:
	case v.Kind == Accept:
		timeout = lasting
	default:
		timeout = stateExpiry
	}
	var err error
	r.way.sealed, err = c.seal.append(r.way.sealed[:0], r, v.Next, v.State, c.now().Add(timeout))
	return err
}

// silence finds clients that take a challenge for a failure of the server and turn to the next one: it counts
// challenges until the first answer, and then no more for that client.
type silence struct {
	mu    sync.Mutex // protects asked
	asked map[string]int
}

const (
	silenceHint    = 20   // challenges without one answer
	silenceClients = 4096 // clients counted at the same time
	answeredOnce   = -1
)

func newSilence() *silence { return &silence{asked: map[string]int{}} }

// challenged counts one challenge; true if the client should be spoken of now.
func (s *silence) challenged(client string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, known := s.asked[client]
	if n == answeredOnce || !known && len(s.asked) >= silenceClients {
		return false
	}
	s.asked[client] = n + 1
	return n+1 == silenceHint
}

func (s *silence) broken(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.asked[client]; known {
		s.asked[client] = answeredOnce
	}
}

// StateRoom is how many octets next= and state= of a challenge may have together; policies check it where
// the script's line is known.
const StateRoom = stateRoom
