package module

import (
	"context"
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// maxLogFields bounds the fields of a line.
const maxLogFields = 32

func logFunctions() []Function {
	level := func(name string, level slog.Level, doc string) Function {
		return Function{Module: "log", Name: name, Signature: "log." + name + "(message [, {key=value}])", Doc: doc,
			call: func(l *lua.LState) int { return logLine(l, level) }}
	}
	return []Function{
		level("debug", slog.LevelDebug, "Logs for who looks for a fault. print does the same."),
		level("info", slog.LevelInfo, "Logs what is worth a line in ordinary operation."),
		level("warn", slog.LevelWarn, "Logs what somebody should look at."),
		level("error", slog.LevelError, "Logs what somebody must look at."),
	}
}

func logLine(l *lua.LState, level slog.Level) int {
	e, message := From(l), sandbox.ToString(l, sandbox.CheckAny(l, 1))
	if e.Logged != nil {
		e.Logged(level.String(), message)
	}
	if e.Log == nil || !e.Log.Enabled(context.Background(), level) {
		return 0
	}
	var attrs []slog.Attr
	if e.LogAttrs != nil {
		attrs = e.LogAttrs()
	}
	if l.Get(2) != lua.LNil {
		t := sandbox.CheckTable(l, 2)
		n := 0
		for k, v := t.Next(lua.LNil); k != lua.LNil && n < maxLogFields; k, v = t.Next(k) {
			attrs = append(attrs, slog.String(e.blank(sandbox.ToString(l, k)), e.blank(sandbox.ToString(l, v))))
			n++
		}
	}
	e.Log.LogAttrs(context.Background(), level, e.blank(message), attrs...)
	return 0
}
