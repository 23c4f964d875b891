package policy

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
)

// testDictionary holds the attributes that the tests use beside the internal ones.
const testDictionary = `
ATTRIBUTE User-Name 1 string
ATTRIBUTE Acct-Interim-Interval 85 integer
ATTRIBUTE User-Password 2 string encrypt=1
ATTRIBUTE CHAP-Password 3 octets
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE NAS-Port 5 integer
ATTRIBUTE Service-Type 6 integer
ATTRIBUTE Framed-Protocol 7 integer
ATTRIBUTE Framed-IP-Address 8 ipaddr
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE State 24 octets
ATTRIBUTE Class 25 octets
ATTRIBUTE Session-Timeout 27 integer
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE Proxy-State 33 octets
ATTRIBUTE Acct-Status-Type 40 integer
ATTRIBUTE Acct-Input-Octets 42 integer
ATTRIBUTE Acct-Output-Octets 43 integer
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE Acct-Input-Gigawords 52 integer
ATTRIBUTE Acct-Output-Gigawords 53 integer
ATTRIBUTE Event-Timestamp 55 date
ATTRIBUTE CHAP-Challenge 60 octets
ATTRIBUTE Tunnel-Type 64 integer has_tag
ATTRIBUTE Tunnel-Medium-Type 65 integer has_tag
ATTRIBUTE Tunnel-Private-Group-Id 81 string has_tag
ATTRIBUTE EAP-Message 79 octets concat
ATTRIBUTE Message-Authenticator 80 octets
ATTRIBUTE NAS-IPv6-Address 95 ipv6addr
ATTRIBUTE Framed-IPv6-Prefix 97 ipv6prefix
VALUE Service-Type Login-User 1
VALUE Service-Type Framed-User 2
VALUE Service-Type Administrative-User 6
VALUE Service-Type Framed 2
VALUE Acct-Status-Type Start 1
VALUE Acct-Status-Type Stop 2
VALUE Tunnel-Type VLAN 13
VALUE Tunnel-Medium-Type IEEE-802 6
VENDOR Acme 64999
BEGIN-VENDOR Acme
ATTRIBUTE Acme-Role 1 string
ATTRIBUTE Acme-QoS 2 tlv
ATTRIBUTE Acme-QoS.Down 2.1 integer
ATTRIBUTE Acme-QoS.Up 2.2 integer
ATTRIBUTE Acme-Big 4 integer64
ATTRIBUTE Acme-Signed 5 signed
ATTRIBUTE Acme-Mac 6 ether
ATTRIBUTE Acme-Byte 7 byte
ATTRIBUTE Acme-Short 8 short
ATTRIBUTE Acme-Port 9 ifid
ATTRIBUTE Acme-Net 10 ipv4prefix
ATTRIBUTE Acme-Either 11 combo-ip
ATTRIBUTE Acme-Filter 12 abinary
ATTRIBUTE Acme-Key 13 string encrypt=2
ATTRIBUTE Acme-Pin 14 integer encrypt=1
ATTRIBUTE Acme-Multi 15 tlv
ATTRIBUTE Acme-Multi.Item 15.1 string array
ATTRIBUTE Acme-Multi.Inner 15.2 tlv
ATTRIBUTE Acme-Multi.Inner.Leaf 15.2.1 integer
VALUE Acme-Byte Low 1
VALUE Acme-Big Few 5
END-VENDOR Acme
`

// A house is a program with all that its tests need around it.
type house struct {
	t   testing.TB
	pr  *Program
	log *bytes.Buffer
	gen *server.Generation

	forwarder *proxy.Forwarder // of serve; nil: nothing is sent on
	listening server.Options   // of serve
	server    *server.Server   // made by serve
}

// writeScripts makes a tree with the scripts, by name.
func writeScripts(t testing.TB, scripts map[string]string) *raddb.Tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		path := filepath.Join(dir, "scripts", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "dictionary"), []byte(testDictionary), 0o644); err != nil {
		t.Fatal(err)
	}
	return raddb.Open(dir)
}

