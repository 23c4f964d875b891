package nas

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"perilune/engine/raddb"
)

// varPrefix begins the options that scripts read: var.NAME=.
const varPrefix = "var."

// An option of a clients line. set gives "" or what is expected instead.
type option struct {
	name string
	bare bool // may stand without =
	set  func(l *loader, c *Client, v value) (expected string)
}

var options = [...]option{
	{"type", false, func(_ *loader, c *Client, v value) string {
		c.Type = v.text
		return ""
	}},
	{"require-message-authenticator", true, func(_ *loader, c *Client, v value) string { return setMode(&c.Require, v) }},
	{"limit-proxy-state", true, func(_ *loader, c *Client, v value) string { return setMode(&c.Limit, v) }},
	{"coa", false, func(_ *loader, c *Client, v value) string { return setCoA(c, v) }},
	{"coa-secret", false, setCoASecret},
	{"coa-identify", false, func(_ *loader, c *Client, v value) string { return setIdentify(c, v) }},
	{"dynamic-authorization", true, func(_ *loader, c *Client, v value) string { return setRight(c, v) }},
	{"secret2", false, setSecond},
	{"until", false, setUntil},
	{"no-reply-ma", true, func(_ *loader, c *Client, v value) string { return setFlag(&c.NoReplyMessageAuthenticator, v) }},
	{"proxy", true, func(_ *loader, c *Client, v value) string { return setFlag(&c.Proxy, v) }},
	{"zero-acct-authenticator", true, func(_ *loader, c *Client, v value) string { return setFlag(&c.ZeroAcctAuthenticator, v) }},
	{"no-credential", true, func(_ *loader, c *Client, v value) string { return setFlag(&c.AllowNoCredential, v) }},
	{"reject-vsa", true, func(_ *loader, c *Client, v value) string { return setFlag(&c.RejectVSA, v) }},
	{"broken-pass", true, func(_ *loader, c *Client, v value) string { return setFlag(&c.BrokenPassword, v) }},
	{"throttle", false, func(_ *loader, c *Client, v value) string {
		expected := setFlag(&c.NoThrottle, v)
		c.NoThrottle = !c.NoThrottle
		return expected
	}},
	{"compare-auth-flag", false, func(_ *loader, c *Client, v value) string { return setCompare(&c.CompareAuth, v) }},
	{"compare-acct-flag", false, func(_ *loader, c *Client, v value) string { return setCompare(&c.CompareAcct, v) }},
	{"compare-attribute-flag", false, func(_ *loader, c *Client, v value) string { return setCompare(&c.Compare, v) }},
	{"max-inflight", false, func(_ *loader, c *Client, v value) string { return setInflight(c, v) }},
	{"dup", false, func(_ *loader, c *Client, v value) string { return setDuplicate(c, v) }},
	{"username-chars", false, func(_ *loader, c *Client, v value) string {
		c.Names = NewCharset(v.text)
		return ""
	}},
}

// lookupOption gives the place of an option in the table, -1 for an unknown one.
func lookupOption(name string) int {
	for i := range options {
		if options[i].name == name {
			return i
		}
	}
	return -1
}

func optionNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range options {
			if !yield(options[i].name) {
				return
			}
		}
		yield(varPrefix + "NAME")
	}
}

// option reads one field name=value or name; false if it is wrong.
func (l *loader) option(c *Client, f raddb.Field, at raddb.Pos) bool {
	name, text, given := strings.Cut(f.Text, "=")
	if variable, ok := strings.CutPrefix(name, varPrefix); ok && given && variable != "" {
		return l.variable(c, variable, text, at)
	}
	i := lookupOption(name)
	if i < 0 || f.Quoted {
		l.errs.Errorf(at, "unknown option %q of a client%s", name, raddb.DidYouMean(name, optionNames()))
		return false
	}
	o := &options[i]
	if l.seen&(1<<i) != 0 {
		l.errs.Errorf(at, "option %s is given twice", name)
		return false
	}
	l.seen |= 1 << i
	if !given && !o.bare {
		l.errs.Errorf(at, "option %s has no value; expected %s=...", name, name)
		return false
	}
	_, raw, _ := strings.Cut(f.Raw, "=")
	quoted := raw != "" && (raw[0] == '"' || raw[0] == '\'')
	v := value{text: text, raw: raw, quoted: quoted, given: given, at: at}
	v.at.Col += len(name) + 1
	before := len(*l.errs)
	expected := o.set(l, c, v)
	if expected != "" {
		l.errs.Errorf(v.at, "%s=%s; expected %s", name, text, expected)
	}
	return expected == "" && !(*l.errs)[before:].Failed()
}

func (l *loader) variable(c *Client, name, text string, at raddb.Pos) bool {
	if _, twice := c.Vars[name]; twice {
		l.errs.Errorf(at, "%s%s is set twice", varPrefix, name)
		return false
	}
	if c.Vars == nil {
		c.Vars = map[string]string{}
	}
	c.Vars[name] = text
	return true
}

func setMode(m *Mode, v value) string {
	if !v.given {
		*m = Yes
		return ""
	}
	mode, ok := ParseMode(v.text)
	*m = mode
	if !ok {
		return "yes, no or auto"
	}
	return ""
}

func setFlag(b *bool, v value) string {
	*b = !v.given || v.text == "yes"
	if v.given && v.text != "yes" && v.text != "no" {
		return "yes or no"
	}
	return ""
}

// setSecond reports what is wrong with the secret itself: the message must not show it.
func setSecond(l *loader, c *Client, v value) string {
	c.Second, _ = l.secret(v)
	return ""
}

// setCoASecret does the same.
func setCoASecret(l *loader, c *Client, v value) string {
	c.CoASecret, _ = l.secret(v)
	return ""
}

func setUntil(l *loader, c *Client, v value) string {
	where := l.o.Location
	if where == nil {
		where = time.Local
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, v.text, where); err == nil {
			c.Until = t
			return ""
		}
	}
	return "a date like 2026-05-31 or 2026-05-31T22:00:00Z"
}

// setCompare takes the number of a PROPERTY flag; 0 switches the comparison off.
func setCompare(flag *uint8, v value) string {
	if len(v.text) != 1 || v.text[0] < '0' || v.text[0] > '9' {
		return "a flag from 1 to 9, or 0 for none"
	}
	if *flag = v.text[0] - '0'; *flag == 0 {
		*flag = NoFlag
	}
	return ""
}

// maxInflight is far above what one NAS can have in work: 256 identifiers on each of its ports.
const maxInflight = 1 << 20

func setInflight(c *Client, v value) string {
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 1 || n > maxInflight {
		return "a number from 1 to 1048576"
	}
	c.MaxInflight = n
	return ""
}

func setDuplicate(c *Client, v value) string {
	d, err := time.ParseDuration(v.text)
	if err != nil || d < time.Second || d > 5*time.Minute {
		return "a duration from 1s to 5m"
	}
	c.DuplicateKeep = d
	return ""
}
