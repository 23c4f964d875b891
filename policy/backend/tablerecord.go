package backend

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"perilune/policy/module"
)

// The file of a table is its magic and then records, each
//
//	CRC-32C of the payload (4) | length of the payload (4) | payload
//
// A payload is a kind and what belongs to it. The last record of a key counts. Ends are on the clock of the process that
// wrote them; the record of time before them says what time that was.
const tableMagic = "perilune table 1\n"

// The kinds of records.
const (
	recordSet    = 1 // end (8), length of the key (2), key, value
	recordDelete = 2 // key
	recordTime   = 3 // nanoseconds since 1970 (8), the same moment on the clock (8)
	recordSum    = 4 // as recordSet, of what was added to: it is as old as it was
)

// recordHead is what stands before a payload; setHead what stands before the key in one of kind recordSet or recordSum.
const (
	recordHead = 8
	setHead    = 1 + 8 + 2
	maxRecord  = setHead + module.MaxKVKey + module.MaxKVValue
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealRecord fills the head of the record that begins at from in out.
func sealRecord(out []byte, from int) []byte {
	payload := out[from+recordHead:]
	binary.BigEndian.PutUint32(out[from:], crc32.Checksum(payload, castagnoli))
	binary.BigEndian.PutUint32(out[from+4:], uint32(len(payload)))
	return out
}

// beginRecord makes room for the head of a record of a kind.
func beginRecord(out []byte, kind byte) []byte {
	return append(out, 0, 0, 0, 0, 0, 0, 0, 0, kind)
}

func appendSet(out []byte, key, value string, ends int64) []byte {
	return appendValue(out, recordSet, key, value, ends)
}

func appendValue(out []byte, kind byte, key, value string, ends int64) []byte {
	from := len(out)
	out = binary.BigEndian.AppendUint64(beginRecord(out, kind), uint64(ends))
	out = binary.BigEndian.AppendUint16(out, uint16(len(key)))
	return sealRecord(append(append(out, key...), value...), from)
}

func appendDelete(out []byte, key string) []byte {
	from := len(out)
	return sealRecord(append(beginRecord(out, recordDelete), key...), from)
}

func appendTime(out []byte, wall time.Time, clock int64) []byte {
	from := len(out)
	out = binary.BigEndian.AppendUint64(beginRecord(out, recordTime), uint64(wall.UnixNano()))
	return sealRecord(binary.BigEndian.AppendUint64(out, uint64(clock)), from)
}

// errCut is the end of a file in the middle of a record: what a crash leaves.
var errCut = errors.New("the last record is cut off")

// A tableReader reads the records of a file.
type tableReader struct {
	in      *bufio.Reader
	at      int64 // octets read
	payload []byte
}

// newTableReader reads the magic.
func newTableReader(in io.Reader) (*tableReader, error) {
	r := &tableReader{in: bufio.NewReaderSize(in, 1<<16)}
	magic := make([]byte, len(tableMagic))
	if _, err := io.ReadFull(r.in, magic); err != nil || string(magic) != tableMagic {
		return r, errors.New("it does not begin like the file of a table")
	}
	r.at = int64(len(magic))
	return r, nil
}

// next gives the next payload, which is valid until the next call. The end is io.EOF.
func (r *tableReader) next() ([]byte, error) {
	var head [recordHead]byte
	if n, err := io.ReadFull(r.in, head[:]); n == 0 && err == io.EOF {
		return nil, io.EOF
	} else if err != nil {
		return nil, cut(err)
	}
	n := binary.BigEndian.Uint32(head[4:])
	if n == 0 || n > maxRecord {
		return nil, fmt.Errorf("a record of %d octets", n)
	}
	if cap(r.payload) < int(n) {
		r.payload = make([]byte, n, 2*n)
	}
	r.payload = r.payload[:n]
	if _, err := io.ReadFull(r.in, r.payload); err != nil {
		return nil, cut(err)
	}
	if crc32.Checksum(r.payload, castagnoli) != binary.BigEndian.Uint32(head[:]) {
		return nil, errors.New("a record with a wrong checksum")
	}
	r.at += int64(recordHead + n)
	return r.payload, nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

var errPayload = errors.New("a record that makes no sense")

// A tableLoad puts the records of a file into a table that is empty.
type tableLoad struct {
	t     *memoryTable
	wall  time.Time // now
	clock int64     // now, on the clock of the table
	shift int64     // from the clock of the file to the clock of the table
	timed bool
}

// load reads all records. It gives how far it came.
func (t *memoryTable) load(in io.Reader) (at int64, err error) {
	r, err := newTableReader(in)
	if err != nil {
		return 0, err
	}
	l := &tableLoad{t: t, wall: t.now(), clock: t.clock()}
	for {
		payload, err := r.next()
		if err == io.EOF {
			return r.at, nil
		}
		before := r.at
		if err == nil {
			before -= int64(recordHead + len(payload))
			err = l.take(payload)
		}
		if err != nil {
			return before, err
		}
	}
}

// take does what one record says.
func (l *tableLoad) take(payload []byte) error {
	kind, rest := payload[0], payload[1:]
	switch {
	case kind == recordTime && len(rest) == 16:
		// A clock that was put back since lengthens no life.
		elapsed := max(0, l.wall.UnixNano()-int64(binary.BigEndian.Uint64(rest)))
		l.shift, l.timed = l.clock-elapsed-int64(binary.BigEndian.Uint64(rest[8:])), true
		return nil
	case kind == recordDelete && len(rest) <= module.MaxKVKey:
		l.t.put(string(rest), "", 0, l.clock, false)
		return nil
	case (kind == recordSet || kind == recordSum) && len(payload) > setHead && l.timed:
		n := int(binary.BigEndian.Uint16(rest[8:]))
		key := rest[10:]
		if n >= len(key) || n > module.MaxKVKey {
			return errPayload
		}
		ends := int64(binary.BigEndian.Uint64(rest))
		if ends != never {
			ends += l.shift
		}
		l.t.put(string(key[:n]), string(key[n:]), ends, l.clock, kind == recordSum)
		return nil
	}
	return errPayload
}

// put sets, or with an empty value or a life that is over deletes, what a file says. A sum leaves the age as it is.
func (t *memoryTable) put(key, value string, ends, now int64, sum bool) {
	s := t.lock(key)
	defer s.mu.Unlock()
	e := s.entries[key]
	if value == "" || ends <= now {
		if e != nil {
			s.remove(e)
		}
		return
	}
	n, isNumber := module.DecodeNumber(value)
	if sum && isNumber && e != nil {
		s.octets -= len(e.value)
		e.value, e.number = "", n
		return
	}
	// One that is too large for a table that has become smaller is left out.
	if s.set(key, value, ends, now) == nil && isNumber {
		e = s.entries[key]
		s.octets -= len(e.value)
		e.value, e.number = "", n
	}
}
