package backend

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A keeper writes a table to its file: each change within keepPause, and to the disk itself within syncPause. A kill
// loses what was changed in the first of these, a power failure what was changed in the second.
type keeper struct {
	t    *memoryTable
	path string
	log  *slog.Logger
	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	file   *os.File // nil: it must be written anew
	size   int64
	synced time.Time
	dirty  bool       // written since
	sync   chan error // the outcome of a sync under way; nil: none is
	failed error      // why the last attempt failed
	buf    []byte
}

// The pauses of a keeper.
const (
	keepPause  = 10 * time.Millisecond
	syncPause  = time.Second
	againPause = time.Second
)

// minRewrite is a size that a file may have whatever the table holds.
const minRewrite = 4 << 20

// keep gives the table a file. What is in the file is read first, if the table has just been made.
func (t *memoryTable) keep(path string, read bool, log *slog.Logger) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	k := &keeper{
		t: t, path: path, log: log, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		synced: time.Now(),
	}
	if read {
		if err := k.read(); err != nil {
			return err
		}
	}
	t.keeper = k
	t.eachShard(func(s *shard) { s.kept, s.wake = true, k.wake })
	if k.file == nil {
		k.wake <- struct{}{}
	}
	go k.run()
	return nil
}

// read loads the file. A file with damage is put aside, told of, and what could be read of it is kept.
func (k *keeper) read() error {
	f, err := os.OpenFile(k.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	at, err := k.t.load(f)
	if err == nil {
		k.size, err = f.Seek(0, io.SeekEnd)
		k.file = f
		return err
	}
	defer f.Close()
	size := int64(-1)
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	if errors.Is(err, errCut) {
		k.log.Warn("the file of a table ends in the middle of a change, which is lost", "file", k.path, "octets", size-at)
		return nil
	}
	aside := k.path + ".damaged"
	k.log.Error("the file of a table is damaged; what stands before the damage is used", "file", k.path, "error", err,
		"at", at, "octets", size, "kept-as", aside)
	return os.Rename(k.path, aside)
}

// eachShard calls fn for each shard, locked.
func (t *memoryTable) eachShard(fn func(*shard)) {
	all := t.shards.Load()
	for i := range all.list {
		s := &all.list[i]
		s.mu.Lock()
		fn(s)
		s.mu.Unlock()
	}
}

// run writes until it is stopped.
func (k *keeper) run() {
	defer close(k.done)
	for {
		due := k.due()
		select {
		case <-k.stop:
			k.finish()
			return
		case <-k.wake:
			k.pause(keepPause)
			k.save()
		case err := <-k.sync:
			k.sync = nil
			k.check(err)
		case <-due:
			k.save()
		}
	}
}

// due gives when there is something to do without a change; nil: never.
func (k *keeper) due() <-chan time.Time {
	switch {
	case k.failed != nil:
		return time.After(againPause)
	case k.dirty && k.sync == nil:
		return time.After(time.Until(k.synced.Add(syncPause)))
	}
	return nil
}

// pause waits, or until the keeper is stopped.
func (k *keeper) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-k.stop:
	}
}

// save writes what has changed, and the whole table where that is due.
func (k *keeper) save() {
	err := k.flush(nil)
	if err == nil && (k.file == nil || k.size > minRewrite+2*k.t.octets()) {
		err = k.rewrite()
	}
	k.check(err)
	if k.dirty && k.sync == nil && time.Since(k.synced) >= syncPause {
		k.dirty, k.synced, k.sync = false, time.Now(), make(chan error, 1)
		go func(f *os.File, done chan<- error) { done <- f.Sync() }(k.file, k.sync)
	}
}

// check tells of the first failure, and of its end. After a failure the file is written anew.
func (k *keeper) check(err error) {
	switch {
	case err != nil && k.failed == nil:
		k.log.Error("a table cannot be written; its changes are in memory alone until it can", "file", k.path, "error", err)
	case err == nil && k.failed != nil && k.file != nil:
		k.log.Info("a table is written again", "file", k.path)
	}
	k.failed = err
	if err != nil {
		k.leave()
	}
}

func (k *keeper) awaitSync() error {
	if k.sync == nil {
		return nil
	}
	err := <-k.sync
	k.sync = nil
	return err
}

