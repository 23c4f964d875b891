package policytest

import (
	"context"
	"log/slog"
)

// An errorLog keeps what handlers log as errors, to be shown with a failure.
type errorLog struct{ lines []string }

// maxLogged bounds the lines that one failure shows.
const maxLogged = 8

// Enabled implements slog.Handler.
func (e *errorLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

// Handle implements slog.Handler.
func (e *errorLog) Handle(_ context.Context, r slog.Record) error {
	if len(e.lines) < maxLogged {
		e.lines = append(e.lines, r.Message)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (e *errorLog) WithAttrs([]slog.Attr) slog.Handler { return e }

// WithGroup implements slog.Handler.
func (e *errorLog) WithGroup(string) slog.Handler { return e }
