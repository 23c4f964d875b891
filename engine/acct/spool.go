package acct

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A spool reads back the numbered lines of a Journal: those that a crash, or an absent database, has left to do.
type spool struct {
	path string // of the journal; files that it put aside have a name behind it

	file  *os.File // read last
	r     *bufio.Reader
	after uint64 // number of the line that was read last
}

// A segment is one file of the journal.
type segment struct {
	path  string
	first uint64 // number of its first line
}

// segments lists the files that hold numbered lines, the oldest first: the journal, and all whose names begin with
// its name. People rename files and copy them, so a line may stand in several.
func (p *spool) segments() ([]segment, error) {
	entries, err := os.ReadDir(filepath.Dir(p.path)) // in the order of names: the journal before its copies
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var list []segment
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(p.path)) || e.IsDir() {
			continue
		}
		name := filepath.Join(filepath.Dir(p.path), e.Name())
		if first, err := firstNumber(name); err != nil {
			return nil, err
		} else if first != 0 {
			list = append(list, segment{name, first})
		}
	}
	slices.SortStableFunc(list, func(a, b segment) int { return cmp.Compare(a.first, b.first) })
	return list, nil
}

func firstNumber(path string) (uint64, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil // renamed since
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for err == nil {
		var c byte
		if c, err = r.ReadByte(); err == nil && c != 0 { // a file that was emptied while it was written has a hole
			err = r.UnreadByte()
			break
		}
	}
	head, _ := r.Peek(64)
	if err == io.EOF {
		err = nil
	}
	first, _ := lineNumber(head)
	return first, err
}

// lineNumber gives the number of a line, as the Journal writes it.
func lineNumber[T string | []byte](line T) (uint64, bool) {
	const key = `{"seq":`
	if len(line) < len(key)+2 || string(line[:len(key)]) != key {
		return 0, false
	}
	end := len(key)
	for end < len(line) && line[end] >= '0' && line[end] <= '9' {
		end++
	}
	if end == len(line) || line[end] != ',' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(line[len(key):end]), 10, 64)
	return n, err == nil
}

// last gives the highest number, 0 if there is none, and how many octets stand behind after.
func (p *spool) last(after uint64) (last uint64, octets int64, err error) {
	last = after
	for {
		chunk, n, err := p.read(last, 1<<63, 1<<20)
		if err != nil || chunk == "" {
			return last, octets, err
		}
		last, octets = n, octets+int64(len(chunk))
	}
}

// read gives whole lines with numbers above after, up to the number durable, in order: some octets of them, and the
// last one's number. No lines: nothing is left. What stands behind durable is just being written, or may be taken back:
// it is not looked at, and not kept for the next time.
func (p *spool) read(after, durable uint64, octets int) (chunk string, last uint64, err error) {
	if after >= durable {
		return "", after, nil
	}
	if p.file == nil || p.after != after {
		if err := p.seek(after); p.file == nil || err != nil {
			return "", after, err
		}
	}
	if err := p.forget(); err != nil {
		return "", after, err
	}
	var b strings.Builder
	for b.Len() < octets && p.after < durable {
		line, err := p.line()
		if err != nil {
			return "", after, err
		}
		if line == nil {
			if b.Len() > 0 {
				break
			}
			if more, err := p.advance(); !more || err != nil {
				return "", after, err
			}
			continue
		}
		n, ok := lineNumber(line)
		switch {
		case !ok || n <= p.after:
		case n > durable:
			p.close()
			return b.String(), p.after, nil
		default:
			b.Write(line)
			p.after = n
		}
	}
	return b.String(), p.after, nil
}

// line gives a line with its end, nil at the end of the file. Half a line is no line yet: it is read again.
func (p *spool) line() ([]byte, error) {
	line, err := p.r.ReadBytes('\n')
	if err == io.EOF {
		_, err = p.file.Seek(-int64(len(line)), io.SeekCurrent)
		p.r.Reset(p.file)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimLeft(line, "\x00"), nil
}

// forget makes what was read ahead be read again.
func (p *spool) forget() error {
	_, err := p.file.Seek(-int64(p.r.Buffered()), io.SeekCurrent)
	p.r.Reset(p.file)
	return err
}

// seek opens the file that holds the line behind after.
func (p *spool) seek(after uint64) error {
	p.close()
	p.after = after
	list, err := p.segments()
	if err != nil || len(list) == 0 {
		return err
	}
	i := 0
	for n := range list {
		if list[n].first <= after+1 && list[n].first > list[i].first {
			i = n
		}
	}
	return p.open(list[i].path)
}

func (p *spool) open(path string) (err error) {
	p.close()
	if p.file, err = os.Open(path); err != nil {
		return err
	}
	p.r = bufio.NewReaderSize(p.file, 256<<10)
	return nil
}

// advance goes on with the file behind the one that was read to its end.
func (p *spool) advance() (bool, error) {
	list, err := p.segments()
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(list, p.isOpen)
	if i < 0 { // it was removed
		i = slices.IndexFunc(list, func(s segment) bool { return s.first > p.after }) - 1
	}
	if i+1 >= len(list) || i < -1 {
		return false, nil
	}
	return true, p.open(list[i+1].path)
}

// isOpen reports the file that is being read, whatever its name has become.
func (p *spool) isOpen(s segment) bool {
	there, err := os.Stat(s.path)
	here, err2 := p.file.Stat()
	return err == nil && err2 == nil && os.SameFile(there, here)
}

func (p *spool) close() {
	if p.file != nil {
		p.file.Close()
		p.file = nil
	}
}

// prune removes the files all of whose lines have numbers up to applied. The newest stays.
func (p *spool) prune(applied uint64) error {
	done, err := p.prunable(applied)
	for _, s := range done {
		err = errors.Join(err, os.Remove(s.path))
	}
	return err
}

func (p *spool) prunable(applied uint64) ([]segment, error) {
	list, err := p.segments()
	n := 0
	for i := range list {
		if list[i].path == p.path {
			break
		}
		if i+1 < len(list) && list[i+1].first > list[i].first && list[i+1].first <= applied+1 {
			n = i + 1
		}
	}
	return list[:n], err
}
