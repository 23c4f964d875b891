package radius

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAttributes(t *testing.T) {
	attrs := Attributes(octets("01 05 62 6f 62 21 03 01 50 02 21 03 02"))
	type one struct {
		Type  Type
		Value string
	}
	var got []one
	for typ, value := range attrs.All() {
		got = append(got, one{typ, string(value)})
	}
	want := []one{{1, "bob"}, {33, "\x01"}, {80, ""}, {33, "\x02"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("All (-want +got)\n%s", diff)
	}
	for typ := range attrs.All() {
		if typ == TypeProxyState {
			break // a loop may be left
		}
	}
	for _, tc := range []struct {
		typ           Type
		offset, count int
		value         string
		ok            bool
	}{
		{TypeUserName, 0, 1, "bob", true},
		{TypeProxyState, 5, 2, "\x01", true},
		{TypeMessageAuthenticator, 8, 1, "", true},
		{TypeState, -1, 0, "", false},
	} {
		value, ok := attrs.Find(tc.typ)
		if string(value) != tc.value || ok != tc.ok {
			t.Errorf("Find(%d) = %q, %v", tc.typ, value, ok)
		}
		if at := attrs.Offset(tc.typ); at != tc.offset {
			t.Errorf("Offset(%d) = %d, want %d", tc.typ, at, tc.offset)
		}
		if n := attrs.Count(tc.typ); n != tc.count {
			t.Errorf("Count(%d) = %d, want %d", tc.typ, n, tc.count)
		}
	}
}

// A value that is appended to must not run into its neighbour.
func TestValuesAreClipped(t *testing.T) {
	attrs := Attributes(octets("01 05 62 6f 62 02 03 7a"))
	value, _ := attrs.Find(1)
	_ = append(value, "!!!"...)
	for _, value := range attrs.All() {
		_ = append(value, '!')
		break
	}
	if diff := cmp.Diff(octets("01 05 62 6f 62 02 03 7a"), []byte(attrs)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFlawEndsWalk(t *testing.T) {
	for _, text := range []string{"01", "01 00", "01 01", "01 03", "02 03 61 01 01 00"} {
		attrs := Attributes(octets(text))
		if attrs.Valid() {
			t.Errorf("%s is valid", text)
		}
		if _, ok := attrs.Find(1); ok {
			t.Errorf("%s: Find found a flawed attribute", text)
		}
	}
	if !Attributes(nil).Valid() {
		t.Error("no attributes are not valid")
	}
}

func TestCodes(t *testing.T) {
	type row struct {
		Name                  string
		Known, Request, Reply bool
	}
	got := map[Code]row{}
	for c := range Code(255) {
		if c.Known() || c.String()[:5] != "Code-" {
			got[c] = row{c.String(), c.Known(), c.IsRequest(), c.IsReply()}
		}
	}
	want := map[Code]row{
		1:  {"Access-Request", true, true, false},
		2:  {"Access-Accept", true, false, true},
		3:  {"Access-Reject", true, false, true},
		4:  {"Accounting-Request", true, true, false},
		5:  {"Accounting-Response", true, false, true},
		11: {"Access-Challenge", true, false, true},
		12: {"Status-Server", true, true, false},
		13: {"Status-Client", true, false, false},
		40: {"Disconnect-Request", true, true, false},
		41: {"Disconnect-ACK", true, false, true},
		42: {"Disconnect-NAK", true, false, true},
		43: {"CoA-Request", true, true, false},
		44: {"CoA-ACK", true, false, true},
		45: {"CoA-NAK", true, false, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := Code(200).String(); got != "Code-200" {
		t.Errorf("name of an unknown code is %s", got)
	}
}

func TestAnswers(t *testing.T) {
	got := map[string][]string{}
	for request := range Code(60) {
		for reply := range Code(60) {
			if reply.Answers(request) {
				got[request.String()] = append(got[request.String()], reply.String())
			}
		}
	}
	want := map[string][]string{
		"Access-Request":     {"Access-Accept", "Access-Reject", "Access-Challenge"},
		"Accounting-Request": {"Accounting-Response"},
		"Status-Server":      {"Access-Accept", "Accounting-Response"},
		"Disconnect-Request": {"Disconnect-ACK", "Disconnect-NAK"},
		"CoA-Request":        {"CoA-ACK", "CoA-NAK"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
