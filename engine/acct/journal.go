package acct

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A Journal is an append-only file of records, one a line. Records that arrive while the disk is busy are
// written together: one write and one fsync for all of them, then all are answered. There is no artificial
// wait, so one record alone is as fast as the disk.
//
// When the disk fails, the records of that group are refused and the file is cut back to its last good line.
// The Journal goes on trying, once a second, and recovers by itself.
type Journal struct {
	path string
	o    Options

	mu      sync.Mutex // protects waiting, closed
	waiting []entry
	closed  bool
	wake    chan struct{} // holds one token if there is work
	ended   chan struct{}

	sick   atomic.Bool
	reopen atomic.Bool

	// Only the writer's goroutine touches what follows.
	file   File
	size   int64 // of all good lines
	spare  []entry
	buffer []byte
	next   uint64 // number of the next line, if lines are numbered
}

type entry struct {
	record []byte
	done   func(error)
}

// Options of Open.
type Options struct {
	MaxSize   int64         // octets after which a file is put aside as name.TIME; 0: never
	Waiting   int           // records that wait at the same time, at most; 0: 65536
	Retry     time.Duration // between attempts when the disk fails; 0: 1 s
	Log       *slog.Logger  // nil: nothing is logged
	Directory Directory     // nil: the operating system's
	Now       func() time.Time

	// First numbers the lines if it is not 0: each record, a JSON object, gets "seq" as its first member, from
	// First on. A number is never used twice; those of refused groups are left out.
	First uint64
	// Written, if set, is told of each group that is durable, before its records are answered: its whole lines,
	// which it must copy, and the number of the last. It runs on the writer's goroutine and must not block.
	Written func(lines []byte, last uint64)
}

// Errors of Append, given to done.
var (
	ErrClosed  = errors.New("acct: journal is closed")
	ErrFull    = errors.New("acct: too many records wait for the disk")
	ErrNewline = errors.New("acct: record holds a line end")
)

// keptBuffer is the write buffer that is kept from group to group, in octets.
const keptBuffer = 1 << 20

