package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var moment = time.Unix(1_700_000_000, 123_456_000)

// udp makes a datagram with its header.
func udp(from, to uint16, payload string) []byte {
	b := binary.BigEndian.AppendUint16(nil, from)
	b = binary.BigEndian.AppendUint16(b, to)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	return append(append(b, 0, 0), payload...)
}

// ip4 makes a packet; more and offset are those of a fragment.
func ip4(body []byte, id uint16, offset int, more bool) []byte {
	b := []byte{0x45, 0, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(body)))
	flags := uint16(offset / 8)
	if more {
		flags |= 0x2000
	}
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, 64, protoUDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	return append(b, body...)
}

// ip6 makes a packet with extension headers in front of its body.
func ip6(next byte, extensions, body []byte) []byte {
	b := []byte{0x60, 0, 0, 0, 0, 0, next, 64}
	binary.BigEndian.PutUint16(b[4:], uint16(len(extensions)+len(body)))
	from, to := netip.MustParseAddr("2001:db8::1").As16(), netip.MustParseAddr("2001:db8::2").As16()
	b = append(append(b, from[:]...), to[:]...)
	return append(append(b, extensions...), body...)
}

func fragment6(next byte, offset int, more byte) []byte {
	return []byte{next, 0, byte(offset >> 8), byte(offset&^7) | more, 0, 0, 0, 9}
}

