package replay

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"runtime"
)

// Bounds of a batch of lines that is read at once, and of those under way for each processor. A batch ends with the
// line that passes batchOctets.
const (
	batchLines  = 64
	batchOctets = 256 << 10
	batchesEach = 2
)

// Read gives the requests of a record in order. A line that cannot be read is a *LineError beside no case, and the
// next one follows; any other error is the last. key opens answers of backends; nil leaves them out. Lines are read
// on all processors; what waits for its turn is bounded.
func Read(r io.Reader, file string, key *Key) iter.Seq2[*Case, error] {
	return func(yield func(*Case, error) bool) {
		n := runtime.GOMAXPROCS(0)
		rd, work := newReader(r), make(chan *batch, n*batchesEach)
		defer close(work)
		for range n {
			go func() {
				for b := range work {
					b.parse(file, key)
				}
			}()
		}
		for !rd.over || len(rd.queue) > 0 {
			if !rd.over && len(rd.queue) < cap(work) {
				b := rd.fill()
				rd.queue = append(rd.queue, b)
				work <- b
				continue
			}
			if !rd.give(yield) {
				return
			}
		}
		if rd.err != nil {
			yield(nil, rd.err)
		}
	}
}

// A reader hands batches of lines to parsers, and gives them on in their order.
type reader struct {
	in    *bufio.Reader
	line  int // number of the next one
	over  bool
	err   error    // that has ended it; nil: the end
	queue []*batch // handed out, the oldest first
	spare []*batch
}

func newReader(r io.Reader) *reader {
	return &reader{in: bufio.NewReaderSize(r, 64<<10), line: 1}
}

// A batch is some lines of a record, and what they are.
type batch struct {
	text  []byte
	lines []rawLine
	first int // number of the first line
	cases []*Case
	errs  []error
	done  chan struct{} // told when it is parsed
}

// A rawLine ends at end in the text of its batch; err is how its reading has ended.
type rawLine struct {
	end int
	err error
}

// fill reads one batch.
func (rd *reader) fill() *batch {
	b := rd.take()
	b.first = rd.line
	for !rd.over && len(b.lines) < batchLines && len(b.text) < batchOctets {
		begin := len(b.text)
		var err error
		b.text, err = readLine(rd.in, b.text)
		switch {
		case err == nil, errors.Is(err, bufio.ErrTooLong):
		case errors.Is(err, io.EOF):
			if rd.over = true; len(b.text) == begin {
				err = nil
				continue
			}
		default:
			rd.over, rd.err = true, err
			continue
		}
		b.lines = append(b.lines, rawLine{len(b.text), err})
		rd.line++
	}
	return b
}

func (rd *reader) take() *batch {
	n := len(rd.spare)
	if n == 0 {
		return &batch{done: make(chan struct{}, 1)}
	}
	b := rd.spare[n-1]
	rd.spare = rd.spare[:n-1]
	b.text, b.lines, b.cases, b.errs = b.text[:0], b.lines[:0], b.cases[:0], b.errs[:0]
	return b
}

// give gives the oldest batch on once it is parsed.
func (rd *reader) give(yield func(*Case, error) bool) bool {
	b := rd.queue[0]
	rd.queue = rd.queue[1:]
	<-b.done
	for i := range b.cases {
		if !yield(b.cases[i], b.errs[i]) {
			return false
		}
	}
	clear(b.cases)
	rd.spare = append(rd.spare, b)
	return true
}

func (b *batch) parse(file string, key *Key) {
	begin := 0
	for i, l := range b.lines {
		c, err := caseOf(b.text[begin:l.end], file, b.first+i, l.err, key)
		if c != nil {
			c.chain()
		}
		b.cases, b.errs = append(b.cases, c), append(b.errs, err)
		begin = l.end
	}
	b.done <- struct{}{}
}

// readLine appends a line to dst. One that is too long is read to its end and thrown away.
func readLine(in *bufio.Reader, dst []byte) ([]byte, error) {
	begin := len(dst)
	for {
		part, err := in.ReadSlice('\n')
		if len(dst)-begin+len(part) > maxLine {
			for err == bufio.ErrBufferFull {
				_, err = in.ReadSlice('\n')
			}
			if err != nil && err != io.EOF {
				return dst[:begin], err
			}
			return dst[:begin], bufio.ErrTooLong
		}
		dst = append(dst, part...)
		if err != bufio.ErrBufferFull {
			return dst, err
		}
	}
}
