package policytest

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
		p.lines = append(p.lines, shown(r.Message))
	} else {
		p.more++
	}
	return nil
}

// shown writes what a terminal would obey, and what is no text, as Go does: \x1b.
func shown(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) || r == utf8.RuneError }

// WithAttrs implements slog.Handler.
func (p *output) WithAttrs([]slog.Attr) slog.Handler { return p }

// WithGroup implements slog.Handler.
func (p *output) WithGroup(string) slog.Handler { return p }
