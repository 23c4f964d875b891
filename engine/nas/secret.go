package nas

import (
	"encoding/hex"
	"strings"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// A value is what stands in a field, or behind the = of an option.
type value struct {
	text   string // without quotes
	raw    string
	quoted bool
	given  bool // an option had a =
	at     raddb.Pos
}

// ParseSecret reads a secret as the clients file writes it: text without quotes, raw as it stands there.
// Errors and warnings go to errs, never with the secret.
func ParseSecret(tree *raddb.Tree, text, raw string, at raddb.Pos, errs *raddb.List) (radius.Secret, bool) {
	l := &loader{tree: tree, errs: errs, secrets: map[string]radius.Secret{}}
	quoted := raw != "" && (raw[0] == '"' || raw[0] == '\'')
	return l.secret(value{text: text, raw: raw, quoted: quoted, at: at})
}

// secret reads a secret in any of its forms: "quoted" or bare text, hex:…, @file, secret("name").
func (l *loader) secret(v value) (radius.Secret, bool) {
	if !v.quoted {
		if digits, ok := strings.CutPrefix(v.text, "hex:"); ok {
			return l.hexSecret(digits, v.at)
		}
		if file, ok := strings.CutPrefix(v.text, "@"); ok {
			return l.keptSecret(file, v.at)
		}
		if inner, ok := strings.CutPrefix(v.text, "secret("); ok && strings.HasSuffix(inner, ")") {
			return l.namedSecret(strings.TrimSuffix(inner, ")"), v.at)
		}
		v.text = v.raw
	}
	return l.inlineSecret(radius.NewSecret(v.text), v.at)
}

func (l *loader) hexSecret(digits string, at raddb.Pos) (radius.Secret, bool) {
	octets, err := hex.DecodeString(digits)
	if err != nil {
		l.errs.Errorf(at, "hex: is not followed by an even number of hexadecimal digits; quote a secret that begins so by chance")
		return radius.Secret{}, false
	}
	return l.inlineSecret(radius.NewSecret(octets), at)
}

func (l *loader) inlineSecret(s radius.Secret, at raddb.Pos) (radius.Secret, bool) {
	if s.Len() == 0 {
		l.errs.Errorf(at, "the secret is empty")
		return s, false
	}
	if n := len(l.inline); (n == 0 || l.inline[n-1].File != at.File) && !wellKnown(s) {
		l.inline = append(l.inline, at)
	}
	return s, true
}

// namedSecret reads secret("name"): the file of that name in the tree's directory of secrets.
func (l *loader) namedSecret(name string, at raddb.Pos) (radius.Secret, bool) {
	if !raddb.IsSecretName(name) {
		l.errs.Errorf(at, "%q is no name of a secret; expected letters, digits, - _ and dots inside", name)
		return radius.Secret{}, false
	}
	return l.keptSecret(raddb.SecretsDir+"/"+name, at)
}

// keptSecret reads a secret that lies in a file of its own, each file once.
func (l *loader) keptSecret(file string, at raddb.Pos) (radius.Secret, bool) {
	if s, ok := l.secrets[file]; ok {
		return s, s.Len() != 0
	}
	octets, err := l.tree.SecretFile(file)
	s := radius.NewSecret(octets)
	l.secrets[file] = s
	if err != nil {
		l.errs.Errorf(at, "secret: %v", err)
		return s, false
	}
	if l.tree.Exposed(file) {
		l.errs.Warnf(at, "everybody on this machine may read the secret in %s; expected mode 0640 or less", file)
	}
	return s, true
}

// wellKnown reports whether a secret stands in manuals and default files.
func wellKnown(s radius.Secret) bool {
	for _, k := range knownSecrets {
		if s == radius.NewSecret(k) {
			return true
		}
	}
	return false
}

var knownSecrets = [...]string{
	"testing123", "testing123-1", "testing", "test", "test123", "secret", "s3cret", "Secret123", "sharedsecret",
	"shared-secret", "shared_secret", "mysecret", "radius", "radius123", "radiussecret", "password", "Password1",
	"changeme", "change-me", "cisco", "cisco123", "admin", "default", "public", "private", "12345678", "123456",
	"whatever", "xyzzy5461",
}
