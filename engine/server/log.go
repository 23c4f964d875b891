package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// LogOptions say where the request log goes and in which form.
type LogOptions struct {
	// Writer takes whole lines, several in one write. If it has a method Reopen, Log.Reopen calls it.
	Writer io.Writer
	JSON   bool // one JSON object a line instead of key=value
	// Handler, if not nil, takes records instead of Writer: for terminals. It costs more.
	Handler slog.Handler
	Room    int    // octets that wait for a slow Writer at most; 0: 1 MiB
	Key     []byte // not nil: user names appear as keyed hashes ([log] identity = hash)
}

// A Log writes one line for each request. Lines are formatted by hand into the caller's buffer and handed on
// a batch at a time; one goroutine writes. A sink that is slow or full loses lines, which are counted, and
// never holds up a packet. A nil *Log logs nothing.
type Log struct {
	json    bool
	handler slog.Handler
	key     []byte
	writer  *writer
	lost    atomic.Uint64
	least   atomic.Int64 // slog.Level; lines below it are not written
}

// NewLog starts the writing goroutine; Close ends it.
func NewLog(o LogOptions) *Log {
	l := &Log{json: o.JSON, handler: o.Handler, key: o.Key}
	if o.Room <= 0 {
		o.Room = 1 << 20
	}
	l.writer = newWriter(o, &l.lost)
	return l
}

// Close writes what waits, for as long as ctx allows, and ends the goroutine.
func (l *Log) Close(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.writer.close(ctx)
}

// Reopen lets the sink open its file anew (after logrotate), before the next lines.
func (l *Log) Reopen() {
	if l != nil {
		l.writer.reopen()
	}
}

// SetLevel leaves out the lines below a level from now on: requests that ended are at info, packets that were
// refused at warn. A new Log writes both.
func (l *Log) SetLevel(least slog.Level) {
	if l != nil {
		l.least.Store(int64(least))
	}
}

// wants reports whether lines of a level are written.
func (l *Log) wants(level slog.Level) bool { return l != nil && int64(level) >= l.least.Load() }

// Lost gives the number of lines that found no room or could not be written.
func (l *Log) Lost() uint64 {
	if l == nil {
		return 0
	}
	return l.lost.Load()
}

// lines are the formatted lines of one batch or one detached request.
type lines struct {
	buf     []byte
	records []slog.Record
	n       int
	stamp   []byte // beginning of a line, made once for one time and level
	at      time.Time
	level   slog.Level
	head    head
}

// A head is how a line begins: the same for all requests of one kind, batch and client.
type head struct {
	text   []byte
	client *nas.Client // nil: there is none
	code   radius.Code
	at     time.Time
}

// flush hands lines to the writing goroutine.
func (l *Log) flush(ls *lines) {
	if l == nil || ls.n == 0 {
		return
	}
	l.writer.add(ls)
	clear(ls.records)
	ls.buf, ls.records, ls.n = ls.buf[:0], ls.records[:0], 0
	ls.head.client = nil // or a generation would be kept alive
}

// request adds the line of a request that is over.
func (l *Log) request(ls *lines, r *Request) {
	if !l.wants(slog.LevelInfo) {
		return
	}
	mask := r.logMask()
	if r.hides(mask) {
		return
	}
	e := l.head(ls, r)
	e.number("id", int64(r.Packet.Identifier))
	e.name("user", logUser(r))
	e.octets("password", r.passwordShown(mask))
	e.word("verdict", r.Verdict.String())
	e.text("reason", r.Reason)
	e.rule(r)
	e.home(r)
	e.text("hooks", r.Hook)
	for i := range r.Notes {
		e.note(&r.Notes[i])
	}
	e.duration("took", time.Since(r.Arrival))
	e.end()
}

// head begins the line of a request.
func (l *Log) head(ls *lines, r *Request) entry {
	h := &ls.head
	if h.client == r.Client && h.code == r.Packet.Code && h.at == r.Arrival {
		return entry{log: l, lines: ls, buf: append(ls.buf, h.text...)}
	}
	e := l.begin(ls, slog.LevelInfo, r.Packet.Code.String(), r.Arrival)
	e.text("nas", r.Client.Name)
	if l.handler == nil {
		*h = head{append(h.text[:0], e.buf[len(ls.buf):]...), r.Client, r.Packet.Code, r.Arrival}
	}
	return e
}

func logUser(r *Request) []byte {
	if r.Generation.Dictionary == nil {
		return r.ReceivedUser
	}
	if name := r.User(); name != nil {
		return name
	}
	return r.ReceivedUser
}

// refusal adds the line of a packet that went no further.
func (l *Log) refusal(ls *lines, r *Request, why Reason, suppressed uint64) {
	if !l.wants(slog.LevelWarn) {
		return
	}
	e := l.begin(ls, slog.LevelWarn, "refused", r.Arrival)
	e.source(r)
	if r.Client != nil {
		e.text("nas", r.Client.Name)
	}
	e.text("verdict", why.outcome().String())
	e.text("reason", why.String())
	if r.broken != nil {
		e.text("error", r.broken.Error())
	}
	if suppressed > 0 {
		e.number("suppressed", int64(suppressed))
	}
	e.end()
}

// An entry is one line in the making: text, JSON, or a record for a slog.Handler.
type entry struct {
	log    *Log
	lines  *lines
	buf    []byte
	record *slog.Record
}

const stampLayout = "2006-01-02T15:04:05.000Z07:00"

