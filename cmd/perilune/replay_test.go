package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perilune/engine/radius"
	"perilune/policy/replay"
)

// TestDocsReplay runs the page of records and replays as it stands, one block after the other.
func TestDocsReplay(t *testing.T) {
	dir := defaultTree(t)
	list := fences(t, "../../docs/replay.md")
	var settings string
	for _, f := range list {
		if f.kind == "toml" {
			settings += f.text
		}
	}
	path := filepath.Join(dir, "raddb", "config.toml")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, map[string]string{"raddb/config.toml": strings.Replace(string(b), "[record]\n", settings, 1)})
	s := serveOnLoopback(t, dir)
	writeFiles(t, dir, map[string]string{"raddb/radius.conf": fmt.Sprintf("auth %s testing123\nacct %s testing123\n", s.addrs["auth"], s.addrs["acct"])})
	t.Chdir(dir)
	for _, f := range list {
		if f.kind != "console" {
			continue
		}
		if strings.Contains(f.text, "traffic.pcap") { // now, as the record has each request, too
			writeFiles(t, dir, map[string]string{"traffic.pcap": string(packetFile(s.overheard(t, "hello")...))})
		}
		for _, c := range consoleLines(f.text) {
			if strings.HasPrefix(c.line, "perilune ") {
				s.docsReplay(t, f.at(), c)
			} else if out, err := exec.Command("sh", "-c", c.line).CombinedOutput(); err != nil {
				t.Fatalf("%s: %s: %v\n%s", f.at(), c.line, err, out)
			}
		}
	}
}

// docsReplay runs one command. A shadow sees some traffic; a replay sees what was written.
func (s *loopServer) docsReplay(t *testing.T, at string, c shellCommand) {
	c.line = strings.TrimPrefix(c.line, "perilune ")
	if strings.Contains(c.line, "-shadow") {
		defer s.feedTrace(t)()
	}
	if strings.HasPrefix(c.line, "replay") {
		recordedSoon(t, func() bool { b, _ := os.ReadFile("state/record.json"); return strings.Contains(string(b), "\n") })
	}
	t.Run(at+" "+c.line, func(t *testing.T) { c.check(t, s) })
}

func recordedSoon(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come")
		}
	}
}

// frame gives an Access-Request as raw IPv4, signed with testing123, without an answer.
func frame(t *testing.T, user, password string) []byte {
	t.Helper()
	a := &asker{}
	a.session.Use(radius.NewSecret("testing123"))
	raw, _ := a.request(user, password, nil)
	return rawIPv4(netip.MustParseAddrPort("127.0.0.1:4000"), netip.MustParseAddrPort("127.0.0.1:1812"), raw)
}

// overheard asks the server for demo with each password, and gives what went over the wire; each request was sent twice.
func (s *loopServer) overheard(t *testing.T, passwords ...string) (frames [][]byte) {
	a := newAsker(t, s.addrs["auth"])
	a.session.Use(radius.NewSecret("testing123"))
	from, to := netip.MustParseAddrPort("127.0.0.1:4000"), netip.MustParseAddrPort("127.0.0.1:1812")
	for _, password := range passwords {
		raw, _ := a.request("demo", password, nil)
		frames = append(frames, rawIPv4(from, to, raw), rawIPv4(from, to, raw), rawIPv4(to, from, a.exchange(t, raw)))
	}
	return frames
}

func rawIPv4(from, to netip.AddrPort, payload []byte) []byte {
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(28+len(payload)))
	b = append(b, 0, 1, 0, 0, 64, 17, 0, 0)
	b = append(append(b, from.Addr().AsSlice()...), to.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, from.Port()), to.Port())
	b = append(binary.BigEndian.AppendUint16(b, uint16(8+len(payload))), 0, 0)
	return append(b, payload...)
}

// packetFile writes raw IP packets as a file of libpcap.
func packetFile(frames ...[]byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = append(le.AppendUint16(le.AppendUint16(b, 2), 4), make([]byte, 8)...)
	b = le.AppendUint32(le.AppendUint32(b, 65535), 101)
	for i, f := range frames {
		b = le.AppendUint32(le.AppendUint32(b, uint32(1_767_603_600+i)), 0)
		b = append(le.AppendUint32(le.AppendUint32(b, uint32(len(f))), uint32(len(f))), f...)
	}
	return b
}

// TestReplayPackets: what goes over the wire is captured, and run through the same files and through others. tshark, where it is,
// turns the capture into another form, which gives the same.
func TestReplayPackets(t *testing.T) {
	dir := defaultTree(t)
	s := serveOnLoopback(t, dir)
	frames := s.overheard(t, "hello", "wrong", "hello")
	bad := frame(t, "demo", "hello")
	bad[60] ^= 1
	files := map[string]string{"a.pcap": string(packetFile(frames...)), "bad.pcap": string(packetFile(append(frames, bad)...))}
	writeFiles(t, dir, files)
	path := filepath.Join(dir, "a.pcap")
	if out, err := exec.Command("tshark", "-r", path, "-F", "pcapng", "-w", path+"ng").CombinedOutput(); err != nil {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatalf("tshark: %v\n%s", err, out)
		}
		t.Logf("tshark is not here: %v", err)
	} else {
		contains(t, s.must(t, exitOK, "replay", path+"ng"), "3 requests: 3 the same, 0 changed")
	}
	contains(t, s.must(t, exitOK, "replay", path), "3 requests: 3 the same, 0 changed")
	contains(t, s.must(t, exitOK, "replay", "-secret", "testing123", path), "3 requests: 3 the same, 0 changed")
	contains(t, s.must(t, exitFailed, "replay", "-secret", "another", path), "the secret is another one")
	contains(t, s.must(t, exitOK, "replay", filepath.Join(dir, "bad.pcap")), "bad.pcap:10:", "3 the same", "1 lines cannot be read")
	users := filepath.Join(dir, "raddb", "users")
	b, err := os.ReadFile(users)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, map[string]string{"raddb/users": strings.Replace(string(b), `"hello"`, `"wrong"`, 1)})
	out := s.must(t, exitFailed, "replay", "-json", path)
	var r replay.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Changed != 3 || len(r.Changes) != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out, "hello") {
		t.Errorf("the report has a password:\n%s", out)
	}
}
