package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"perilune/raddb"
	"perilune/scripts"
)

// defaultFiles gives the raddb directory that the program carries.
func defaultFiles() fs.FS { return raddb.Files }

func runInit(args []string, s streams) int {
	f := newFlags(s, "init DIR", "Writes the default configuration to DIR/raddb and the default scripts to DIR/scripts, with types for editors that\n"+
		"have the Lua language server. Nothing is overwritten.", "perilune init /etc/perilune")
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) != 1 {
		return f.wrong("expected one directory")
	}
	written := 0
	for name, files := range map[string]fs.FS{"raddb": raddb.Files, "scripts": scripts.Files} {
		n, err := writeTree(filepath.Join(rest[0], name), files)
		if err != nil {
			return s.fail("init", err)
		}
		written += n
	}
	n, err := writeEditorFiles(rest[0])
	if err != nil {
		return s.fail("init", err)
	}
	if written += n; written == 0 {
		fmt.Fprintf(s.out, "%s has all files already; nothing was changed\n", rest[0])
		return exitOK
	}
	fmt.Fprintf(s.out, "%d files written to %s\n\nNext:\n  %s serve -d %s\n", written, rest[0], thisCommand(), filepath.Join(rest[0], "raddb"))
	return exitOK
}

// writeTree writes the files that are not there yet. Those with secrets are for owner and group alone.
func writeTree(dir string, files fs.FS) (written int, err error) {
	err = fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path)
		if e.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		b, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		err = writeNew(to, b, modeOf(path))
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		written++
		return err
	})
	return written, err
}

func writeNew(path string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func modeOf(path string) fs.FileMode {
	switch filepath.Base(path) {
	case "clients", "users", "radius.conf":
		return 0o640
	}
	return 0o644
}
