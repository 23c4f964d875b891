package server

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"perilune/engine/auth"
	"perilune/engine/dictionary"
	"perilune/engine/radius"

	"github.com/google/go-cmp/cmp"
)

// The example of RFC 2759 s9.2 and RFC 3079 s3.5.
const (
	exampleChallenge = "5b5d7c7d7b3f2f3e3c2c602132262628"
	examplePeer      = "21402324255e262a28295f2b3a337c7e"
	exampleNT        = "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df"
	exampleV2        = "0700" + examplePeer + "0000000000000000" + exampleNT
	exampleV1        = "0701" + "000000000000000000000000000000000000000000000000" + exampleNT
)

const chapUsers = `
User    Cleartext-Password := "clientPass"
        Reply-Message = "hi", Session-Timeout = 60
nt      NT-Password := 0x44ebba8d5312b8d611474411f56989ae
header  Password-With-Header := "{nt}44EBBA8D5312B8D611474411F56989AE"
clear   Password-With-Header := "{clear}clientPass"
hashed  Password-With-Header := "{sha}qvTGHdzF6KLavt4PO0gs2a6pQ00="
crypt   Crypt-Password := "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"
latin   Cleartext-Password := "gr\374\337e"
typed   Auth-Type := MS-CHAP, Cleartext-Password := "clientPass"
old     Auth-Type := mschap, Cleartext-Password := "clientPass"
pap     Auth-Type := PAP, Cleartext-Password := "clientPass"
chap    Auth-Type := CHAP, Cleartext-Password := "clientPass"
empty   Password-With-Header := "{clear}"
unset   Cleartext-Password := ""
late    Cleartext-Password := "clientPass", Expiration := "Jan 01 2020"
never   Cleartext-Password := "clientPass", Login-Time := "Never"
out     Auth-Type := Reject
closed  Cleartext-Password := "clientPass"
weak    Cleartext-Password := "clientPass"
        MS-MPPE-Encryption-Policy = 2, MS-MPPE-Encryption-Types = 4
bare
`

// msAttrs are the attributes of a peer that answers with a password.
func msAttrs(t testing.TB, g *Generation, version int, user, password string) dictionary.List {
	t.Helper()
	nt, ok := auth.NTHash([]byte(password))
	if !ok {
		t.Fatalf("%q is not UTF-8", password)
	}
	challenge, peer := []byte("the server asks "), []byte("the peer asks ..")
	name, response := "MS-CHAP2-Response", auth.MSCHAPv2Response(7, challenge, peer, []byte(user), nt)
	if version == 1 {
		challenge = challenge[:8]
		name, response = "MS-CHAP-Response", auth.MSCHAPResponse(7, challenge, nt)
	}
	return attrs(t, g, "User-Name = "+user, fmt.Sprintf("MS-CHAP-Challenge = 0x%x", challenge), fmt.Sprintf("%s = 0x%x", name, response))
}

func TestMSCHAP(t *testing.T) {
	g := load(t, chapUsers, nil)
	g.Settings.Deny = map[string]struct{}{"closed": {}}
	for _, c := range []struct{ user, password, want, code string }{
		{"User", "clientPass", "accept", ""},
		{"User", "clientpass", "reject password", "691"},
		{"nt", "clientPass", "accept", ""},
		{"header", "clientPass", "accept", ""},
		{"clear", "clientPass", "accept", ""},
		{"clear", "", "reject password", "691"},
		{"hashed", "hello", "reject password", "691"},
		{"crypt", "password", "reject password", "691"},
		{"latin", "clientPass", "reject password", "691"},
		{"typed", "clientPass", "accept", ""},
		{"old", "clientPass", "accept", ""},
		{"pap", "clientPass", "reject method", "691"},
		{"chap", "clientPass", "reject method", "691"},
		{"empty", "", "accept", ""},
		{"unset", "", "reject password", "691"},
		{"late", "clientPass", "reject expired-account", "648"},
		{"late", "wrong", "reject password", "691"},
		{"never", "clientPass", "reject login-time", "646"},
		{"out", "clientPass", "reject denied", "691"},
		{"closed", "clientPass", "reject access-deny", "647"},
		{"closed", "wrong", "reject password", "691"},
		{"nobody", "clientPass", "reject unknown-user", "691"},
		{"bare", "clientPass", "reject no-password", "691"},
	} {
		for version := 1; version <= 2; version++ {
			t.Run(fmt.Sprintf("%s/%s/%d", c.user, c.password, version), func(t *testing.T) {
				out := ask(t, offline(), g, Question{Attributes: msAttrs(t, g, version, c.user, c.password)})
				if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != c.want {
					t.Errorf("got %q, want %q\n%s", got, c.want, out)
				}
				if want := []string{"mschap", "mschapv2"}[version-1]; out.Method != want {
					t.Errorf("method %q", out.Method)
				}
				wantFailure(t, g, out, version, c.code)
			})
		}
	}
}

