package gnu

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// clientsOf gives the lines of a new clients file without its comments, blanks squeezed.
func clientsOf(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			b.WriteString(strings.Join(fields, " ") + "\n")
		}
	}
	return b.String()
}

func TestClients(t *testing.T) {
	tests := []struct {
		name, clients, naslist, want, notes string
		o                                   Options
	}{
		{name: "forms", clients: "192.0.2.1 plain\n192.0.2.8/255.255.255.248 \"two words\"\nlocalhost 'single'\n198.51.100.0/24 \"a \\\"q\\\"\"\n",
			want:  "192.0.2.1 \"plain\"\n192.0.2.8/29 \"two words\"\nlocalhost \"single\"\n198.51.100.0/24 \"a \\\"q\\\"\"\n",
			notes: "clients:3:1: client localhost: its address is taken before the networks above it, such as that at clients:1:1\n"},
		{name: "octets", clients: "192.0.2.1 \"\xe4\xf6\\x01#\"\n", want: "192.0.2.1 \"\\xe4\\xf6\\x01#\"\n"},
		{name: "comments", clients: "# all\n192.0.2.1 secret#not part of it\n\n", want: "192.0.2.1 \"secret\"\n"},
		{name: "the first line counts", clients: "192.0.2.0/24 wide\n192.0.2.7 narrow\n192.0.2.8 wide\n192.0.0.0/16 wider\n",
			want: "192.0.2.0/24 \"wide\"\n192.0.0.0/16 \"wider\"\n",
			notes: "clients:3:1: client 192.0.2.8 is left out: the line clients:1:1 above it held for it, too\n" +
				"clients:2:1: client 192.0.2.7 is left out: the original took the first line that fits, which is clients:1:1; if the secret of this one is meant, add it to raddb/clients\n"},
		{name: "default", clients: "192.0.2.1 one\nDEFAULT all\n192.0.2.2 never\n",
			want: "192.0.2.1 \"one\"\n0.0.0.0/0 \"all\" everybody\n::/0 \"all\" everybody\n",
			notes: "clients:2:1: DEFAULT: every address in the world may ask this server with one secret; put the networks of your NASes there instead\n" +
				"clients:3:1: client 192.0.2.2 is left out: the original took the first line that fits, which is clients:2:1; if the secret of this one is meant, add it to raddb/clients\n"},
		{name: "wrong", clients: "192.0.2.1\n192.0.2.2 a b\n192.0.2.300 a\n192.0.2.0/33 a\n192.0.2.0/255.0.255.0 a\n192.0.2.3 \"\"\n",
			notes: "clients: there is no client; the server will answer nobody\n" +
				"clients:1:1: client \"192.0.2.1\": 1 fields; the original takes lines of two and left it out; so does this\n" +
				"clients:2:1: client \"192.0.2.2\": 3 fields; the original takes lines of two and left it out; so does this\n" +
				"clients:3:1: client \"192.0.2.300\": expected an address, address/length or address/mask; left out\n" +
				"clients:4:1: client \"192.0.2.0/33\": the length \"33\"; expected 0 to 32, or a mask; left out\n" +
				"clients:5:1: client \"192.0.2.0/255.0.255.0\": the mask 255.0.255.0 has holes, which no prefix can say; left out\n" +
				"clients:6:1: client \"192.0.2.3\" has an empty secret; left out\n"},
		{name: "names", clients: "192.0.2.0/24 s\n198.51.100.1 t\n",
			naslist: "192.0.2.0/25 low cisco compare-acct-flag=2,nobroken_pass\n192.0.2.1 proxy true broken_pass\nDEFAULT rest\n",
			want:    "192.0.2.0/24 \"s\" rest\n192.0.2.0/25 \"s\" low type=cisco compare-acct-flag=2\n192.0.2.1 \"s\" \"proxy\" broken-pass\n198.51.100.1 \"t\" rest\n"},
		{name: "exact", clients: "192.0.2.1 s\n", naslist: "192.0.2.1 kiel-1", o: Options{Exact: true},
			want: "192.0.2.1 \"s\" \"kiel-1\" no-reply-ma no-credential\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, report := convert(t, map[string]string{"clients": test.clients, "naslist": test.naslist}, test.o)
			same(t, "clients", test.want, clientsOf(out.File("raddb/clients").String()))
			same(t, "notes", test.notes, about(report, "clients"))
		})
	}
}

