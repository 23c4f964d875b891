package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestUnblocked: a pipe is written to without blocking, by an end of its own, and nothing is lost; other files stay what they are.
func TestUnblocked(t *testing.T) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil { // blocking, as an inherited one is
		t.Fatal(err)
	}
	reader, writer := os.NewFile(uintptr(ends[0]), "reader"), os.NewFile(uintptr(ends[1]), "writer")
	defer reader.Close()
	w, ok := unblocked(writer).(*os.File)
	if !ok || w == writer {
		t.Fatal("the pipe is written to as it is")
	}
	flags := func(f *os.File) (flags int) {
		raw, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { flags, _ = unix.FcntlInt(fd, unix.F_GETFL, 0) })
		return flags
	}
	if flags(writer)&unix.O_NONBLOCK != 0 || flags(w)&unix.O_NONBLOCK == 0 {
		t.Error("the wrong end is blocking")
	}
	text := bytes.Repeat([]byte("a line of the log\n"), 300_000)
	go func() {
		w.Write(text)
		w.Close()
		writer.Close()
	}()
	if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d octets of %d, %v", len(got), len(text), err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if unblocked(file) != io.Writer(file) {
		t.Error("a file is opened anew")
	}
}
