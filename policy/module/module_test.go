package module

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/policy/sandbox"
)

// run runs a script with the modules and gives what it wrote with out, a call a line, then the error if any.
func run(t testing.TB, e *Env, source string) string {
	return runWithin(t, sandbox.Limits{}, e, source)
}

func runWithin(t testing.TB, limits sandbox.Limits, e *Env, source string) string {
	t.Helper()
	var lines []string
	s := sandbox.New(limits, sandbox.Host{Data: e, Seed: 1})
	defer s.Close()
	Open(s)
	s.SetGlobal("out", sandbox.NewFunction(func(l *lua.LState) int {
		var words []string
		for i := 1; i <= l.GetTop(); i++ {
			words = append(words, sandbox.ToString(l, l.Get(i)))
		}
		lines = append(lines, strings.Join(words, " "))
		return 0
	}))
	s.SetGlobal("key", NewSecret("a key of sixteen octets"))
	globals := Globals()
	globals["out"], globals["key"] = nil, nil
	p, errs := sandbox.Compile("t.lua", []byte(source), sandbox.Options{Globals: globals})
	if errs.Failed() {
		t.Fatalf("%v", errs)
	}
	if err := s.Load(p); err != nil {
		lines = append(lines, "error: "+err.Error())
	}
	return strings.Join(lines, "\n")
}

// fact is a line of a script with what it writes.
type fact struct{ source, want string }

func check(t *testing.T, e *Env, facts []fact) {
	t.Helper()
	for _, f := range facts {
		if diff := cmp.Diff(f.want, run(t, e, f.source)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f.source, diff)
		}
	}
}

// frozen is an Env with a clock that stands at Monday 2024-01-01 12:00 UTC.
func frozen() *Env {
	return &Env{Now: func() time.Time { return time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC) }, Zone: time.UTC}
}

func TestJSON(t *testing.T) {
	check(t, &Env{}, []fact{
		{`out(json.encode({1, 2, {a = "x", b = true}}), json.encode({}), json.encode("<é\n>"))`, `[1,2,{"a":"x","b":true}] {} "<é\n>"`},
		{`out(json.encode(json.null), json.encode(nil), json.encode(1.5), json.encode(2^53), json.encode(bytes.u64("18446744073709551615")))`, `null null 1.5 9007199254740992 18446744073709551615`},
		{`out(json.encode("\255"))`, "nil json: a string is not UTF-8; use bytes.base64 or bytes.hex"},
		{`json.encode({1, a = 2})`, `error: t.lua:1: json: a table has both entries 1 to 1 and key "a"`},
		{`json.encode({[2.5] = 2})`, `error: t.lua:1: json: a table has both entries 1 to 1 and key "[2.5]"`},
		{`json.encode(out)`, "error: t.lua:1: json: found a function, expected plain data"},
		{`local t = {} t.t = t json.encode(t)`, "error: t.lua:1: json: tables are nested more than 64 deep, or hold themselves"},
		{`json.encode(0/0)`, "error: t.lua:1: json: NaN is no number of JSON"},
		{`local v = json.decode('{"a": [1, 2.5, "x", null, true], "n": 18446744073709551615}') out(#v.a, v.a[2], v.a[3], v.a[4] == json.null, v.a[5], v.n)`, "5 2.5 x true true 18446744073709551615"},
		{`out(json.decode("null") == json.null, json.decode("-7"), json.decode('""'))`, "true -7 "},
		{`out((json.decode("{"))) out((json.decode("")))`, "nil\nnil"},
		{`out(json.decode("[1] x"))`, "nil json: text after the document (at octet 4)"},
		{`out(json.decode(("["):rep(100)))`, "nil json: nested more than 64 deep (at octet 65)"},
		{`out((json.decode("1e999")))`, "nil"},
		{`json.decode({})`, "error: t.lua:1: argument 1 is table, expected string"},
	})
}