// Open opens the journal at path, or makes it. A last line that a crash left half written is cut off: its
// sender was never answered and sends it again.
func Open(path string, o Options) (*Journal, error) {
	if o.Waiting <= 0 {
		o.Waiting = 1 << 16
	}
	if o.Retry <= 0 {
		o.Retry = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Directory == nil {
		o.Directory = disk{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	j := &Journal{path: path, o: o, next: o.First, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	if err := j.open(); err != nil {
		return nil, err
	}
	go j.run()
	return j, nil
}

// Append adds one record, without its line end, which must not change until done is called: once, with nil
// when the record cannot be lost any more, or with why it was refused. done must not block; it is called on
// another goroutine, also for errors.
func (j *Journal) Append(record []byte, done func(error)) {
	err := j.enqueue(record, done)
	if err != nil {
		go done(err)
	}
}

func (j *Journal) enqueue(record []byte, done func(error)) error {
	if bytes.IndexByte(record, '\n') >= 0 {
		return ErrNewline
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	if len(j.waiting) >= j.o.Waiting {
		return ErrFull
	}
	j.waiting = append(j.waiting, entry{record, done})
	j.signal()
	return nil
}

func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Healthy reports whether the last write went well.
func (j *Journal) Healthy() bool { return !j.sick.Load() }

// Reopen opens the file by its name again before the next write, after somebody has renamed it.
func (j *Journal) Reopen() {
	j.reopen.Store(true)
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closed {
		j.signal()
	}
}

// Close writes what waits, answers it and closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	if !j.closed {
		j.closed = true
		close(j.wake)
	}
	j.mu.Unlock()
	<-j.ended
	if j.Healthy() {
		return nil
	}
	return fmt.Errorf("acct: %s: the last records could not be written", j.path)
}

// run is the writer.
func (j *Journal) run() {
	defer close(j.ended)
	defer func() { j.shut() }()
	for {
		var retry <-chan time.Time
		if j.sick.Load() {
			retry = time.After(j.o.Retry)
		}
		open := true
		select {
		case _, open = <-j.wake:
		case <-retry:
		}
		j.group()
		if !open {
			return
		}
	}
}

// group writes all that waits, as one, and answers.
func (j *Journal) group() {
	j.mu.Lock()
	group := j.waiting
	j.waiting = j.spare[:0]
	j.mu.Unlock()
	err := j.store(group)
	j.judge(err)
	for i := range group {
		group[i].done(err)
		group[i] = entry{}
	}
	j.spare = group
	if cap(j.buffer) > keptBuffer {
		j.buffer = nil
	}
}

// judge keeps Healthy and tells of changes, once each.
func (j *Journal) judge(err error) {
	switch was := j.sick.Swap(err != nil); {
	case err != nil && !was:
		j.o.Log.Error("accounting records cannot be stored and are not answered; trying on", "file", j.path, "err", err.Error())
	case err == nil && was:
		j.o.Log.Info("accounting records are stored again", "file", j.path)
	}
}

// store makes a group durable. An empty group only tries whether that is possible.
func (j *Journal) store(group []entry) error {
	if j.reopen.Swap(false) {
		j.shut()
	}
	if j.file == nil {
		if err := j.open(); err != nil {
			return err
		}
	}
	if err := j.rotate(); err != nil {
		j.shut()
		return err
	}
	if len(group) == 0 && j.sick.Load() {
		return j.probe()
	}
	j.buffer = j.buffer[:0]
	for _, e := range group {
		j.line(e.record)
	}
	if err := j.write(); err != nil {
		j.undo()
		return err
	}
	j.size += int64(len(j.buffer))
	if j.o.Written != nil && len(group) > 0 {
		j.o.Written(j.buffer, j.next-1)
	}
	return nil
}

// probe tries whether records can be written again: a disk that is full syncs well what it has. The zeros that a crash
// might leave are cut off by open.
func (j *Journal) probe() error {
	_, err := j.file.Write(make([]byte, probed))
	if err == nil {
		err = j.file.Sync()
	}
	if err = errors.Join(err, j.file.Truncate(j.size)); err != nil {
		j.shut()
	}
	return err
}

// probed is the room that must be there, in octets: that of a record of the largest packet.
const probed = 16 << 10

// line puts a record into the buffer, with its number.
func (j *Journal) line(record []byte) {
	if j.o.First != 0 {
		j.buffer = append(j.buffer, `{"seq":`...)
		j.buffer = strconv.AppendUint(j.buffer, j.next, 10)
		j.buffer = append(j.buffer, ',')
		record = record[min(1, len(record)):]
		j.next++
	}
	j.buffer = append(j.buffer, record...)
	j.buffer = append(j.buffer, '\n')
}

func (j *Journal) write() error {
	if len(j.buffer) > 0 {
		if _, err := j.file.Write(j.buffer); err != nil {
			return err
		}
	}
	return j.file.Sync()
}

// undo cuts off what was written of a refused group, and closes the file: after a failed fsync nobody knows
// what of it is on the disk. If even the cut fails, open mends the last line, and whole lines of the refused
// group stay: twice recorded is better than lost.
func (j *Journal) undo() {
	if err := j.file.Truncate(j.size); err != nil {
		j.o.Log.Warn("refused records may stand in the journal", "file", j.path, "err", err.Error())
	}
	j.shut()
}

func (j *Journal) shut() {
	if j.file != nil {
		j.file.Close()
		j.file = nil
	}
}

func (j *Journal) open() error {
	f, err := j.o.Directory.Open(j.path)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err == nil {
		var cut int64
		if cut, err = heal(f, size); cut > 0 {
			j.o.Log.Warn("half-written record cut off; its sender was not answered", "file", j.path, "octets", cut)
		}
		size -= cut
	}
	if err == nil {
		err = j.o.Directory.Sync(filepath.Dir(j.path))
	}
	if err != nil {
		f.Close()
		return err
	}
	j.file, j.size = f, size
	return nil
}

// heal cuts off what stands behind the last line end and gives its length.
func heal(f File, size int64) (cut int64, err error) {
	good := size
	chunk := make([]byte, 64<<10)
	for good > 0 {
		n := min(int64(len(chunk)), good)
		if _, err := f.ReadAt(chunk[:n], good-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk[:n], '\n'); i >= 0 {
			good += int64(i) + 1 - n
			break
		}
		good -= n
	}
	if good == size {
		return 0, nil
	}
	if err := f.Truncate(good); err != nil {
		return 0, err
	}
	return size - good, f.Sync()
}

// rotate puts a file that has grown enough aside, under the time of that.
func (j *Journal) rotate() error {
	if j.o.MaxSize <= 0 || j.size < j.o.MaxSize {
		return nil
	}
	aside := j.path + "." + j.o.Now().UTC().Format("20060102T150405Z")
	for n, name := 1, aside; j.o.Directory.Exists(aside); n++ {
		aside = fmt.Sprintf("%s-%d", name, n)
	}
	if err := j.o.Directory.Rename(j.path, aside); err != nil {
		return err
	}
	j.shut()
	return j.open()
}