// Answers that came later than 30 seconds were repeated, too; only a client's option can say that.
func TestLongCleanup(t *testing.T) {
	out, _ := convert(t, map[string]string{"clients": "192.0.2.1 s\n", "config": "auth { request-cleanup-delay 60; };"}, Options{})
	same(t, "clients", "192.0.2.1 \"s\" dup=60s\n", clientsOf(out.File("raddb/clients").String()))
}

func TestNaslist(t *testing.T) {
	out, report := convert(t, map[string]string{
		"naslist": "192.0.2.1 one ascend community=x,notcp\n192.0.2.0/24 net true\n192.0.2.0/28 small\nDEFAULT other false\nhost.example named\n" +
			"192.0.2.9\n192.0.2.0/99 bad\n",
		"nastypes": "ascend snmp oid=1.3.6,retries=2\nlonely\n",
	}, Options{})
	text := out.File("scripts/lib/nas.lua").String()
	for _, want := range []string{
		`["192.0.2.1"] = "ascend one",`,
		`["192.0.2.1"] = {["community"] = "x", ["tcp"] = "0"},`,
		"{net = net.cidr(\"192.0.2.0/28\"), nas = \"true small\"},\n  {net = net.cidr(\"192.0.2.0/24\"), nas = \"true net\"},",
		`local default = "false other"`,
		`["ascend"] = {method = "snmp", ["oid"] = "1.3.6", ["retries"] = "2"},`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s:\n%s", want, text)
		}
	}
	same(t, "naslist", `naslist: what its types say of sessions is in scripts/50-sessions.lua
naslist: names and types are in raddb/clients, by source address, and in scripts/lib/nas.lua, by NAS-IP-Address
naslist:5:1: NAS host.example gives its name to its line in raddb/clients alone; scripts find NASes by addresses, so give its address to scripts/lib/nas.lua if they need it
naslist:6:1: NAS "192.0.2.9" has no short name; left out
naslist:7:1: NAS "192.0.2.0/99": the length "99"; expected 0 to 32, or a mask; left out
`, about(report, "naslist"))
	same(t, "nastypes", `nastypes:1:1: NAS type ascend is asked by snmp whether a session lives: nothing here speaks snmp, so its sessions are taken for live (checkrad-assume-logged); its data is in scripts/lib/nas.lua, for an on("session", fn) of yours
nastypes:2:1: NAS type "lonely" has no method; left out
`, about(report, "nastypes"))
}

// Each part of a large table is within a script's bounds, and has its hosts.
func TestManyStations(t *testing.T) {
	var naslist, clients strings.Builder
	const many = 2500
	for i := range many {
		fmt.Fprintf(&naslist, "10.0.%d.%d nas%d\n", i/256, i%256, i)
		fmt.Fprintf(&clients, "10.0.%d.%d secret%d\n", i/256, i%256, i)
	}
	out, _ := convert(t, map[string]string{"naslist": naslist.String(), "clients": clients.String()}, Options{})
	found := 0
	for _, name := range out.Names() {
		if strings.HasPrefix(name, "scripts/lib/nas/") {
			found += strings.Count(out.File(name).String(), "true nas")
			if !strings.Contains(out.File("scripts/lib/nas.lua").String(), `require("lib.nas.`+strings.TrimSuffix(filepath.Base(name), ".lua")+`")`) {
				t.Errorf("%s is not required", name)
			}
		}
		if n := out.File(name).Len(); strings.HasSuffix(name, ".lua") && n > 256<<10 {
			t.Errorf("%s has %d octets", name, n)
		}
	}
	if found != many || strings.Count(out.File("raddb/clients").String(), "  nas") != many {
		t.Errorf("%d hosts in the parts", found)
	}
}