// wantFailure looks for MS-CHAP-Error with the code, or for none.
func wantFailure(t *testing.T, g *Generation, out *Outcome, version int, code string) {
	t.Helper()
	m := &g.prepare().microsoft
	value, ok := out.Reply.First(m.failure)
	pattern := `^\x07E=` + code + ` R=0 C=[0-9A-F]{32} V=3 M=[A-Z][a-z ]+$`
	if version == 1 {
		pattern = `^\x07E=` + code + ` R=0 C=[0-9A-F]{16} V=2$`
	}
	if ok != (code != "") || ok && !regexp.MustCompile(pattern).Match(value) {
		t.Errorf("MS-CHAP-Error %q; want code %q", value, code)
	}
	if code == "" {
		return
	}
	for i := range out.Reply.Pairs {
		if p := &out.Reply.Pairs[i]; p.Attr != m.failure && p.Attr.Vendor != nil {
			t.Errorf("a reject carries %s", p.AppendText(nil, false))
		}
	}
}

// TestMSCHAPForm: everything must have its length; the LM part of version 1 counts nothing.
func TestMSCHAPForm(t *testing.T) {
	g := load(t, chapUsers, nil)
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"v2":                   {[]string{"MS-CHAP-Challenge = 0x" + exampleChallenge, "MS-CHAP2-Response = 0x" + exampleV2}, "accept"},
		"v2 without challenge": {[]string{"MS-CHAP2-Response = 0x" + exampleV2}, "reject"},
		"v2 short":             {[]string{"MS-CHAP-Challenge = 0x" + exampleChallenge, "MS-CHAP2-Response = 0x" + exampleV2[:98]}, "reject"},
		"v2 long":              {[]string{"MS-CHAP-Challenge = 0x" + exampleChallenge, "MS-CHAP2-Response = 0x" + exampleV2 + "00"}, "reject"},
		"v2 empty challenge":   {[]string{"MS-CHAP-Challenge = 0x", "MS-CHAP2-Response = 0x" + exampleV2}, "reject"},
		"v2 of 8":              {[]string{"MS-CHAP-Challenge = 0x" + exampleChallenge[:16], "MS-CHAP2-Response = 0x" + exampleV2}, "reject"},
		"v1":                   {[]string{"MS-CHAP-Challenge = 0xd02e4386bce91226", "MS-CHAP-Response = 0x" + exampleV1}, "accept"},
		"v1 of 16":             {[]string{"MS-CHAP-Challenge = 0x" + exampleChallenge, "MS-CHAP-Response = 0x" + exampleV1}, "reject"},
		"v1 of LM alone":       {[]string{"MS-CHAP-Challenge = 0xd02e4386bce91226", "MS-CHAP-Response = 0x0700" + exampleV1[4:]}, "reject"},
		"v1 of one octet":      {[]string{"MS-CHAP-Challenge = 0xd02e4386bce91226", "MS-CHAP-Response = 0x07"}, "reject"},
		"both, v2 counts":      {[]string{"MS-CHAP-Response = 0x" + exampleV1, "MS-CHAP-Challenge = 0x" + exampleChallenge, "MS-CHAP2-Response = 0x" + exampleV2}, "accept"},
	} {
		out := ask(t, offline(), g, Question{Attributes: attrs(t, g, append([]string{"User-Name = User"}, c.lines...)...)})
		if out.Verdict != c.want {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestMSCHAPOnWire sends the examples of RFC 2759 s9.2 and RFC 3079 s3.5 to a whole server, and looks at the octets of
// the reply.
func TestMSCHAPOnWire(t *testing.T) {
	at, _ := serve(t, load(t, chapUsers, nil), core(t, CoreOptions{Now: time.Now}))
	v2 := [][]byte{microsoftVSA(11, exampleChallenge), microsoftVSA(25, exampleV2)}
	v1 := [][]byte{microsoftVSA(11, "d02e4386bce91226"), microsoftVSA(1, exampleV1)}
	for _, c := range []struct {
		name, user, ma string
		credential     [][]byte
		want           []string
	}{
		{"v2 unsigned", "User", "", v2, []string{"26 07533d34303741353538393131354644304436323039463531304645394330343536363933324344413536"}},
		{"v1 unsigned", "User", "", v1, nil},
		{"v2", "User", "first", v2, []string{
			"26 07533d34303741353538393131354644304436323039463531304645394330343536363933324344413536",
			"17 d5f0e9521e3ea9589645e86051c82226", "16 8b7cdc149b993a1ba118cb153f56dccb", "7 00000001", "8 00000006"}},
		{"v1", "User", "first", v1, []string{"12 000000000000000041c00c584bd2d91c4017a2a12fa59f3f", "7 00000001", "8 00000006"}},
		{"the domain does not count", `DOMAIN\User`, "first", v2, nil},
		{"v1, whatever the name", "weak", "first", v1, []string{"7 00000002", "8 00000004", "12 000000000000000041c00c584bd2d91c4017a2a12fa59f3f"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := onWire(1, homeSecret, c.ma, append([][]byte{attribute(1, c.user)}, c.credential...)...)
			reply := exchange(t, at, request, 10*time.Second)
			if c.user == `DOMAIN\User` { // no rule has that name
				if reply[0] != byte(radius.CodeAccessReject) {
					t.Errorf("answered with %d", reply[0])
				}
				return
			}
			if diff := cmp.Diff(c.want, microsoftOf(t, request, reply)); diff != "" || reply[0] != byte(radius.CodeAccessAccept) {
				t.Errorf("code %d (-want +got)\n%s", reply[0], diff)
			}
		})
	}
}

func microsoftVSA(number byte, text string) []byte {
	value, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return radius.AppendAttribute(nil, radius.TypeVendorSpecific, append([]byte{0, 0, 1, 55, number, byte(2 + len(value))}, value...))
}

// microsoftOf gives the attributes of RFC 2548 in a reply in clear, by number.
func microsoftOf(t *testing.T, request, reply []byte) (list []string) {
	t.Helper()
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	asked := (*radius.Authenticator)(request[4:20])
	packet, err := radius.Parse(reply)
	if err != nil {
		t.Fatal(err)
	}
	var salts []byte
	for typ, v := range packet.Attributes.All() {
		if typ != radius.TypeVendorSpecific {
			continue
		}
		value := v[6:]
		switch v[4] {
		case 12:
			value, err = s.RevealPassword(nil, value, asked)
			value = append(value, make([]byte, 24-len(value))...)
		case 16, 17: // RFC 2548 s2.4.2: salts are unique in a packet, their high bit is set
			if bytes.Contains(salts, value[:2]) || value[0]&0x80 == 0 {
				t.Errorf("salt %x after %x", value[:2], salts)
			}
			salts = append(salts, value[:2]...)
			value, err = s.RevealSalted(nil, value, asked)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%d %x", v[4], value))
	}
	return list
}

// TestMSCHAPName: version 2 hashes the name that was typed, whatever hints have made of it.
func TestMSCHAPName(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
		r.Attributes.Set(r.Generation.Dictionary.Known.UserName.AnyTag(), []byte("User"))
		return nil
	}}}
	g := load(t, chapUsers, p)
	for _, user := range []string{"user@example.net", `DOMAIN\User`, "somebody"} {
		if out := ask(t, offline(), g, Question{Attributes: msAttrs(t, g, 2, user, "clientPass")}); out.Kind != Accept {
			t.Errorf("%s: %s", user, out)
		}
	}
}

