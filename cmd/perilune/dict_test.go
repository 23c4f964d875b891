package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	luaparse "github.com/yuin/gopher-lua/parse"

	"perilune/engine/raddb"
)

const vendorTree = "../../examples/vendor-tlv/raddb"

// TestDict: lists, searches, one attribute, octets, each with its whole output.
func TestDict(t *testing.T) {
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"-vendor Luna", "Luna-Role              26.64999.1      integer  \nLuna-QoS               26.64999.2      tlv      \n" +
			"Luna-QoS.Down          26.64999.2.1    integer  \nLuna-QoS.Up            26.64999.2.2    integer  \n" +
			"Luna-QoS.Queue         26.64999.2.3    tlv      \nLuna-QoS.Queue.Name    26.64999.2.3.1  string   \n" +
			"Luna-QoS.Queue.Weight  26.64999.2.3.2  byte     \nLuna-Map               26.64999.3      octets   codec\n", 0},
		{"-vendor 64999 *.Name", "Luna-QoS.Queue.Name  26.64999.2.3.1  string  \n", 0},
		{"-vendor 64999 1", "Luna-Role\n  number    26.64999.1\n  vendor    Luna (64999)\n  type      integer\n  declared  luna.lua:5\n" +
			"  values    1     Guest\n            2     Staff\n            9     Admin\n", 0},
		{"Luna-Map", "Luna-Map\n  number    26.64999.3\n  vendor    Luna (64999)\n  type      octets\n  flags     codec\n  codec     {slot=2,port=3}\n  declared  luna.lua:15\n", 0},
		{"26.64999.3", "Luna-Map\n  number    26.64999.3\n  vendor    Luna (64999)\n  type      octets\n  flags     codec\n  codec     {slot=2,port=3}\n  declared  luna.lua:15\n", 0},
		{"Attr-26.64999.77", "Attr-26.64999.77\n  number    26.64999.77\n  vendor    Luna (64999)\n  type      octets\n  declared  nowhere: octets by number\n", 0},
		{"luna-m", "Luna-Map  26.64999.3  octets  codec\n", 0},
		{"Luna-Mop", "perilune dict: no attribute, value or number fits \"Luna-Mop\"; did you mean \"Luna-Map\"?\n", 1},
		{"-vendor Lunna", "perilune dict: no vendor \"Lunna\"; did you mean \"Luna\"?\n", 1},
		{"-json Luna-Role", `{"name":"Luna-Role","number":"26.64999.1","type":"integer","vendor":"Luna","vendor_id":64999,"values":[{"name":"Guest","number":1},{"name":"Staff","number":2},{"name":"Admin","number":9}],"declared":"luna.lua:5"}` + "\n", 0},
		{"-encode Luna-Map={slot=2,port=3,vlan=20} -encode Luna-QoS.Queue.Weight=7", "1a0b0000fde70305230014\n1a0d0000fde70207030502" + "0307\n", 0},
		{"-encode Luna-Map={slot=99,port=3}", "perilune dict: Luna-Map is \"{slot=99,port=3}\": encode: luna.lua:27: slot and port are numbers up to 15\n", 1},
		{"-encode Auth-Type=Local", "perilune dict: Auth-Type is internal; it is never on the wire\n", 1},
		{"-decode 1a:09:00:00:fd:e7:03:03:23", "    0  Vendor-Specific = vendor 64999 Luna  (26 vsa)\n    6    Luna-Map = \"{slot=2,port=3}\"  (26.64999.3 octets)\n", 0},
		{"-decode 0x1a0a0000fde703042324", "    0  Vendor-Specific = vendor 64999 Luna  (26 vsa)\n    6    Luna-Map = 0x2324  (26.64999.3 octets)\n", 0},
		{"-decode 0105001a00000000000000000000000000000000" + "010662" + "6f62" + "21", "Access-Request id 5, 26 octets, authenticator 0x00000000000000000000000000000000\n   20  User-Name = \"bob!\"  (1 string)\n", 0},
		{"-json -decode 0103ff", "{\"depth\":0,\"at\":0,\"name\":\"User-Name\",\"number\":\"Attr-1\",\"type\":\"string\",\"text\":\"\\\"\\\\377\\\"\",\"octets\":\"ff\"}\n", 0},
		{"-decode 01", "    0  ? = 0x01  (cut off: the length does not fit)\n", 0},
		{"-decode 012", "perilune dict: -decode: the number of hexadecimal digits is odd; the last octet is not whole\n", 1},
		{"-decode 0x0g", "perilune dict: -decode: 'g' is no hexadecimal digit\n", 1},
		{"-export -vendors", "perilune dict: -vendors, -decode, -encode, -export, -lua-types and names exclude each other\n`perilune dict -h` shows how it is used\n", 2},
	} {
		code, out, errs := execute(append([]string{"dict", "-d", vendorTree}, strings.Fields(c.args)...)...)
		if diff := cmp.Diff(c.want, out+errs); diff != "" || code != c.code {
			t.Errorf("%s: exit code %d (-want +got):\n%s", c.args, code, diff)
		}
	}
	if _, out, _ := execute("dict", "-d", vendorTree, "-vendors"); !strings.Contains(out, "64999  Luna  ") || !strings.Contains(out, "8 attributes\n") {
		t.Errorf("-vendors: %.300s", out)
	}
}

