package server

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"perilune/engine/acct"
	"perilune/engine/radius"
)

// A Class of ours is
//
//	mark of the key (4) | nonce (12) | sealed( time (5) | generation (8) | length of user (1) | user | rule ) | tag (16)
//
// The NAS returns it in accounting (RFC 2865 s5.25), where it tells who was let in by which rule, whatever
// User-Name the NAS writes there. It is not bound to a client: sessions roam.
const (
	classHead = expiryLen + 8 + 1
	classRoom = radius.MaxValueLen - markLen - nonceLen - tagLen - classHead
)

// A class is what a Class of ours holds.
type class struct {
	at         time.Time // of the accept, to the hundredth of a second
	generation uint64
	user       []byte // as it stood when the user was let in
	rule       []byte // users:42; empty if none matched
}

var errClass = errors.New("a Class with our mark is altered")

// addClass puts a Class of ours behind those of rules and handlers. A name that leaves no room gets none, a
// rule that leaves none is left out.
func (c *Core) addClass(r *Request) {
	attr := r.Generation.Dictionary.Known.Class
	if !r.Generation.Settings.SealedClass || attr == nil {
		return
	}
	if len(r.User()) > classRoom {
		r.Trace.Step("no sealed Class: the user's name is too long")
		return
	}
	r.way.values = c.seal.appendClass(r.way.values[:0], &class{r.Arrival, r.Generation.Number, r.User(), r.AppendRule(nil)})
	r.Reply.Add(attr.AnyTag(), r.way.values)
}

func (s *sealer) appendClass(dst []byte, v *class) []byte {
	k := &s.keys[0]
	var nonce [nonceLen]byte
	rand.Read(nonce[:])
	plain := binary.BigEndian.AppendUint64(appendExpiry(nil, v.at), v.generation)
	plain = append(append(plain, byte(len(v.user))), v.user...)
	if len(v.user)+len(v.rule) <= classRoom {
		plain = append(plain, v.rule...)
	}
	dst = append(append(dst, k.classMark[:]...), nonce[:]...)
	return k.class.Seal(dst, nonce[:], plain, nil)
}

// openClass gives what a Class of ours holds, nil for a foreign one.
func (s *sealer) openClass(value []byte) (*class, error) {
	k := s.classKey(value)
	if k == nil {
		return nil, nil
	}
	plain, err := k.class.Open(nil, value[markLen:markLen+nonceLen], value[markLen+nonceLen:], nil)
	if err != nil || len(plain) < classHead || len(plain) < classHead+int(plain[classHead-1]) {
		return nil, errClass
	}
	user := plain[classHead : classHead+int(plain[classHead-1])]
	return &class{expiryTime(plain), binary.BigEndian.Uint64(plain[expiryLen:]), user, plain[classHead+len(user):]}, nil
}

// classKey finds the key by its mark; nil for a foreign Class.
func (s *sealer) classKey(value []byte) *stateKey {
	if len(value) < markLen+nonceLen+classHead+tagLen {
		return nil
	}
	for i := range s.keys {
		if [markLen]byte(value) == s.keys[i].classMark {
			return &s.keys[i]
		}
	}
	return nil
}

// takeClass reads the first Class of ours in an accounting request, for its record.
func (c *Core) takeClass(r *Request) {
	attr := r.Generation.Dictionary.Known.Class
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		if p.Attr != attr {
			continue
		}
		v, err := c.seal.openClass(p.Value)
		if err != nil {
			c.warn(r, err.Error()+": the record does not tell who was let in")
		}
		if v != nil {
			r.way.class = v
			r.Trace.Step("Class of ours: let in as " + string(v.user) + " by " + string(v.rule))
			return
		}
	}
}

// appendTo appends the class as further attributes of an accounting record.
func (v *class) appendTo(b []byte) []byte {
	var room [64]byte
	b = acct.AppendMore(b, "Class-User", v.user)
	b = acct.AppendMore(b, "Class-Rule", v.rule)
	b = acct.AppendMore(b, "Class-Time", v.at.UTC().AppendFormat(room[:0], time.RFC3339Nano))
	return acct.AppendMore(b, "Class-Generation", strconv.AppendUint(room[:0], v.generation, 10))
}
