package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"perilune/engine/acct"
	"perilune/engine/raddb"
)

// A Database names where accounting is kept. It may hold a password, so that every way to text but Name hides that.
type Database string

// Name gives the whole: "", the path of a file, or postgres://….
func (d Database) Name() string { return string(d) }

// Shared reports a PostgreSQL, not a file.
func (d Database) Shared() bool {
	return strings.HasPrefix(string(d), "postgres://") || strings.HasPrefix(string(d), "postgresql://")
}

// String gives the name without what may be secret in it: the password, and all that stands behind a ?.
func (d Database) String() string {
	if !d.Shared() {
		return string(d)
	}
	u, err := url.Parse(string(d))
	if err != nil {
		return "postgres://…"
	}
	if u.RawQuery != "" {
		u.RawQuery = "…"
	}
	return u.Redacted()
}

// GoString implements fmt.GoStringer without the secret.
func (d Database) GoString() string { return d.String() }

// Format implements fmt.Formatter, so that no verb reaches the secret.
func (d Database) Format(f fmt.State, _ rune) { fmt.Fprint(f, d.String()) }

// LogValue implements slog.LogValuer without the secret.
func (d Database) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText implements encoding.TextMarshaler without the secret.
func (d Database) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// database sets a slot of this type. Nothing that it says repeats a text that may hold a password.
func (r *reader) database(s slot, key string, v any, at raddb.Pos) {
	const expected = `the path of a file, "postgres://USER:PASSWORD@HOST/NAME", "@FILE" or 'secret("NAME")'`
	text, ok := v.(string)
	if !ok {
		r.errs.Errorf(at, "%s = %s; expected %s", key, show(v), expected)
		return
	}
	text, inline, ok := r.referred(key, text, at)
	if !ok {
		return
	}
	if why := wrongDatabase(text); why != "" {
		r.errs.Errorf(at, "%s = %s; expected %s", key, why, expected)
		return
	}
	d := Database(text)
	if inline && d.String() != text && r.tree.Exposed(FileName) {
		r.errs.Warnf(at, "everybody on this machine may read this file, and %s has a password; expected mode 0640 or less", key)
	}
	s.value.SetString(text)
}

// referred gives what "@FILE" and secret("NAME") stand for; inline if the text stands for itself.
func (r *reader) referred(key, text string, at raddb.Pos) (name string, inline, ok bool) {
	file, isFile := strings.CutPrefix(text, "@")
	if inner, isSecret := strings.CutPrefix(text, "secret("); isSecret && strings.HasSuffix(inner, ")") {
		inner = strings.Trim(strings.TrimSuffix(inner, ")"), `"'`)
		if !raddb.IsSecretName(inner) {
			r.errs.Errorf(at, "%s: %q is no name of a secret; expected letters, digits, - _ and dots inside", key, inner)
			return "", false, false
		}
		file, isFile = raddb.SecretsDir+"/"+inner, true
	}
	if !isFile {
		return text, true, true
	}
	octets, err := r.tree.SecretFile(file)
	if err != nil {
		r.errs.Errorf(at, "%s: %v", key, err)
		return "", false, false
	}
	if r.tree.Exposed(file) {
		r.errs.Warnf(at, "everybody on this machine may read the secret in %s; expected mode 0640 or less", file)
	}
	return string(octets), false, true
}

// wrongDatabase says in a few words what is wrong with a name, "" if nothing is.
func wrongDatabase(name string) string {
	scheme, rest, isURL := strings.Cut(name, "://")
	switch {
	case strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "a text with control characters"
	case isURL && !Database(name).Shared():
		return fmt.Sprintf("an address that begins with %q", scheme[:min(len(scheme), 20)]+"://")
	case isURL && rest == "":
		return "an address without a host"
	case isURL:
		if _, err := url.Parse(name); err != nil {
			return "an address that cannot be read (characters like / @ : % in a password are written as %2F …)"
		}
		if err := acct.CheckPostgres(name); err != nil {
			return "an address that cannot be used (" + err.Error() + ")"
		}
	case strings.HasPrefix(name, "host=") || strings.Contains(name, " host=") || strings.HasPrefix(name, "dbname="):
		return "a list of parameters"
	}
	return ""
}