func TestBytes(t *testing.T) {
	check(t, &Env{}, []fact{
		{`out(bytes.hex(bytes.pack("B H I4 i2 <I2", 1, 2, 3, -1, 258)))`, "0100020000" + "0003ffff0201"},
		{`out(bytes.unpack("B H I4 i2 <I2", bytes.from_hex("01 00:02-00000003ffff0201")))`, "1 2 3 -1 258 12"},
		{`out(bytes.hex(bytes.pack("s1 z c4 x", "ab", "c", "d")), bytes.unpack("s1 z c4 x", bytes.pack("s1 z c4 x", "ab", "c", "d")))`, "026162630064000000" + "00 ab c d\x00\x00\x00 11"},
		{`out(bytes.unpack("f d n", bytes.pack("f d n", 0.5, -2, 1e300)))`, "0.5 -2 1e+300 21"},
		{`out(bytes.unpack("J", ("\255"):rep(8)))`, "18446744073709551615 9"},
		{`out(bytes.unpack("j", ("\255"):rep(8)))`, "-1 9"},
		{`out(bytes.hex(bytes.pack("J", bytes.u64("18446744073709551615"))))`, "ffffffffffffffff"},
		{`out(bytes.unpack("I4", "abc"))`, "nil 3 octets, expected 1 more at octet 1"},
		{`out(bytes.unpack("B", "abc", 3))`, "99 4"},
		{`out(bytes.unpack("s1", "\5ab"))`, "nil a length of 5 at octet 1, but 2 octets follow"},
		{`out(bytes.unpack("z", "ab"))`, "nil no zero octet after octet 0"},
		{`bytes.pack("B", 256)`, "error: t.lua:1: argument 2 is 256, too great for 1 octets"},
		{`bytes.pack("b", -129)`, "error: t.lua:1: argument 2 is -129, expected a whole number that fits 1 octets"},
		{`bytes.pack("H", 1.5)`, "error: t.lua:1: argument 2 is 1.5, expected a whole number that fits 2 octets"},
		{`bytes.pack("Q", 1)`, "error: t.lua:1: unknown option 'Q' in the format; expected b B h H i I l L j J f d n s z c x < >"},
		{`bytes.pack("i9", 1)`, "error: t.lua:1: an integer of 9 octets; expected 1 to 8"},
		{`bytes.pack("c99999999", "x")`, "error: t.lua:1: a size of 8 digits in the format"},
		{`out(bytes.from_hex("0x0aFF") == "\10\255", bytes.from_hex("abc"))`, "true nil not hexadecimal digits in pairs"},
		{`out(bytes.base64("hello"), bytes.from_base64("aGVsbG8"), bytes.from_base64("aGVsbG8="), bytes.from_base64("_-8") == "\255\239", bytes.from_base64("!"))`, "aGVsbG8= hello hello true nil not Base64"},
	})
}

func TestU64(t *testing.T) {
	check(t, &Env{}, []fact{
		{`local u = bytes.u64("18446744073709551615") out(u, u - 1, u / 2, u % 10, u == u - 0, u > u - 1, u .. "!")`, "18446744073709551615 18446744073709551614 9223372036854775807 5 true true 18446744073709551615!"},
		{`local u = bytes.u64(7) out(u + 1, 1 + u, u * u, u:number() == 7, bytes.u64("9007199254740993"):number())`, "8 8 49 true nil"},
		{`out(bytes.u64("0x10"), bytes.u64("x"))`, `16 nil "x" is not a number from 0 to 2^64-1`},
		{`out(bytes.u64(1) == 1)`, "false"},
		{`out(pcall(function() return bytes.u64(1) < 2 end) == false)`, "true"},
		{`local x = bytes.u64(1) - 2`, "error: t.lua:1: 1 - 2 is not a number from 0 to 2^64-1"},
		{`local x = bytes.u64(1) / 0`, "error: t.lua:1: 1 / 0 is not a number from 0 to 2^64-1"},
		{`local x = bytes.u64(1) + 0.5`, "error: t.lua:1: + with a u64 takes whole numbers from 0 to 2^53 and u64"},
		{`bytes.u64(-1)`, "error: t.lua:1: argument 1 is number, expected a whole number from 0 to 2^53, a u64 or digits"},
		{`bytes.u64(1).number()`, "error: t.lua:1: the value before the colon is nil, expected u64; write value:method()"},
		{`out(getmetatable(bytes.u64(1)), type(bytes.u64(1)))`, "u64 userdata"},
	})
}

