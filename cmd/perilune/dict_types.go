package main

import (
	"bytes"
	_ "embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"perilune/engine/dictionary"
	"perilune/policy"
	"perilune/policy/policytest"
)

// writeTypes writes the types of scripts and of their tests for the Lua language server.
func writeTypes(w io.Writer, d *dictionary.Dictionary) error {
	var names []policy.TypedName
	for _, f := range policytest.Functions() {
		n := policy.TypedName{Of: f.Of, Name: f.Name, Signature: f.Signature, Doc: f.Doc, Field: f.Field}
		switch {
		case f.Name == "send" || f.Name == "answer":
			n.Gives = "reply"
		case f.Name == "expect" || f.Of == "expectation":
			n.Gives = "expectation"
		case f.Name == "calls":
			n.Gives = "table[]"
		case strings.HasPrefix(f.Name, "mock.") && f.Name != "mock.fail":
			n.Gives = "mock"
		}
		names = append(names, n)
	}
	return policy.WriteTypes(w, d, names)
}

// editorSettings tell the Lua language server where the types are and what scripts do not have.
//
//go:embed luarc.json
var editorSettings []byte

// writeEditorFiles writes what an editor needs into the directory above the scripts: settings, and the types of the
// default dictionary. The loader of scripts sees neither.
func writeEditorFiles(dir string) (written int, err error) {
	known, errs := openDictionary("", "")
	if known == nil {
		return 0, errs
	}
	var types bytes.Buffer
	if err := writeTypes(&types, known.Dictionary.Dictionary); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Join(dir, ".luals"), 0o755); err != nil {
		return 0, err
	}
	for name, text := range map[string][]byte{".luarc.json": editorSettings, ".luals/perilune.lua": types.Bytes()} {
		switch err := writeNew(filepath.Join(dir, name), text, 0o644); {
		case err == nil:
			written++
		case !errors.Is(err, fs.ErrExist):
			return written, err
		}
	}
	return written, nil
}
