package policytest

import (
	"context"
	"fmt"
	"log/slog"
)

// An output keeps what a test file prints and logs, to be shown with its case.
type output struct {
	lines []string
	more  int // lines beyond maxPrinted
}

// maxPrinted bounds the lines of one case.
const maxPrinted = 100

// take gives the lines since the last call. What a file prints while it loads comes with its first case.
func (p *output) take() []string {
	lines := p.lines
	if p.more > 0 {
		lines = append(lines, fmt.Sprintf("(%d more lines)", p.more))
	}
	*p = output{}
	return lines
}

// Enabled implements slog.Handler.
func (p *output) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (p *output) Handle(_ context.Context, r slog.Record) error {
	if len(p.lines) < maxPrinted {
		p.lines = append(p.lines, r.Message)
	} else {
		p.more++
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (p *output) WithAttrs([]slog.Attr) slog.Handler { return p }

// WithGroup implements slog.Handler.
func (p *output) WithGroup(string) slog.Handler { return p }
