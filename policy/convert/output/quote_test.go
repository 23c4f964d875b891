package output

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"pgregory.net/rapid"

	"perilune/engine/raddb"
)

// hostile draws texts of what ends strings and comments.
func hostile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{
			"]", "[", "=", "]]", "]=]", "--", "\n", "\r", "\\", `"`, "'", "x", "\x00", "\x7f", "\xff", "ä", "\u2028", "stolen = 1 ", "%s",
		})).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

// run runs a chunk that sets text, and gives that.
func run(t *rapid.T, chunk string) string {
	l := lua.NewState()
	defer l.Close()
	if err := l.DoString(chunk); err != nil {
		t.Fatalf("%v in\n%s", err, chunk)
	}
	if l.GetGlobal("stolen") != lua.LNil {
		t.Fatalf("text has become code:\n%s", chunk)
	}
	return l.GetGlobal("text").String()
}

func TestTextIsNoCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := hostile().Draw(t, "text")
		if got := run(t, "text = "+LuaString(text)); got != text {
			t.Errorf("LuaString: %q became %q", text, got)
		}
		run(t, "text = 1 -- "+Comment(text)+"\n")
		long := strings.ReplaceAll(text, "\r", "") + "\n" // of which Lua makes \n
		if got := run(t, "text = "+LuaLong(long)); got != long {
			t.Errorf("LuaLong: %q became %q", long, got)
		}
	})
}

func TestFileNamesAreNoSettings(t *testing.T) {
	var s Settings
	s.Set("log", "level", "info", raddb.Pos{File: "a\npasswords = true\r", Line: 1})
	if text := s.Render(); !strings.Contains(text, "level = \"info\"  # a passwords = true :1\n") {
		t.Error(text)
	}
}

func TestReportMovesNoCursor(t *testing.T) {
	var r Report
	r.Lookf(raddb.Pos{File: "menus/\x1b[2J", Line: 1}, "the name is %s", "a\nDone:\r")
	var b strings.Builder
	r.Print(&b)
	if want := "To look at:\n  menus/ [2J:1: the name is a Done: \n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
