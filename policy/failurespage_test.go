package policy

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"perilune/engine/server"
	"perilune/policy/module"
)

// page reads the rows of a table of docs/hook-failures.md, below a mark; code loses its quotes.
func page(t *testing.T, mark string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile("../docs/hook-failures.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<!-- "+mark+" -->\n\n")
	if !found {
		t.Fatalf("the page has no %q", mark)
	}
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(line, "| \n"), " | ") {
			row = append(row, strings.TrimPrefix(strings.Trim(strings.TrimSpace(cell), "`"), "–"))
		}
		rows = append(rows, row)
	}
	return rows[2:]
}

// pageBackend is the server that the page's examples ask.
type pageBackend struct{ slowBackend }

func (b *pageBackend) HTTP(string, *module.HTTPOptions) (module.HTTP, error) { return b, nil }

func (b *pageBackend) Do(ctx context.Context, q *module.HTTPRequest) (*module.HTTPResponse, error) {
	if q.Path == "/down" {
		return nil, errors.New("connection refused")
	}
	return b.slowBackend.Do(ctx, q)
}

// registration tells a script of its own from the body of a handler.
var registration = regexp.MustCompile(`^(on|huntgroup|rewrite|auth_type|answer|every)\(`)

// TestHookFailuresPage runs each row of docs/hook-failures.md: the outcome, what the log says and the reason are as the
// page tells, and the next request in the same state is answered.
func TestHookFailuresPage(t *testing.T) {
	for _, row := range page(t, "run by TestHookFailuresPage") {
		what, example, outcome, told, reason := row[0], row[1], row[2], row[3], row[4]
		t.Run(what, func(t *testing.T) {
			script := "on('authorize', {when={user='next'}}, function(req) return accept{} end)\nlocal api = http.open{base='http://127.0.0.1:9'}\n\n\n\n\n\n"
			if registration.MatchString(example) {
				script += example
			} else {
				script += `on("authorize", {name="h"}, function(req) ` + example + " end)"
			}
			script += "\non('authorize', function(req) return accept{} end)\n"
			b := &pageBackend{slowBackend{gate: make(chan struct{})}}
			h, errs := tryLoad(t, map[string]string{"a.lua": script}, func(o *Options) { o.Backends, o.Timeout = b, time.Minute })
			if errs.Failed() {
				t.Fatal(errs)
			}
			h.gen.Settings.AccessDeadline = time.Minute // other bounds are to end it, also on a slow machine
			off := server.NewOffline(nil)
			ask := func(user string) *server.Outcome {
				r := h.access("User-Name", user, "User-Password", "hunter2hunter2")
				out, err := off.Run(h.gen, &server.Question{Attributes: r.Attributes})
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			out := ask("bob")
			if got := out.Kind.String(); got != outcome {
				t.Errorf("%s, the page says %s", got, outcome)
			}
			if reason != "" && out.Reason != reason {
				t.Errorf("reason %q, the page says %q", out.Reason, reason)
			}
			log := strings.ReplaceAll(h.log.String(), `\"`, `"`)
			if !strings.Contains(log, told) || told == "" && strings.Contains(log, "level=ERROR") || strings.Contains(log, "hunter2") {
				t.Errorf("the log says\n%s\nthe page %s", log, told)
			}
			if told != "" && !regexp.MustCompile(`msg="a\.lua:\d+: (hook "h"|huntgroup "x"): `).MatchString(log) {
				t.Errorf("no place and no hook in\n%s", log)
			}
			if next := ask("next"); next.Kind != server.Accept && !strings.Contains(example, "reply") {
				t.Errorf("the next request: %v %s", next.Kind, next.Reason)
			}
		})
	}
}

// TestLoadFailuresPage loads each row of the page's last table.
func TestLoadFailuresPage(t *testing.T) {
	for _, row := range page(t, "loaded by TestHookFailuresPage") {
		t.Run(row[0], func(t *testing.T) {
			_, errs := tryLoad(t, map[string]string{"a.lua": row[1]}, func(o *Options) {
				o.Backends, o.Limits.LoadTime = &pageBackend{}, time.Minute
			})
			if text := errs.Error(); !errs.Failed() || !strings.Contains(text, row[2]) || !strings.HasPrefix(text, "a.lua:1:") {
				t.Errorf("got %q, the page says %q", text, row[2])
			}
		})
	}
}

// TestReasonsPage: the reasons of the page's second table are those that drops are counted by.
func TestReasonsPage(t *testing.T) {
	var names []string
	for why := server.ReasonBusy; why < server.ReasonPassword; why++ {
		names = append(names, why.String())
	}
	for _, row := range page(t, "reasons of TestWaitingIsBounded and its neighbours") {
		if !slices.Contains(names, row[1]) {
			t.Errorf("%q is no reason of drops", row[1])
		}
	}
}