func TestNet(t *testing.T) {
	check(t, &Env{}, []fact{
		{`local c = net.cidr("10.1.2.3/8") out(c:has("10.9.9.9"), c:has("11.0.0.1"), c:has("::ffff:10.0.0.1"))`, "true false true"},
		{`out(net.cidr("2001:db8::/32"):has("2001:db8::1"), net.cidr("192.0.2.1"):has("192.0.2.1"))`, "true true"},
		{`out(net.cidr("10.0.0.0/33"))`, `nil "10.0.0.0/33" is no address or prefix`},
		{`out(net.cidr("10.0.0.0/8"):has("x"))`, `nil "x" is no address`},
		{`local s = net.set{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"} out(s:has("10.1.1.1"), s:has("192.0.2.2"), s:has("2001:db8::5"))`, "true false true"},
		{`out(net.set{"10.0.0.0/8", "oops"})`, `nil "oops" is no address or prefix`},
		{`net.set{1}`, "error: t.lua:1: entry 1 is a number, expected string"},
		{`for _, m in ipairs{"AA-BB-CC-dd-ee-0f", "aabb.ccdd.ee0f", "aabbccddee0f", "aa:bb:cc:dd:ee:0f"} do out(net.mac(m):format("aa-bb-cc-dd-ee-ff"), net.mac(m)) end`,
			strings.TrimSuffix(strings.Repeat("aa-bb-cc-dd-ee-0f aa:bb:cc:dd:ee:0f\n", 4), "\n")},
		{`out(net.mac("aabbccddee0f"):format("AABB.CCDD.EEFF"), net.mac("aabbccddee"), net.mac("aabbccddee0f00"), net.mac("x"), net.mac("a:abbccddee0f"))`, "AABB.CCDD.EE0F nil nil nil nil"},
		{`out(net.mac("aabbccddee0f") == net.mac("AA:BB:CC:DD:EE:0F"))`, "true"},
		{`net.mac("aabbccddee0f"):format("aa")`, `error: t.lua:1: form "aa", expected twelve letters as in "aa-bb-cc-dd-ee-ff"`},
		{`out(net.aton("10.0.0.1"), net.ntoa(167772161), net.aton("::1"))`, `167772161 10.0.0.1 nil "::1" is no IPv4 address`},
		{`net.ntoa(-1)`, "error: t.lua:1: argument 1 is number, expected a whole number from 0 to 4294967295"},
	})
}

func TestTime(t *testing.T) {
	check(t, frozen(), []fact{
		{`out(time.now(), time.format(0, "%Y-%m-%d %H:%M:%S"), time.format(0, "%H %Z", "Europe/Berlin"))`, "1704110400 1970-01-01 00:00:00 01 CET"},
		{`out(time.parse("2026-01-05T09:00:00Z"), time.parse("2026-01-05 09:00"), time.parse("2026-01-05", "Europe/Berlin"), time.parse("Jan 05 2026"), time.parse("1700000000"))`, "1767603600 1767603600 1767567600 1767571200 1700000000"},
		{`out(time.parse("soon"))`, `nil "soon" is no time; expected a form as 2026-01-05T09:00:00Z or 2026-01-05 09:00`},
		{`out(time.within("Mo-Fr 08:00-18:00", time.now()))`, "true 21600"},
		{`out(time.within("Wk0800-1800", time.now() + 7 * 3600))`, "false 46800"},
		{`out(time.within("Mo-Fr 08:00-18:00", time.now(), "America/New_York"))`, "false 3600"},
		{`out(time.within("Any", time.now())) out(time.within("Never", time.now()))`, "true nil\nfalse nil"},
		{`time.within("sometimes", 0)`, `error: t.lua:1: time "sometimes": expected days and hours as Mo-Fr 08:00-18:00 or Wk0800-1800,Sa`},
		{`time.format(0, "%Q")`, "error: t.lua:1: unknown conversion %Q in the format"},
		{`time.format(0, "%H", "Mars/Olympus")`, `error: t.lua:1: time zone "Mars/Olympus" is not known; expected one as "Europe/Berlin" or "UTC"`},
		{`time.format(0/0, "%H")`, "error: t.lua:1: argument 1 is number, expected epoch seconds"},
	})
}

