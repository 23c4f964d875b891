package module

import (
	"context"
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// maxLogFields bounds the fields of a line.
const maxLogFields = 32

// lineSteps is what a line costs. It bounds the lines of one run as the budget bounds its loops.
const lineSteps = 500

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
	logged := e.Log != nil && e.Log.Enabled(context.Background(), level)
	if !logged && e.Logged == nil {
		return 0
	}
	sandbox.Charge(l, lineSteps)
	fields := logFields(l, e)
	if e.Logged != nil {
		line := message
		for _, f := range fields {
			line += " " + f.Key + "=" + f.Value.String()
		}
		e.Logged(level.String(), line)
	}
	if !logged {
		return 0
	}
	var attrs []slog.Attr
	if e.LogAttrs != nil {
		attrs = e.LogAttrs()
	}
	e.Log.LogAttrs(context.Background(), level, e.blank(message), append(attrs, fields...)...)
	return 0
}

// logFields reads the table behind the message.
func logFields(l *lua.LState, e *Env) (fields []slog.Attr) {
	if l.Get(2) == lua.LNil {
		return nil
	}
	t := sandbox.CheckTable(l, 2)
	for k, v := t.Next(lua.LNil); k != lua.LNil && len(fields) < maxLogFields; k, v = t.Next(k) {
		fields = append(fields, slog.String(e.blank(sandbox.ToString(l, k)), e.blank(sandbox.ToString(l, v))))
	}
	return fields
}
