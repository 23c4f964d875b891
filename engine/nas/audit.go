package nas

import (
	"fmt"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// shortSecret is the length below which a secret is warned about: RFC 2865 s3 asks for at least 16 octets.
const shortSecret = 16

// What is said of weak secrets.
const (
	knownWeakness = "is one that everybody knows; expected a random one, for instance from `openssl rand -hex 16`"
	shortWeakness = "is shorter than 16 octets (RFC 2865 s3)"
)

// WeakSecret tells what is wrong with a secret, as the end of a sentence that begins with "the secret of ..."; "" if
// nothing is known against it.
func WeakSecret(s radius.Secret) string {
	switch {
	case wellKnown(s):
		return knownWeakness
	case s.Len() < shortSecret:
		return shortWeakness
	}
	return ""
}

// A finding is one kind of weakness: told once, with its first place and the number of clients that have it.
type finding struct {
	n     int
	first *Client
	other *Client
}

func (f *finding) add(c, other *Client) {
	if f.n++; f.n == 1 {
		f.first, f.other = c, other
	}
}

// audit warns about weak secrets and options that weaken. Secrets of clients on loopback are left out: the
// default tree has a known one there.
func (l *loader) audit() {
	var short, known, shared, mute, zero finding
	holders := make(map[radius.Secret]*Client, len(l.table.clients))
	for _, c := range l.table.clients {
		if c.NoReplyMessageAuthenticator {
			mute.add(c, nil)
		}
		if c.ZeroAcctAuthenticator {
			zero.add(c, nil)
		}
		if isLoopback(c) {
			continue
		}
		switch WeakSecret(c.Secret) {
		case knownWeakness:
			known.add(c, nil)
		case shortWeakness:
			short.add(c, nil)
		}
		if old, ok := holders[c.Secret]; !ok {
			holders[c.Secret] = c
		} else if unrelated(c, old) {
			shared.add(c, old)
		}
	}
	l.tell(&known, "the secret of client %q "+knownWeakness)
	l.tell(&short, "the secret of client %q "+shortWeakness)
	if shared.n > 0 {
		l.tell(&shared, fmt.Sprintf("client %%q has the same secret as %q at %s", shared.other.Name, shared.other.At))
	}
	l.tell(&mute, "no-reply-ma: answers to client %q go out without Message-Authenticator, so who is on the way can forge them (CVE-2024-3596)")
	l.tell(&zero, "zero-acct-authenticator: anybody can forge Accounting-Requests of client %q")
	l.auditFiles()
}

func (l *loader) tell(f *finding, format string) {
	if f.n == 0 {
		return
	}
	more := ""
	if f.n > 1 {
		more = fmt.Sprintf("; the same holds for %d more", f.n-1)
	}
	l.errs.Warnf(f.first.At, format+"%s", f.first.Name, more)
}

// auditFiles warns about secrets that stand in files which everybody may read.
func (l *loader) auditFiles() {
	told := map[string]bool{}
	for _, at := range l.inline {
		if !told[at.File] && l.tree.Exposed(at.File) {
			l.errs.Warnf(raddb.Pos{File: at.File}, "everybody on this machine may read this file, and it has secrets; expected mode 0640 or less")
		}
		told[at.File] = true
	}
}

func isLoopback(c *Client) bool {
	p := c.Prefix
	return p.Addr().IsLoopback() && (p.Addr().Is6() || p.Bits() >= 8)
}

// unrelated reports whether one secret for both is a mistake: not for two addresses of one NAS, nor for a
// part of a network.
func unrelated(c, old *Client) bool {
	return c.Name != old.Name && !c.Prefix.Overlaps(old.Prefix)
}