// tryLoad loads and links scripts, and gives all errors.
func tryLoad(t testing.TB, scripts map[string]string, change func(*Options)) (*house, raddb.List) {
	t.Helper()
	h := &house{t: t, log: &bytes.Buffer{}}
	tree := writeScripts(t, scripts)
	var errs raddb.List
	d := dictionary.Load(tree, "dictionary", &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	o := Options{
		Tree: tree, Dir: "scripts", Dictionary: d,
		Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	pr, errs := Load(o)
	d.Freeze()
	errs = append(errs, pr.Link()...)
	h.pr = pr
	h.gen = &server.Generation{Number: 7, Dictionary: d, Policy: pr}
	t.Cleanup(pr.Close)
	return h, errs
}

// load loads one script that must be right.
func load(t testing.TB, script string) *house {
	t.Helper()
	h, errs := tryLoad(t, map[string]string{"a.lua": script}, nil)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	return h
}

// request makes a request with the attributes given as "Name", "value" pairs.
func (h *house) request(code radius.Code, attrs ...string) *server.Request {
	h.t.Helper()
	r := &server.Request{
		Packet: radius.Packet{Code: code, Identifier: 9}, Listener: "auth", Serial: 77, Generation: h.gen, Method: "pap",
		Arrival: time.Unix(1_700_000_000, 0), Deadline: time.Now().Add(10 * time.Second),
	}
	r.Source = netip.MustParseAddrPort("192.0.2.7:4000")
	r.Client = &nas.Client{Name: "vpn-1", Type: "cisco", Vars: map[string]string{"site": "berlin"}}
	for i := 0; i < len(attrs); i += 2 {
		ref, err := h.gen.Dictionary.Resolve(attrs[i])
		if err != nil {
			h.t.Fatal(err)
		}
		value, err := ref.Attr.ParseText(nil, attrs[i+1])
		if err != nil {
			h.t.Fatal(err)
		}
		r.Attributes.Add(ref, value)
		if attrs[i] == "User-Name" {
			r.ReceivedUser = value
		}
	}
	return r
}

func (h *house) access(attrs ...string) *server.Request {
	return h.request(radius.CodeAccessRequest, attrs...)
}

// run runs one phase with a state of its own.
func (h *house) run(p server.Phase, r *server.Request) *server.Verdict {
	rn := h.pr.Acquire()
	defer h.pr.Release(rn)
	defer rn.End(r)
	return rn.Run(p, r)
}

// text gives a list as text.
func listText(l *dictionary.List) string {
	var b []byte
	for i := range l.Pairs {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = l.Pairs[i].AppendText(b, false)
	}
	return string(b)
}

func TestHintsHookChangesRequestAndReply(t *testing.T) {
	h := load(t, `
on("hints", function(req)
  req.user = req.user:lower()
end)
on("huntgroups", {name="mark", when={client="vpn-*"}}, function(req)
  req.reply:add("Reply-Message", "hello " .. req.user)
end)
on("authorize", function(req)
  if req.user == "bob" then return accept{["Session-Timeout"]=60, message="fine"} end
  return reject{reason="not-bob"}
end)`)
	r := h.access("User-Name", "BOB", "NAS-Port", "3")
	if v := h.run(server.PhaseHints, r); v != nil {
		t.Fatalf("hints: %v", v)
	}
	h.run(server.PhaseHuntgroups, r)
	v := h.run(server.PhaseAuthorize, r)
	if v == nil || v.Kind != server.Accept || len(v.Attributes) != 2 {
		t.Fatalf("authorize: %+v\n%s", v, h.log)
	}
	if got, want := listText(&r.Attributes), `User-Name = "bob", NAS-Port = 3, Orig-User-Name = "BOB"`; got != want {
		t.Errorf("request %s, want %s", got, want)
	}
	if got, want := listText(&r.Reply), `Reply-Message = "hello bob"`; got != want {
		t.Errorf("reply %s, want %s", got, want)
	}
	if r.Hook != "a.lua:8" {
		t.Errorf("hook %q", r.Hook)
	}
}