// TestMSCHAPKeysWithheld: keys go to no client that does not verify, and the log says why.
func TestMSCHAPKeysWithheld(t *testing.T) {
	g, log := load(t, chapUsers, nil), &logged{}
	silent := *home(g)
	silent.NoReplyMessageAuthenticator = true
	for name, q := range map[string]Question{"unsigned": {Unsigned: true}, "no-reply-ma": {Client: &silent}} {
		o := offline()
		o.core.log = newLog(log)
		q.Attributes = msAttrs(t, g, 2, "User", "clientPass")
		out := ask(t, o, g, q)
		var got []string
		for i := range out.Reply.Pairs {
			got = append(got, out.Reply.Pairs[i].Attr.Name)
		}
		if diff := cmp.Diff([]string{"Reply-Message", "Session-Timeout", "MS-CHAP2-Success"}, got); diff != "" || out.Kind != Accept {
			t.Errorf("%s: %s (-want +got)\n%s", name, out.Kind, diff)
		}
		if !strings.Contains(log.String(), "MPPE keys were not sent") {
			t.Errorf("%s: log %s", name, log)
		}
	}
}

// TestMSCHAPKeysUnseen: what a trace shows has no key of the session.
func TestMSCHAPKeysUnseen(t *testing.T) {
	g := load(t, chapUsers, nil)
	out := ask(t, offline(), g, Question{Attributes: msAttrs(t, g, 2, "User", "clientPass")})
	send, ok := out.Reply.First(g.prepare().microsoft.send)
	if text := out.String(); !ok || strings.Contains(strings.ToLower(text), hex.EncodeToString(send)) || !strings.Contains(text, "MS-MPPE-Send-Key") {
		t.Errorf("key %x in\n%s", send, text)
	}
}

