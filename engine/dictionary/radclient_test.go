package dictionary

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// These tests let FreeRADIUS's radclient send every attribute of FreeRADIUS's own dictionary directory, with
// values of each kind, and compare four things: what we read of the octets that it sends, how we show it, the
// octets that we make of the same text, and what radclient reads when we send these back.

const radclientSecret = "testing123"

// needRadclient ends the test where radclient or the directory is missing.
func needRadclient(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("radclient")
	if _, missing := os.Stat(freeradius + "/dictionary"); err == nil && missing == nil {
		return
	}
	if os.Getenv("PERILUNE_TOOLS") == "require" {
		t.Fatal("radclient or its dictionaries are not installed, and PERILUNE_TOOLS=require")
	}
	t.Skip("radclient or its dictionaries are not installed")
}

// A foreign is one attribute with a value as radclient reads it.
type foreign struct{ name, text string }

// A dialog is what radclient and the test's server told each other of one packet.
type dialog struct {
	asked    []foreign // radclient sends these
	answered []foreign // the server does
	request  []byte    // as it came
	sent     []string  // as radclient shows it
	received []string  // what radclient shows of the answer
}

// A foreignRun is one run of radclient against a server of the test.
type foreignRun struct {
	d       *Dictionary
	dir     string
	dialogs []*dialog
}

// newForeignRun loads the root file of FreeRADIUS's directory and, if it has a name, another one.
func newForeignRun(t *testing.T, more string) *foreignRun {
	r := &foreignRun{dir: t.TempDir()}
	text := "$INCLUDE " + freeradius + "/dictionary\n"
	if more != "" {
		text += "$INCLUDE " + more + "\n"
	}
	if err := os.WriteFile(filepath.Join(r.dir, "dictionary"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var errs raddb.List
	r.d = Load(raddb.Open(r.dir), "dictionary", &errs)
	r.d.Freeze()
	return r
}

// add spreads values over packets. Those of one TLV do not follow each other, because radclient would join
// them in one attribute.
func (r *foreignRun) add(t *testing.T, all []foreign) {
	const room, stride = 2600, 7919 // a prime
	size := room
	var last *Attribute
	for i := range all {
		f := all[i*stride%len(all)]
		ref, err := r.d.Resolve(f.name)
		if err != nil {
			t.Error(err)
			continue
		}
		if size += len(f.text) + 18; size > room {
			r.dialogs, size = append(r.dialogs, &dialog{}), 0
		}
		p := r.dialogs[len(r.dialogs)-1]
		if ref.Attr.Root == last {
			between := foreign{"Reply-Message", `"between"`}
			p.asked, p.answered = append(p.asked, between), append(p.answered, between)
		}
		last = ref.Attr.Root
		if !unsendable(ref.Attr) {
			p.asked = append(p.asked, f)
		}
		if !unreadable(ref.Attr) {
			p.answered = append(p.answered, f)
		}
	}
}

func (r *foreignRun) run(t *testing.T) {
	t.Helper()
	var file bytes.Buffer
	for i, p := range r.dialogs {
		fmt.Fprintf(&file, "User-Name = \"packet-%d\"\n", i)
		for _, f := range p.asked {
			fmt.Fprintf(&file, "%s = %s\n", f.name, f.text)
		}
		file.WriteString("\n")
	}
	name := filepath.Join(r.dir, "packets")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.serve(t, conn)
	}()
	cmd := exec.Command("radclient", "-D", r.dir, "-x", "-r", "3", "-t", "3", "-p", "4", "-f", name, conn.LocalAddr().String(), "auth", radclientSecret)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.CombinedOutput()
	conn.Close()
	<-done
	if bytes.Contains(out, []byte("dict_init")) {
		t.Skipf("radclient itself cannot load this: %s", out)
	}
	if err != nil {
		t.Fatalf("radclient: %v\n%s", err, out[max(0, len(out)-2000):])
	}
	r.read(string(out))
	t.Logf("%d packets", len(r.dialogs))
}

// serve answers every packet with the values that belong to it, as we write them.
func (r *foreignRun) serve(t *testing.T, conn net.PacketConn) {
	s := foreignSession()
	buf := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		p, err := radius.Parse(bytes.Clone(buf[:n]))
		if err != nil {
			t.Errorf("a packet of radclient's: %v", err)
			continue
		}
		_, value, _, _ := p.Attributes.Next()
		i, err := strconv.Atoi(strings.TrimPrefix(string(value), "packet-"))
		if err != nil || i >= len(r.dialogs) {
			t.Errorf("a packet begins with %q", value)
			continue
		}
		r.dialogs[i].request = bytes.Clone(buf[:n])
		out := r.reply(t, &p, value, r.dialogs[i].answered, s)
		if _, err := conn.WriteTo(out, from); err != nil {
			t.Error(err)
		}
	}
}

func foreignSession() *radius.Session {
	var s radius.Session
	s.Use(radius.NewSecret(radclientSecret))
	return &s
}

// reply gives a signed answer.
func (r *foreignRun) reply(t *testing.T, p *radius.Packet, name []byte, values []foreign, s *radius.Session) []byte {
	reply := radius.Packet{Code: radius.CodeAccessAccept, Identifier: p.Identifier}
	attrs := radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
	attrs = radius.AppendAttribute(attrs, radius.TypeUserName, name)
	salt := testSalter()
	for _, f := range values {
		pair, err := r.d.ParsePair(f.name + " = " + f.text)
		if err == nil {
			attrs, err = Encode(attrs, &pair, s, &p.Authenticator, salt)
		}
		if err != nil {
			t.Errorf("%s = %s: %v", f.name, f.text, err)
		}
	}
	reply.Attributes = attrs
	out, err := reply.AppendTo(nil)
	if err != nil {
		t.Error(err)
		return nil
	}
	s.SignReply(out, &p.Authenticator)
	return out
}

var packetNumber = regexp.MustCompile(`^User-Name = "packet-(\d+)"`)

// read gives each dialog what radclient printed of it.
func (r *foreignRun) read(out string) {
	var into *[]string
	received := false
	for _, line := range strings.Split(out, "\n") {
		switch {
		case !strings.HasPrefix(line, "\t"):
			received, into = strings.HasPrefix(line, "Received "), nil
		case into == nil:
			if m := packetNumber.FindStringSubmatch(line[1:]); m != nil {
				i, _ := strconv.Atoi(m[1])
				into = &r.dialogs[i].sent
				if received {
					into = &r.dialogs[i].received
				}
				*into = nil // it may have been sent twice
			}
		default:
			*into = append(*into, strings.Replace(line[1:], ":0 = ", " = ", 1))
		}
	}
}