func TestRegexp(t *testing.T) {
	check(t, &Env{}, []fact{
		{`local r = re.compile("^([^@]+)@(.+)$") out(r:match("ann@example.org")) out(r:match("ann")) out(r:test("a@b"), r)`, "ann example.org\nnil\ntrue ^([^@]+)@(.+)$"},
		{`out(re.compile("b+"):match("abbc")) out(re.compile("(x)|(y)"):match("y"))`, "bb\nnil y"},
		{`out(re.compile("(a)(b)?"):gsub("abac", "<%1%2%0%%>"))`, "<abab%><aa%>c 2"},
		{`out(re.compile("a"):gsub("aa", "%1"))`, "aa 2"},
		{`re.compile("a"):gsub("a", "%2")`, "error: t.lua:1: %2 in the replacement, but the expression has 0 captures"},
		{`local a = re.compile("\\d+"):all("1 22 333") out(#a, a[3]) local b = re.compile("(\\w)=(\\d)"):all("a=1 b=2") out(b[2][1], b[2][2])`, "3 333\nb 2"},
		{`out(re.compile("("))`, "nil error parsing regexp: missing closing ): `(`"},
		{`out((re.compile(("x"):rep(5000))))`, "nil"},
		{`local r = re.compile(".*x") local s = ("a"):rep(1e6) while true do r:test(s) end`, "error: t.lua:1: step budget spent; use fewer or simpler loops and patterns"},
	})
}