// TestCredentialsOfHooks: every method works for a user whose password a handler has set, also one that the users file
// does not know.
func TestCredentialsOfHooks(t *testing.T) {
	for _, c := range []struct{ attribute, value, methods string }{
		{"Cleartext-Password", "clientPass", "pap chap mschap mschapv2"},
		{"NT-Password", "0x44ebba8d5312b8d611474411f56989ae", "pap mschap mschapv2"},
		{"Password-With-Header", "{nt}44ebba8d5312b8d611474411f56989ae", "pap mschap mschapv2"},
		{"Password-With-Header", "{clear}clientPass", "pap chap mschap mschapv2"},
		{"Crypt-Password", "vd2cFFvJyPlT2", "pap"},
		{"PBKDF2-Password", "HMACSHA1:AAAAZA==:c2FsdHNhbHQ=:qHPgH7GMGnxrO0Qn5+utxdHx+Iw=", "pap"},
	} {
		p := &scripted{}
		g := load(t, "", p)
		p.on = map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
			r.Control.AddShared(attrs(t, g, c.attribute+" = "+c.value).Pairs[0])
			return nil
		}}
		for _, method := range []string{"pap", "chap", "mschap", "mschapv2"} {
			q := Question{Attributes: attrs(t, g, "User-Name = ann")}
			switch method {
			case "pap":
				q.Attributes = attrs(t, g, "User-Name = ann", "User-Password = clientPass")
			case "chap":
				q.CHAP = "clientPass"
			case "mschap":
				q.Attributes = msAttrs(t, g, 1, "ann", "clientPass")
			case "mschapv2":
				q.Attributes = msAttrs(t, g, 2, "ann", "clientPass")
			}
			out := ask(t, offline(), g, q)
			if want := strings.Contains(" "+c.methods+" ", " "+method+" "); (out.Kind == Accept) != want {
				t.Errorf("%s by %s: %s", c.attribute, method, out)
			}
		}
	}
}

