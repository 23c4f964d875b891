package radius

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// TestGolden runs the files of testdata: each line is a command, lines that begin with white space go on
// with the line before, and lines that begin with "=" are the answers expected.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no files in testdata")
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := (&conversation{}).replay(string(want))
			if *update {
				os.WriteFile(name, []byte(got), 0o644)
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A conversation is what the commands of one file share.
type conversation struct {
	session Session
	request Packet
	out     strings.Builder
}

// replay gives the file back with the answers that the code gives now.
func (c *conversation) replay(file string) string {
	lines := strings.SplitAfter(file, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "=") {
			continue
		}
		c.out.WriteString(line)
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], " ") {
			i++
			line += lines[i]
			c.out.WriteString(lines[i])
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		c.run(verb, strings.TrimSpace(rest))
	}
	return c.out.String()
}

func (c *conversation) say(format string, args ...any) {
	fmt.Fprintf(&c.out, "= "+format+"\n", args...)
}

func (c *conversation) run(verb, rest string) {
	switch verb {
	case "secret":
		c.session.Use(NewSecret(rest))
	case "parse":
		c.parse(octets(rest))
	case "request":
		c.receive(octets(rest))
	case "reply":
		c.reply(octets(rest))
	case "password":
		c.password()
	case "vsa":
		c.vsa(rest)
	case "extended":
		c.extended(octets(rest))
	case "tlv":
		c.tlv("", octets(rest))
	case "sign":
		raw := octets(rest)
		if Code(raw[0]).IsRequest() {
			c.session.SignRequest(raw)
		} else {
			c.session.SignReply(raw, &c.request.Authenticator)
		}
		c.say("% x", raw)
	default:
		c.say("unknown command %s", verb)
	}
}

func (c *conversation) parse(raw []byte) (Packet, bool) {
	p, err := Parse(raw)
	if err != nil {
		c.say("%v", err)
		return p, false
	}
	c.say("%s id %d, %d octets", p.Code, p.Identifier, p.Len())
	for t, value := range p.Attributes.All() {
		c.say("  %d %s", t, quote(value))
	}
	return p, true
}

func (c *conversation) receive(raw []byte) {
	p, ok := c.parse(raw)
	if ok {
		c.request = p
		v, err := c.session.VerifyRequest(raw)
		c.verdict(v, err)
	}
}

func (c *conversation) reply(raw []byte) {
	if _, ok := c.parse(raw); ok {
		v, err := c.session.VerifyReply(raw, &c.request.Authenticator)
		c.verdict(v, err)
	}
}

func (c *conversation) verdict(v Verified, err error) {
	switch {
	case err != nil:
		c.say("%v", err)
	case v.MessageAuthenticator:
		c.say("authentic, Message-Authenticator right")
	default:
		c.say("authentic")
	}
}

func (c *conversation) password() {
	hidden, _ := c.request.Attributes.Find(TypeUserPassword)
	clear, err := c.session.RevealPassword(nil, hidden, &c.request.Authenticator)
	if err != nil {
		c.say("%v", err)
		return
	}
	again := c.session.HidePassword(nil, clear, &c.request.Authenticator)
	c.say("%s, hidden again %s", quote(clear), map[bool]string{true: "the same", false: "otherwise"}[string(again) == string(hidden)])
}

// vsa walks the value of attributes 26: "vsa 1,1,c 00 00 ...".
func (c *conversation) vsa(rest string) {
	name, text, _ := strings.Cut(rest, " ")
	part := strings.Split(name, ",")
	typeLen, _ := strconv.Atoi(part[0])
	lenLen, _ := strconv.Atoi(part[1])
	f := VSAFormat{uint8(typeLen), uint8(lenLen), len(part) == 3}
	vendor, data, ok := SplitVSA(octets(text))
	if !ok {
		c.say("too short for a vendor")
		return
	}
	for sub := range f.All(data) {
		more := map[bool]string{true: " and more"}[sub.More]
		c.say("26.%d.%d %s%s", vendor, sub.Number, quote(sub.Value), more)
	}
	if !f.Valid(data) {
		c.say("malformed: kept as octets")
	}
}

func (c *conversation) extended(raw []byte) {
	attrs := Attributes(raw)
	for len(attrs) > 0 {
		t, value, after, ok := attrs.Next()
		e, fits := SplitExtended(t, value)
		joined, rest, whole := JoinExtended(nil, attrs)
		switch {
		case !ok:
			c.say("attributes do not add up")
			return
		case !fits || !whole:
			c.say("%d malformed: kept as octets %s", t, quote(value))
			attrs = after
			continue
		}
		attrs = rest
		if vendor, number, evs, ok := SplitEVS(joined); ok && e.Number == ExtendedVendorSpecific {
			c.say("%d.26.%d.%d %s", t, vendor, number, quote(evs))
			continue
		}
		c.say("%d.%d %s", t, e.Number, quote(joined))
		c.tlv("  ", joined)
	}
}

// tlv shows TLVs level by level, as long as they are some.
func (c *conversation) tlv(indent string, data []byte) {
	if !TLVs(data).Valid() {
		return
	}
	for number, value := range TLVs(data).All() {
		c.say("%s.%d %s", indent, number, quote(value))
		c.tlv(indent+"  ", value)
	}
}

// quote shows text as text, the rest as hexadecimal, and long values by their length.
func quote(value []byte) string {
	for _, b := range value {
		if b < ' ' || b > '~' {
			if len(value) > 40 {
				return fmt.Sprintf("0x%x… (%d octets)", value[:8], len(value))
			}
			return fmt.Sprintf("0x%x", value)
		}
	}
	return strconv.Quote(string(value))
}

// octets reads hexadecimal with spaces; "aa*250" repeats an octet.
func octets(text string) (out []byte) {
	for word := range strings.FieldsSeq(text) {
		digits, times, repeated := strings.Cut(word, "*")
		b, err := hex.DecodeString(digits)
		if err != nil {
			panic(word + " is not hexadecimal")
		}
		n := 1
		if repeated {
			n, _ = strconv.Atoi(times)
		}
		for ; n > 0; n-- {
			out = append(out, b...)
		}
	}
	return out
}