func (l *Log) begin(ls *lines, level slog.Level, message string, at time.Time) entry {
	e := entry{log: l, lines: ls, buf: ls.buf}
	if l.handler != nil {
		ls.records = append(ls.records, slog.NewRecord(at, level, message, 0))
		e.record = &ls.records[len(ls.records)-1]
		return e
	}
	if ls.at != at || ls.level != level {
		ls.stamp, ls.at, ls.level = l.stamp(ls.stamp[:0], at, level), at, level
	}
	e.buf = append(e.buf, ls.stamp...)
	e.text("msg", message)
	return e
}

// stamp appends the beginning of a line.
func (l *Log) stamp(dst []byte, at time.Time, level slog.Level) []byte {
	if l.json {
		dst = at.AppendFormat(append(dst, `{"time":"`...), stampLayout)
		dst = append(append(dst, `","level":"`...), level.String()...)
		return append(dst, '"')
	}
	dst = at.AppendFormat(append(dst, "time="...), stampLayout)
	return append(append(dst, " level="...), level.String()...)
}

// end closes the line. Only now is it part of the batch.
func (e *entry) end() {
	e.lines.n++
	if e.record != nil {
		return
	}
	if e.log.json {
		e.buf = append(e.buf, '}')
	}
	e.lines.buf = append(e.buf, '\n')
}

// field writes what stands before a value. The key must be plain.
func (e *entry) field(key string) {
	if e.log.json {
		e.buf = append(e.buf, ',', '"')
		e.buf = append(e.buf, key...)
		e.buf = append(e.buf, '"', ':')
		return
	}
	b := append(e.buf, ' ')
	b = append(b, key...)
	e.buf = append(b, '=')
}

// text adds a field; an empty one is left out.
func (e *entry) text(key, value string) {
	if value != "" {
		e.filled(key, value)
	}
}

func (e *entry) filled(key, value string) {
	switch {
	case e.record != nil:
		e.record.AddAttrs(slog.String(key, value))
	case e.log.json:
		e.field(key)
		e.buf = appendJSON(e.buf, value)
	default:
		e.field(key)
		e.buf = appendText(e.buf, value)
	}
}

// word adds a field whose value is one of our own words, which need no quotes.
func (e *entry) word(key, value string) {
	if e.record != nil || e.log.json || value == "" {
		e.text(key, value)
		return
	}
	e.field(key)
	e.buf = append(e.buf, value...)
}

// note adds a field of a script's making.
func (e *entry) note(n *Note) {
	if !plain(n.Key) {
		n.Key = string(appendBare(nil, n.Key))
	}
	e.text(n.Key, n.Value)
}

// octets adds a field whose value came from the wire.
func (e *entry) octets(key string, value []byte) {
	switch {
	case len(value) == 0:
	case e.record != nil:
		e.record.AddAttrs(slog.String(key, string(appendEscaped(nil, value, false))))
	case e.log.json:
		e.field(key)
		e.buf = appendJSON(e.buf, value)
	default:
		e.field(key)
		e.buf = appendText(e.buf, value)
	}
}

// name adds a user name, hashed if so set.
func (e *entry) name(key string, value []byte) {
	if e.log.key == nil || len(value) == 0 {
		e.octets(key, value)
		return
	}
	mac := hmac.New(sha256.New, e.log.key)
	mac.Write(bytes.ToLower(value))
	e.text(key, hex.EncodeToString(mac.Sum(nil)[:8]))
}

func (e *entry) number(key string, n int64) {
	if e.record != nil {
		e.record.AddAttrs(slog.Int64(key, n))
		return
	}
	e.field(key)
	e.buf = appendDecimal(e.buf, n)
}

// appendDecimal is strconv.AppendInt for numbers that are short as a rule.
func appendDecimal(dst []byte, n int64) []byte {
	switch {
	case n < 0 || n > 999:
		return strconv.AppendInt(dst, n, 10)
	case n < 10:
		return append(dst, byte('0'+n))
	case n < 100:
		return append(dst, byte('0'+n/10), byte('0'+n%10))
	}
	return append(dst, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}

// duration adds microseconds up to a second's worth of digits: 87µs, 1240µs; JSON has the number alone.
func (e *entry) duration(key string, d time.Duration) {
	if e.record != nil {
		e.record.AddAttrs(slog.Duration(key, d))
		return
	}
	e.field(key)
	e.buf = appendDecimal(e.buf, d.Microseconds())
	if !e.log.json {
		e.buf = append(e.buf, "µs"...)
	}
}

// rule adds the users entry that matched last.
func (e *entry) rule(r *Request) {
	if len(r.way.query.Rules) == 0 {
		return
	}
	if e.record != nil {
		e.record.AddAttrs(slog.String("rule", r.Rule()))
		return
	}
	e.field("rule")
	if !e.log.json {
		e.buf = r.AppendRule(e.buf)
		return
	}
	last := &r.way.query.Rules[len(r.way.query.Rules)-1]
	e.buf = append(e.buf, '"')
	e.buf = appendEscaped(e.buf, last.File, true)
	e.buf = append(e.buf, ':')
	e.buf = strconv.AppendInt(e.buf, int64(last.Line), 10)
	e.buf = append(e.buf, '"')
}

// home adds where a request was sent on to.
func (e *entry) home(r *Request) {
	if p := r.Proxied; p != nil {
		e.text("realm", p.Realm)
		e.text("home", p.Server)
		e.number("attempts", int64(p.Attempts))
	}
}

func (e *entry) source(r *Request) {
	if e.record != nil {
		e.record.AddAttrs(slog.String("source", r.Source.String()))
		return
	}
	e.field("source")
	if e.log.json {
		e.buf = append(e.buf, '"')
		defer func() { e.buf = append(e.buf, '"') }()
	}
	e.buf = r.Source.AppendTo(e.buf)
}