func TestCrypto(t *testing.T) {
	check(t, &Env{}, []fact{
		{`out(bytes.hex(crypto.sha256("abc")), bytes.hex(crypto.sha1("abc")), bytes.hex(crypto.md5("abc")))`, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad a9993e364706816aba3e25717850c26c9cd0d89d 900150983cd24fb0d6963f7d28e17f72"},
		{`out(bytes.hex(crypto.nt_hash("password")), crypto.nt_hash("\255"))`, "8846f7eaee8fb117ad06bdd830b7586c nil the text is not UTF-8"},
		{`out(bytes.hex(crypto.hmac("sha256", "key", "The quick brown fox jumps over the lazy dog")))`, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
		{`crypto.hmac("crc", "k", "x")`, `error: t.lua:1: crypto.hmac: "crc", expected one of md5, sha1, sha256, sha512`},
		{`out(crypto.equal("a", "a"), crypto.equal("a", "b"), #crypto.random(16), crypto.random(16) ~= crypto.random(16))`, "true false 16 true"},
		{`crypto.random(0)`, "error: t.lua:1: crypto.random: 0 octets, expected 1 to 1024"},
		{`out(crypto.verify("hello", "hello"), crypto.verify("{clear}x", "y"), crypto.verify(crypto.hash("ssha256", "pw"), "pw"))`, "true false true"},
		{`out(crypto.hash("nt", "password") ~= nil) crypto.hash("rot13", "x")`, "true\n" + `error: t.lua:1: crypto.hash: "rot13", unknown scheme to hash with; expected "argon2id", "bcrypt", "sha512crypt", "sha256crypt", "ssha512", "ssha256", "ssha" or "nt"`},
		{`out((crypto.verify("$6$broken", "x")))`, "nil"},
		{`local s = crypto.seal(key, {a = {1, true, "x"}, n = bytes.u64("18446744073709551615")}) local v = crypto.unseal(key, s) out(v.a[1], v.a[2], v.a[3], v.n)
			out(crypto.unseal(key, s:sub(1, -2) .. "x")) out(crypto.unseal("another key of 24 octets", s)) out(crypto.unseal(key, "x"))`,
			"1 true x 18446744073709551615\nnil altered, or sealed with another key\nnil altered, or sealed with another key\nnil too short to be sealed"},
		{`crypto.seal("short", 1)`, "error: t.lua:1: a key of 5 octets, expected 16 or more"},
		{`crypto.seal(key, out)`, "error: t.lua:1: crypto.seal: found a function, expected plain data"},
		{`out(key, key:reveal())`, "[secret] a key of sixteen octets"},
	})
}

func TestWaits(t *testing.T) {
	waited := 0
	e := &Env{Wait: func() error { waited++; return nil }}
	run(t, e, `crypto.hash("ssha", "x") crypto.verify("a", "a")`)
	if waited != 1 {
		t.Errorf("waited %d times, want 1: clear text is not costly", waited)
	}
	check(t, &Env{Wait: func() error { return ErrBusy }}, []fact{
		{`out(pcall(crypto.hash, "ssha", "x"))`, "false t.lua:1: crypto: busy: too many requests are waiting"},
		{`out(net.try_lookup("localhost"))`, "nil busy: too many requests are waiting"},
		{`net.lookup("localhost")`, "error: t.lua:1: net: busy: too many requests are waiting"},
	})
	forbidden := &Env{MayWait: func() error { return errors.New("nothing waits at the top level") }}
	check(t, forbidden, []fact{
		{`crypto.verify("a", "a")`, "error: t.lua:1: crypto.verify: nothing waits at the top level"},
		{`net.lookup("localhost")`, "error: t.lua:1: net: nothing waits at the top level"},
	})
}

func TestBackendKind(t *testing.T) {
	s := sandbox.New(sandbox.Limits{}, sandbox.Host{Data: &Env{Wait: func() error { return ErrBusy }}})
	defer s.Close()
	Open(s)
	p, errs := sandbox.Compile("t.lua", []byte(`crypto.hash("ssha", "x")`), sandbox.Options{Globals: Globals()})
	if errs.Failed() {
		t.Fatal(errs)
	}
	var e *sandbox.Error
	if err := s.Load(p); !errors.As(err, &e) || e.Kind != sandbox.Backend {
		t.Errorf("got %v, want a failure of a backend", err)
	}
}

func TestLog(t *testing.T) {
	var buf bytes.Buffer
	e := &Env{
		Log: slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
		LogAttrs: func() []slog.Attr { return []slog.Attr{slog.Int("req", 7)} },
		Blank:    func(text string) string { return strings.ReplaceAll(text, "hunter2", "[secret]") },
	}
	run(t, e, `log.info("it is hunter2", {user = "ann", n = 5, password = "hunter2"}) log.debug("hidden") log.warn({} == nil)`)
	want := `level=INFO msg="it is [secret]" req=7 user=ann n=5 password=[secret]` + "\nlevel=WARN msg=false req=7\n"
	if diff := cmp.Diff(want, buf.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestTable checks that every name has what its documentation needs.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range append(Functions(), SecretMethods()...) {
		key := fmt.Sprint(f.Module, ".", f.Of, ":", f.Name)
		if seen[key] || f.Doc == "" || !strings.HasSuffix(f.Doc, ".") || !strings.Contains(f.Signature, f.Name) {
			t.Errorf("%s: %+v", key, f)
		}
		seen[key] = true
	}
	if diff := cmp.Diff([]string{"attribute", "value"}, Globals()["dict"]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestModulesAreFrozen(t *testing.T) {
	_, errs := sandbox.Compile("t.lua", []byte("json.null = 1\nnet.cdir('x')"), sandbox.Options{Globals: Globals()})
	want := raddb.List{
		{Pos: raddb.Pos{File: "t.lua", Line: 1, Col: 1}, Msg: "json belongs to the API, its fields cannot be assigned", Form: "%s belongs to the API, its fields cannot be assigned"},
		{Pos: raddb.Pos{File: "t.lua", Line: 2, Col: 1}, Msg: `net has no cdir; did you mean "cidr"?`, Form: "%s has no %s%s"},
	}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
