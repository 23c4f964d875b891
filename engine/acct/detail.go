package acct

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Detail writes detail files below a directory, as GNU Radius does. Records that wait together for one file are one
// write, and one fsync if it is asked for.
type Detail struct {
	o DetailOptions

	mu      sync.Mutex // protects waiting, closed
	waiting []detailEntry
	closed  bool
	wake    chan struct{}
	ended   chan struct{}

	reopen bool // under mu

	writing sync.Mutex // of one group at a time; protects what follows
	files   map[string]*detailFile
	errs    map[string]error // of the group, by file
	broken  brokenDetails

	slow atomic.Int64 // until when who must not wait leaves writing to the goroutine, in Unix nanoseconds; 0: not at all
}

// DetailOptions are the settings of OpenDetail.
type DetailOptions struct {
	Dir     string
	Sync    bool          // fsync before done: for sites whose only record the files are
	MaxSize int64         // octets after which a file is put aside as name.TIME; 0: never
	Every   time.Duration // age after which a file is put aside, counted from midnight UTC; 0: never
	Log     *slog.Logger
	Now     func() time.Time
}

// A DetailRecord is a record for Detail.Write: what Append takes, and what became of it.
type DetailRecord struct {
	Name   string
	Record []byte
	Err    error
}

type detailEntry struct {
	name   string
	record []byte
	done   func(error)
}

type detailFile struct {
	name  string
	f     *os.File
	size  int64
	since int64 // the period of Every that it belongs to
	used  time.Time
	seen  time.Time // when its name was looked up last
	buf   []byte
}

// ErrDetailName refuses a file name that leads out of the directory.
var ErrDetailName = errors.New("acct: the name of a detail file leads out of its directory")

// openDetails is how many files stay open.
const openDetails = 64

// OpenDetail starts the writer; directories and files are made when they are needed.
func OpenDetail(o DetailOptions) (*Detail, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, err
	}
	d := &Detail{o: o, wake: make(chan struct{}, 1), ended: make(chan struct{}), files: map[string]*detailFile{}}
	go d.run()
	return d, nil
}

// Append adds a record of AppendDetail to a file, whose name is relative to the directory, such as nas1/detail. The
// record must not change until done is called, once, on another goroutine; done must not block. What makes a name
// unfit for a path (the name may hold what a user has sent) becomes an underscore.
func (d *Detail) Append(name string, record []byte, done func(error)) {
	name, err := detailName(name)
	d.mu.Lock()
	switch {
	case err != nil:
	case d.closed:
		err = ErrClosed
	case len(d.waiting) >= 1<<16:
		err = ErrFull
	default:
		d.waiting = append(d.waiting, detailEntry{name, record, done})
		d.signal()
	}
	d.mu.Unlock()
	if err != nil {
		go done(err)
	}
}

// detailName makes a name fit for a path below the directory.
func detailName(name string) (string, error) {
	if plainPath(name) {
		return name, nil
	}
	parts := strings.Split(name, "/")
	for i, p := range parts {
		p = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || r == '\\' || r == 0xfffd {
				return '_'
			}
			return r
		}, p)
		if p == "." || p == ".." {
			p = strings.Repeat("_", len(p))
		}
		parts[i] = p[:min(len(p), maxDetailPart)]
	}
	name = filepath.Clean(strings.Join(parts, "/"))
	if name == "." || !filepath.IsLocal(name) {
		return "", ErrDetailName
	}
	return name, nil
}

// plainPath reports a name that needs no change: printable ASCII, in short parts that begin with no dot.
func plainPath(name string) bool {
	from := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '/' && i == from, c == '.' && i == from, c < ' ', c >= 0x7f, c == '\\', i-from >= maxDetailPart:
			return false
		case c == '/':
			from = i + 1
		}
	}
	return from < len(name)
}

// maxDetailPart is the longest part of a name, in octets.
const maxDetailPart = 200

func (d *Detail) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Reopen opens all files by their names again, after somebody has renamed them.
func (d *Detail) Reopen() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reopen = true
	if !d.closed {
		d.signal()
	}
}

// Close writes what waits and closes the files.
func (d *Detail) Close() error {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		close(d.wake)
	}
	d.mu.Unlock()
	<-d.ended
	return nil
}

func (d *Detail) run() {
	defer close(d.ended)
	var spare []detailEntry
	for range d.wake {
		spare = d.group(spare)
	}
	d.group(spare)
	d.writing.Lock()
	defer d.writing.Unlock()
	d.shutAll()
}

// group writes all that waits.
func (d *Detail) group(spare []detailEntry) []detailEntry {
	d.mu.Lock()
	group, reopen := d.waiting, d.reopen
	d.waiting, d.reopen = spare[:0], false
	d.mu.Unlock()
	errs := d.writeGroup(group, reopen)
	for i := range group {
		group[i].done(errs[group[i].name])
		group[i] = detailEntry{}
	}
	return group
}