// classicFile writes a file of libpcap.
func classicFile(order binary.AppendByteOrder, magic, link uint32, unit time.Duration, frames ...[]byte) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(order.AppendUint32(b, 65535), link)
	for _, f := range frames {
		b = order.AppendUint32(b, uint32(moment.Unix()))
		b = order.AppendUint32(b, uint32(time.Duration(moment.Nanosecond())/unit))
		b = order.AppendUint32(order.AppendUint32(b, uint32(len(f))), uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

func block(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	size := uint32(len(body) + 12)
	b := order.AppendUint32(order.AppendUint32(nil, kind), size)
	return order.AppendUint32(append(b, body...), size)
}

// newFile writes a file of pcapng whose interface counts nanoseconds.
func newFile(order binary.AppendByteOrder, link uint16, frames ...[]byte) []byte {
	head := order.AppendUint32(nil, byteOrderMagic)
	head = append(order.AppendUint16(order.AppendUint16(head, 1), 0), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b := block(order, sectionHeader, head)
	port := append(order.AppendUint16(nil, link), 0, 0, 0, 0, 0, 0)
	port = append(order.AppendUint16(order.AppendUint16(port, 9), 1), 9, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, block(order, interfaceBlock, port)...)
	for _, f := range frames {
		ticks := uint64(moment.UnixNano())
		p := order.AppendUint32(order.AppendUint32(order.AppendUint32(nil, 0), uint32(ticks>>32)), uint32(ticks))
		p = order.AppendUint32(order.AppendUint32(p, uint32(len(f))), uint32(len(f)))
		b = append(b, block(order, enhancedPacket, append(p, f...))...)
	}
	return b
}

// shown reads a file to its end, each datagram as one line.
func shown(t *testing.T, file []byte) (lines []string, last error) {
	t.Helper()
	r, _, err := Open(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		d, err := r.Next()
		if err != nil {
			return lines, err
		}
		lines = append(lines, fmt.Sprintf("%d %v %v>%v %s cut=%v", d.Number, d.Time.Sub(moment), d.From, d.To, d.Payload, d.Cut))
	}
}

const (
	over4 = "1 0s 10.0.0.1:1000>10.0.0.2:1812 hello cut=false"
	over6 = "1 0s [2001:db8::1]:1000>[2001:db8::2]:1812 hello cut=false"
)

func TestLayers(t *testing.T) {
	hello := udp(1000, 1812, "hello")
	packet, six := ip4(hello, 1, 0, false), ip6(protoUDP, nil, hello)
	mac := make([]byte, 12)
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	for _, c := range []struct {
		name  string
		link  uint32
		frame []byte
		want  string
	}{
		{"Ethernet", linkEthernet, join(mac, []byte{8, 0}, packet), over4},
		{"Ethernet with padding", linkEthernet, join(mac, []byte{8, 0}, packet, make([]byte, 20)), over4},
		{"VLAN", linkEthernet, join(mac, []byte{0x81, 0, 0, 5, 8, 0}, packet), over4},
		{"VLAN in VLAN", linkEthernet, join(mac, []byte{0x88, 0xa8, 0, 5, 0x81, 0, 0, 5, 0x86, 0xdd}, six), over6},
		{"cooked", linkCooked, join(make([]byte, 14), []byte{8, 0}, packet), over4},
		{"cooked, version 2", linkCooked2, join([]byte{0x86, 0xdd}, make([]byte, 18), six), over6},
		{"loopback", linkNull, join([]byte{2, 0, 0, 0}, packet), over4},
		{"loopback, IPv6", linkNull, join([]byte{30, 0, 0, 0}, six), over6},
		{"loopback of OpenBSD", linkLoop, join([]byte{0, 0, 0, 2}, packet), over4},
		{"raw", linkRaw, packet, over4},
		{"raw IPv6", linkIPv6, six, over6},
		{"IPv6 with options", linkRaw, ip6(0, []byte{protoUDP, 0, 1, 4, 0, 0, 0, 0}, hello), over6},
		{"IPv6, a fragment that is the whole", linkRaw, ip6(44, fragment6(protoUDP, 0, 0), hello), over6},
		{"TCP", linkRaw, func() []byte { b := slices.Clone(packet); b[9] = 6; return b }(), ""},
		{"ARP", linkEthernet, join(mac, []byte{8, 6}, packet), ""},
		{"another link layer", 105, packet, ""},
		{"nothing", linkEthernet, nil, ""},
		{"a header that ends early", linkRaw, packet[:18], ""},
		{"cut off", linkRaw, packet[:len(packet)-2], "1 0s 10.0.0.1:1000>10.0.0.2:1812 hel cut=true"},
	} {
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			for kind, file := range map[string][]byte{
				"microseconds": classicFile(order, 0xa1b2c3d4, c.link, time.Microsecond, c.frame),
				"nanoseconds":  classicFile(order, 0xa1b23c4d, c.link, time.Nanosecond, c.frame),
				"pcapng":       newFile(order, uint16(c.link), c.frame),
			} {
				got, err := shown(t, file)
				if err != io.EOF {
					t.Errorf("%s, %s: %v", c.name, kind, err)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s, %s, %v (-want +got)\n%s", c.name, kind, order, d)
				}
			}
		}
	}
}

func TestFragments(t *testing.T) {
	whole := udp(1000, 1812, strings.Repeat("0123456789abcdef", 10))
	want := []string{"2 0s 10.0.0.1:1000>10.0.0.2:1812 " + strings.Repeat("0123456789abcdef", 10) + " cut=false"}
	first, last := ip4(whole[:80], 7, 0, true), ip4(whole[80:], 7, 80, false)
	for name, frames := range map[string][][]byte{"in order": {first, last}, "the last one first": {last, first}, "overlapping": {first, ip4(whole[64:], 7, 64, false)}} {
		got, _ := shown(t, classicFile(binary.LittleEndian, 0xa1b2c3d4, linkRaw, time.Microsecond, frames...))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	other := ip4(whole[80:], 8, 80, false)
	if got, _ := shown(t, classicFile(binary.LittleEndian, 0xa1b2c3d4, linkRaw, time.Microsecond, first, other)); got != nil {
		t.Errorf("pieces of two packets made one: %v", got)
	}
	six := [][]byte{ip6(44, fragment6(protoUDP, 0, 1), whole[:80]), ip6(44, fragment6(protoUDP, 80, 0), whole[80:])}
	got, _ := shown(t, classicFile(binary.LittleEndian, 0xa1b2c3d4, linkRaw, time.Microsecond, six...))
	if len(got) != 1 || !strings.HasPrefix(got[0], "2 0s [2001:db8::1]:1000") {
		t.Errorf("IPv6: %v", got)
	}
}

// TestFragmentsAreBounded: pieces that nothing completes take no more memory than their bound.
func TestFragmentsAreBounded(t *testing.T) {
	var fs fragments
	for i := range 10 * maxAssemblies {
		fs.add(&packet{from: netip.MustParseAddr("10.0.0.1"), id: uint32(i), payload: make([]byte, 1000), more: true})
	}
	if len(fs.whole) > maxAssemblies || len(fs.order) > maxAssemblies {
		t.Errorf("%d assemblies, %d in order", len(fs.whole), len(fs.order))
	}
}

func TestBroken(t *testing.T) {
	good := classicFile(binary.LittleEndian, 0xa1b2c3d4, linkRaw, time.Microsecond, ip4(udp(1000, 1812, "hello"), 1, 0, false))
	huge := slices.Clone(good)
	binary.LittleEndian.PutUint32(huge[32:], 1<<30)
	ng := newFile(binary.LittleEndian, linkRaw, ip4(udp(1000, 1812, "hello"), 1, 0, false))
	hugeBlock := slices.Clone(ng)
	binary.LittleEndian.PutUint32(hugeBlock[4:], 1<<30)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":           {nil, "neither a file of libpcap nor of pcapng"},
		"a record":        {[]byte(`{"v":1}`), "neither a file of libpcap nor of pcapng"},
		"a cut head":      {good[:20], "cut off inside a packet"},
		"a cut packet":    {good[:len(good)-1], "cut off inside a packet"},
		"a huge packet":   {huge, "a packet of 1073741824 octets, expected at most 262144"},
		"a cut block":     {ng[:len(ng)-1], "cut off inside a packet"},
		"a huge block":    {hugeBlock, "a block of 1073741824 octets"},
		"no byte order":   {append(slices.Clone(ng[:8]), make([]byte, 40)...), "the section has no byte order"},
		"another version": {append(slices.Clone(good[:4]), make([]byte, 40)...), "version 0.0, expected 2.4"},
	} {
		if _, err := shown(t, c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	_, rest, err := Open(strings.NewReader(`{"v":1}`))
	if text, _ := io.ReadAll(rest); !errors.Is(err, ErrFormat) || string(text) != `{"v":1}` {
		t.Errorf("what is no capture is not given back whole: %q, %v", text, err)
	}
}

// TestTools: files that Wireshark's tools write are read.
func TestTools(t *testing.T) {
	if _, err := exec.LookPath("text2pcap"); err != nil {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatal(err)
		}
		t.Skip("text2pcap of Wireshark is not here")
	}
	dir := t.TempDir()
	text := filepath.Join(dir, "in.txt")
	if err := os.WriteFile(text, []byte("000000 68 65 6c 6c 6f\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"pcap": {"-F", "pcap", "-4", "10.0.0.1,10.0.0.2"}, "nanoseconds": {"-F", "nsecpcap", "-4", "10.0.0.1,10.0.0.2"},
		"pcapng": {"-F", "pcapng", "-4", "10.0.0.1,10.0.0.2"}, "IPv6": {"-F", "pcapng", "-6", "2001:db8::1,2001:db8::2"},
	} {
		out := filepath.Join(dir, name)
		if msg, err := exec.Command("text2pcap", append(args, "-q", "-u", "1000,1812", text, out)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, msg)
		}
		file, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := Open(bytes.NewReader(file))
		if err != nil {
			t.Fatal(name, err)
		}
		d, err := r.Next()
		if err != nil || string(d.Payload) != "hello" || d.To.Port() != 1812 || d.From.Port() != 1000 {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	hello := ip4(udp(1000, 1812, "hello"), 1, 0, false)
	f.Add(classicFile(binary.LittleEndian, 0xa1b2c3d4, linkRaw, time.Microsecond, hello, ip4([]byte("01234567"), 3, 0, true)))
	f.Add(newFile(binary.BigEndian, linkEthernet, append(make([]byte, 12), append([]byte{8, 0}, hello...)...)))
	f.Add(newFile(binary.LittleEndian, linkCooked2, ip6(44, fragment6(protoUDP, 0, 1), []byte("01234567"))))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, _, err := Open(bytes.NewReader(file))
		if err != nil {
			return
		}
		for {
			d, err := r.Next()
			if err != nil {
				return
			}
			if len(d.Payload) > maxDatagram || !d.From.IsValid() || d.From.Addr().Is4In6() {
				t.Fatalf("%+v", d)
			}
		}
	})
}
