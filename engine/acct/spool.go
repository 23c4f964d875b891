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

// segments lists the files that hold numbered lines, the oldest first.
func (p *spool) segments() ([]segment, error) {
	names, err := filepath.Glob(p.path + "*")
	if err != nil {
		return nil, err
	}
	var list []segment
	for _, name := range names {
		if first, err := firstNumber(name); err != nil {
			return nil, err
		} else if first != 0 {
			list = append(list, segment{name, first})
		}
	}
	slices.SortFunc(list, func(a, b segment) int { return cmp.Compare(a.first, b.first) })
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
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if n == 0 || err != nil && err != io.ErrUnexpectedEOF {
		return 0, nil
	}
	first, _ := lineNumber(head[:n])
	return first, nil
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
// last one's number. Lines behind durable may still be taken back. No lines: nothing is left.
func (p *spool) read(after, durable uint64, octets int) (chunk string, last uint64, err error) {
	if p.file == nil || p.after != after {
		if err := p.seek(after); p.file == nil || err != nil {
			return "", after, err
		}
	}
	var b strings.Builder
	for b.Len() < octets {
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

// seek opens the file that holds the line behind after.
func (p *spool) seek(after uint64) error {
	p.close()
	p.after = after
	list, err := p.segments()
	if err != nil || len(list) == 0 {
		return err
	}
	i := max(0, slices.IndexFunc(list, func(s segment) bool { return s.first > after+1 })-1)
	if list[len(list)-1].first <= after+1 {
		i = len(list) - 1
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
	i := slices.IndexFunc(list, func(s segment) bool { return s.first > p.after })
	if i < 0 {
		return false, nil
	}
	return true, p.open(list[i].path)
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
	for n+1 < len(list) && list[n+1].first <= applied+1 && list[n].path != p.path {
		n++
	}
	return list[:n], err
}