func (d *Detail) writeGroup(group []detailEntry, reopen bool) map[string]error {
	d.writing.Lock()
	defer d.writing.Unlock()
	if reopen {
		d.shutAll()
	}
	if len(group) == 0 {
		return nil
	}
	now := d.o.Now()
	var f *detailFile
	for i := range group {
		f = d.put(f, group[i].name, group[i].record, now)
	}
	return d.commit()
}

// put adds a record to what is to be written, and gives its file, nil if there is none; last is that of the record before.
func (d *Detail) put(last *detailFile, name string, record []byte, now time.Time) *detailFile {
	if last == nil || last.name != name {
		var err error
		if last, err = d.file(name, now); err != nil {
			d.failed(name, err)
			return nil
		}
	}
	last.buf = append(last.buf, record...)
	return last
}

func (d *Detail) failed(name string, err error) {
	if d.errs == nil {
		d.errs = map[string]error{}
	}
	d.errs[name] = err
}

// commit writes what was put and gives what failed.
func (d *Detail) commit() (errs map[string]error) {
	for name, f := range d.files {
		if len(f.buf) == 0 {
			continue
		}
		if err := d.write(f); err != nil {
			d.failed(name, err)
		} else if d.errs[name] == nil {
			d.mended(name)
		}
	}
	errs, d.errs = d.errs, nil
	for name, err := range errs {
		d.fails(name, err)
		d.shut(name)
	}
	return errs
}

// write writes what has gathered for a file. A part that was written of a refused group is cut off.
func (d *Detail) write(f *detailFile) error {
	_, err := f.f.Write(f.buf)
	if err == nil && d.o.Sync {
		err = f.f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.f.Truncate(f.size))
	}
	f.size += int64(len(f.buf))
	f.buf = f.buf[:0]
	return nil
}

// file gives an open file that is not due for rotation.
func (d *Detail) file(name string, now time.Time) (*detailFile, error) {
	f := d.files[name]
	if f != nil && len(f.buf) == 0 && (d.due(f, now) || d.moved(name, f, now)) {
		due := d.due(f, now)
		d.shut(name)
		if due {
			if err := d.aside(name, now); err != nil {
				return nil, err
			}
		}
		f = nil
	}
	if f == nil {
		var err error
		if f, err = d.open(name, now); err != nil {
			return nil, err
		}
	}
	f.used = now
	return f, nil
}

func (d *Detail) period(t time.Time) int64 {
	if d.o.Every <= 0 {
		return 0
	}
	return t.UnixNano() / int64(d.o.Every)
}

func (d *Detail) due(f *detailFile, now time.Time) bool {
	return f.size > 0 && (d.o.MaxSize > 0 && f.size >= d.o.MaxSize || f.since != d.period(now))
}

// moved notices, once a second, that somebody has renamed or removed a file.
func (d *Detail) moved(name string, f *detailFile, now time.Time) bool {
	if now.Sub(f.seen) < time.Second {
		return false
	}
	f.seen = now
	open, err := f.f.Stat()
	there, err2 := os.Stat(filepath.Join(d.o.Dir, name))
	return err != nil || err2 != nil || !os.SameFile(open, there)
}

func (d *Detail) open(name string, now time.Time) (*detailFile, error) {
	d.evict()
	path := filepath.Join(d.o.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	f := &detailFile{name: name, f: file, size: info.Size(), since: d.period(now), used: now, seen: now}
	if f.size > 0 {
		f.since = d.period(info.ModTime())
	}
	d.files[name] = f
	if d.due(f, now) {
		return d.file(name, now)
	}
	return f, nil
}

// aside puts a file aside under the time.
func (d *Detail) aside(name string, now time.Time) error {
	path := filepath.Join(d.o.Dir, name)
	to := path + "." + now.UTC().Format("20060102T150405Z")
	for n, base := 1, to; exists(to); n++ {
		to = fmt.Sprintf("%s-%d", base, n)
	}
	return os.Rename(path, to)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// evict closes the file that was not used for the longest time, if too many are open.
func (d *Detail) evict() {
	if len(d.files) < openDetails {
		return
	}
	var names []string
	for name, f := range d.files {
		if len(f.buf) == 0 {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		d.shut(slices.MinFunc(names, func(a, b string) int { return d.files[a].used.Compare(d.files[b].used) }))
	}
}

func (d *Detail) shutAll() {
	for name := range d.files {
		d.shut(name)
	}
}

func (d *Detail) shut(name string) {
	if f := d.files[name]; f != nil {
		f.f.Close()
		delete(d.files, name)
	}
}
