package backend

import (
	"bytes"
	"testing"
	"time"

	"perilune/policy/module"
)

// FuzzTableFile: no octets crash the reader, and what was read can be written and read again.
func FuzzTableFile(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	good := appendTime([]byte(tableMagic), now, 5)
	good = appendSet(good, "key", plain("value"), never)
	good = appendDelete(appendSet(good, "n", module.EncodeNumber(3), 10), "key")
	f.Add(good)
	f.Add(good[:len(good)-2])
	f.Add([]byte(tableMagic))
	f.Fuzz(func(t *testing.T, octets []byte) {
		table := newMemoryTable(func() time.Time { return now }, limits{100, 1 << 20})
		at, err := table.load(bytes.NewReader(octets))
		if at > int64(len(octets)) || err == nil && at != int64(len(octets)) {
			t.Errorf("%d of %d octets, %v", at, len(octets), err)
		}
	})
}

// FuzzTableRecord: no payload crashes the reader behind its checksum.
func FuzzTableRecord(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	for _, record := range [][]byte{appendTime(nil, now, 5), appendSet(nil, "key", plain("value"), 10), appendDelete(nil, "key"),
		appendValue(nil, recordSum, "key", module.EncodeNumber(2), never)} {
		f.Add(record[recordHead:])
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 || len(payload) > maxRecord {
			return
		}
		file := appendSet(appendTime([]byte(tableMagic), now, 5), "key", module.EncodeNumber(1), never)
		from := len(file)
		file = sealRecord(append(append(file, make([]byte, recordHead)...), payload...), from)
		table := newMemoryTable(func() time.Time { return now }, limits{100, 1 << 20})
		if at, err := table.load(bytes.NewReader(file)); at != int64(len(file)) && err != errPayload {
			t.Errorf("%d of %d octets, %v", at, len(file), err)
		}
	})
}