// collect takes the changes of all shards, with the time before them; nil if there are none. lost reports that some
// were too many to be noted.
func (k *keeper) collect() (changes []byte, lost bool) {
	k.buf = appendTime(k.buf[:0], k.t.now(), k.t.clock())
	head := len(k.buf)
	k.t.eachShard(func(s *shard) {
		k.buf = append(k.buf, s.changes...)
		lost = lost || s.lost
		s.changes = s.changes[:0]
		if cap(s.changes) > maxChanges/8 {
			s.changes = nil
		}
	})
	if len(k.buf) == head {
		return nil, lost
	}
	return k.buf, lost
}

// flush writes what has changed to the file, and to another one that is being written. Without either the changes are
// thrown away: the whole table is written next.
func (k *keeper) flush(other *os.File) error {
	changes, lost := k.collect()
	if lost {
		k.leave()
	}
	if len(changes) == 0 {
		return nil
	}
	if other != nil {
		if _, err := other.Write(changes); err != nil {
			return err
		}
	}
	if k.file == nil {
		return nil
	}
	n, err := k.file.Write(changes)
	k.size += int64(n)
	k.dirty = true
	return err
}

// leave closes the file: it must be written anew.
func (k *keeper) leave() {
	if k.file != nil {
		k.awaitSync()
		k.file.Close()
		k.file, k.dirty = nil, false
	}
}

// rewrite writes the whole table to a new file, which replaces the old one once it is on the disk. Meanwhile changes go
// to both.
func (k *keeper) rewrite() error {
	f, err := os.OpenFile(k.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err = k.writeAll(f); err == nil {
		err = k.replace(f)
	}
	if err != nil {
		f.Close()
		os.Remove(k.path + ".new")
	}
	return err
}

// writeAll writes all shards, each as it is at one moment.
func (k *keeper) writeAll(f *os.File) error {
	if _, err := f.WriteString(tableMagic); err != nil {
		return err
	}
	all := k.t.shards.Load()
	var out []byte
	for i := range all.list {
		if err := k.flush(f); err != nil {
			return err
		}
		out = k.snapshot(&all.list[i], out[:0])
		if _, err := f.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// snapshot appends all of a shard. Changes that it holds already may be written once more behind it, in their order.
func (k *keeper) snapshot(s *shard, out []byte) []byte {
	out = appendTime(out, k.t.now(), k.t.clock())
	list := s.copy()
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.serial, b.serial) })
	for _, e := range list {
		out = appendSet(out, e.key, e.text(), e.ends)
	}
	return out
}

// copy gives the entries of a shard as they are at one moment.
func (s *shard) copy() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = false
	list := make([]entry, 0, len(s.queue))
	for _, e := range s.queue {
		list = append(list, *e)
	}
	return list
}

// replace puts a new file in place of the old one.
func (k *keeper) replace(f *os.File) error {
	synced := make(chan error, 1)
	go func() { synced <- f.Sync() }()
	for {
		select {
		case err := <-synced:
			if err == nil {
				err = k.flush(f)
			}
			if err != nil {
				return err
			}
			return k.exchange(f)
		case <-time.After(keepPause):
			if err := k.flush(f); err != nil {
				<-synced
				return err
			}
		}
	}
}

func (k *keeper) exchange(f *os.File) error {
	size, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		err = os.Rename(k.path+".new", k.path)
	}
	if err == nil {
		err = syncDirectory(k.path)
	}
	if err == nil {
		k.leave()
		k.file, k.size, k.dirty, k.synced = f, size, true, time.Now()
	}
	return err
}

func syncDirectory(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// finish writes what is left.
func (k *keeper) finish() {
	k.save()
	if k.file == nil {
		return
	}
	if err := errors.Join(k.awaitSync(), k.file.Sync(), k.file.Close()); err != nil {
		k.check(fmt.Errorf("at the end: %w", err))
	}
}

// octets gives what the table takes.
func (t *memoryTable) octets() (sum int64) {
	t.eachShard(func(s *shard) { sum += int64(s.octets) })
	return sum
}

// end stops the keeper; the file is complete then.
func (k *keeper) end() {
	close(k.stop)
	<-k.done
}