// TestDictBrokenScripts: what scripts declare before they fail is known, and the failure is told.
func TestDictBrokenScripts(t *testing.T) {
	dir := loopTree(t, map[string]string{
		"scripts/a.lua": "vendor{name='Luna', id=64999}\nattribute{vendor='Luna', name='Luna-Role', id=1, type='string'}\n",
		"scripts/b.lua": "local x = \n",
	})
	code, out, errs := execute("dict", "-d", filepath.Join(dir, "raddb"), "-vendor", "Luna")
	want := "Luna-Role  26.64999.1  string  \nperilune dict: attributes that scripts declare may be missing: b.lua:2:1: "
	if code != exitOK || !strings.HasPrefix(out+errs, want) {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// TestDictExport: FreeRADIUS's client reads what is exported, sends by it and understands the answer.
func TestDictExport(t *testing.T) {
	_, out, errs := execute("dict", "-d", vendorTree, "-export")
	if errs != "" {
		t.Fatal(errs)
	}
	want := "# Written by perilune dict -export.\n\nVENDOR\t\tLuna\t64999\n\nBEGIN-VENDOR\tLuna\n\nATTRIBUTE\tLuna-Role\t1\tinteger\nVALUE\t\tLuna-Role\tGuest\t1\n" +
		"VALUE\t\tLuna-Role\tStaff\t2\nVALUE\t\tLuna-Role\tAdmin\t9\nATTRIBUTE\tLuna-QoS\t2\ttlv\nATTRIBUTE\tLuna-QoS-Down\t2.1\tinteger\n" +
		"ATTRIBUTE\tLuna-QoS-Up\t2.2\tinteger\nATTRIBUTE\tLuna-QoS-Queue\t2.3\ttlv\nATTRIBUTE\tLuna-QoS-Queue-Name\t2.3.1\tstring\n" +
		"ATTRIBUTE\tLuna-QoS-Queue-Weight\t2.3.2\tbyte\n# Luna-Map holds what a codec reads as {slot=2,port=3}\n" +
		"ATTRIBUTE\tLuna-Map\t3\toctets\n\nEND-VENDOR\tLuna\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTypes: the types in the checkout are those of the code and of the default dictionary, and the file is Lua.
func TestTypes(t *testing.T) {
	var made bytes.Buffer
	known, errs := openDictionary("", "")
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	if err := writeTypes(&made, known.Dictionary.Dictionary); err != nil {
		t.Fatal(err)
	}
	if _, err := luaparse.Parse(bytes.NewReader(made.Bytes()), "perilune.lua"); err != nil {
		t.Errorf("the types are no Lua: %v", err)
	}
	for i, line := range strings.Split(made.String(), "\n") {
		if !annotation.MatchString(line) {
			t.Errorf("line %d is no annotation: %s", i+1, line)
		}
	}
	for _, text := range []string{"---@field [\"User-Name\"] string? ", "---@class Request: AttributeList", "---@overload fun(phase: \"hints\", fn: fun(req: Request): ",
		"function kind_net_cidr:has(address) end", "function accept(options) end", "---@class reply: AttributeList"} {
		if !strings.Contains(made.String(), text) {
			t.Errorf("the types lack %s", text)
		}
	}
	for name, text := range map[string][]byte{"../../.luals/perilune.lua": made.Bytes(), "../../.luarc.json": editorSettings} {
		if *updateDocs {
			writeTest(t, name, string(text))
		}
		if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, text) {
			t.Errorf("%s is stale (%v); go test ./cmd/perilune -run TestTypes -update mends it", name, err)
		}
	}
}

// annotation is the form of each line of the types.
var annotation = regexp.MustCompile(`^(|---@(meta|(class|field|param|return|overload) \S.*)|---.*|--.*|local \w+ = \{\}|[\w.]+ = (\{.*\}|nil ---@type any)|function [\w.:]+\([\w., ]*\) end)$`)

// TestInitTypes: init places the types, and what is there stays.
func TestInitTypes(t *testing.T) {
	dir := t.TempDir()
	writeTest(t, filepath.Join(dir, ".luarc.json"), "{}")
	if code, out, errs := execute("init", dir); code != exitOK {
		t.Fatalf("%s%s", out, errs)
	}
	if b, err := os.ReadFile(filepath.Join(dir, ".luarc.json")); err != nil || string(b) != "{}" {
		t.Errorf("%s %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".luals", "perilune.lua")); err != nil {
		t.Error(err)
	}
}

// FuzzDictDecode: no text makes -decode panic.
func FuzzDictDecode(f *testing.F) {
	var errs raddb.List
	known, errs := openDictionary("", "")
	if err := errs.Err(); err != nil {
		f.Fatal(err)
	}
	f.Add("0105001a000000000000000000000000000000000106626f6221")
	f.Add("1a 09 00 00 fd e7 03 03 23")
	f.Add("0x")
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		x := dictRun{s: streams{nil, &out, &out}, d: known.Dictionary.Dictionary}
		_ = x.explainOctets(text)
	})
}