// TestHashedForCHAP: the log names the rule whose password no such method can use.
func TestHashedForCHAP(t *testing.T) {
	g := load(t, chapUsers, nil)
	for _, c := range []struct {
		q    Question
		want string
	}{
		{Question{Attributes: msAttrs(t, g, 2, "hashed", "hello")}, "MS-CHAP needs the clear password in UTF-8 or its NT hash, and users:7 has neither"},
		{Question{Attributes: msAttrs(t, g, 1, "latin", "x")}, "users:9 has neither"},
		{Question{CHAP: "hello", Attributes: attrs(t, g, "User-Name = hashed")}, "CHAP needs the clear password, and users:7 has a hash"},
		{Question{CHAP: "clientPass", Attributes: attrs(t, g, "User-Name = nt")}, "CHAP needs the clear password, and users:4 has a hash"},
	} {
		o, log := offline(), &logged{}
		o.core.log = newLog(log)
		if out := ask(t, o, g, c.q); out.Kind != Reject || !strings.Contains(log.String(), c.want) {
			t.Errorf("%s; log %s; want %q", out.Kind, log, c.want)
		}
	}
}

// TestBrokenPassword reads long passwords of a client with broken-pass as it hides them.
func TestBrokenPassword(t *testing.T) {
	long := strings.Repeat("a long password ", 4)
	g := load(t, "bob Cleartext-Password := \""+long+"\"\nann Cleartext-Password := \"short\"\n", nil)
	for user, password := range map[string]string{"bob": long, "ann": "short"} {
		for _, broken := range []bool{true, false} {
			home(g).BrokenPassword = broken
			var s radius.Session
			s.OneDigest = true
			s.Use(radius.NewSecret(homeSecret))
			hidden := radius.AppendAttribute(nil, radius.TypeUserPassword, s.HidePassword(nil, []byte(password), &radius.Authenticator{1, 2, 3}))
			r := incoming(g, "auth")
			c := core(t, CoreOptions{})
			if why := c.receive(r, onWire(1, homeSecret, "first", attribute(1, user), hidden)); why != 0 {
				t.Fatal(why)
			}
			c.process(r)
			if want := broken || user == "ann"; (r.Verdict == Accept) != want {
				t.Errorf("%s with broken-pass %v: %v", user, broken, r.Verdict)
			}
		}
	}
}

// FuzzMSCHAPRequest: whatever a NAS sends as Microsoft's attributes, the request is answered, and nobody gets in
// by what is not the example of RFC 2759.
func FuzzMSCHAPRequest(f *testing.F) {
	v2, _ := hex.DecodeString(exampleV2)
	v1, _ := hex.DecodeString(exampleV1)
	challenge, _ := hex.DecodeString(exampleChallenge)
	f.Add([]byte("User"), byte(25), v2, challenge)
	f.Add([]byte("User"), byte(1), v1, []byte("\xd0\x2e\x43\x86\xbc\xe9\x12\x26"))
	f.Add([]byte(`D\User`), byte(25), v2[:49], challenge[:15])
	f.Add([]byte("out"), byte(1), []byte{}, []byte{})
	g := load(f, chapUsers, nil)
	c := core(f, CoreOptions{})
	f.Fuzz(func(t *testing.T, user []byte, number byte, response, challenge []byte) {
		if len(user) > 253 || len(response) > 240 || len(challenge) > 240 {
			return
		}
		vsa := func(number byte, value []byte) []byte {
			return radius.AppendAttribute(nil, radius.TypeVendorSpecific, append([]byte{0, 0, 1, 55, number, byte(2 + len(value))}, value...))
		}
		r := incoming(g, "auth")
		datagram := onWire(1, homeSecret, "first", attribute(1, string(user)), vsa(number, response), vsa(11, challenge))
		if why := c.receive(r, datagram); why != 0 {
			t.Fatal(why)
		}
		c.process(r)
		if r.Verdict == Accept && !bytes.HasSuffix(response, v2[26:]) {
			t.Fatalf("%q got in by %x", user, response)
		}
		if r.Verdict != Discard && len(r.out) == 0 {
			t.Fatalf("no answer: %v %v", r.Verdict, r.Reason)
		}
	})
}
