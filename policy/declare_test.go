package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/server"
)

// TestDeclareErrors: what vendor{} and attribute{} refuse, whole texts.
func TestDeclareErrors(t *testing.T) {
	for script, want := range map[string]string{
		`vendor("Moon")`:                                             `vendor: expected one table: write vendor{…} with braces`,
		`vendor{name="Moon"}`:                                        `vendor: name and id are needed`,
		`vendor{id=5}`:                                               `vendor: name and id are needed`,
		`vendor{name=5, id=5}`:                                       `vendor: name: got a number, expected text`,
		`vendor{name="Moon", id=-1}`:                                 `vendor: id: -1 is not a whole number from 0 to 4294967295`,
		`vendor{name="Moon", id="5"}`:                                `vendor: id: 5 is not a whole number from 0 to 4294967295`,
		`vendor{name="Moon", id=65001, fromat="1,1"}`:                `vendor: no option "fromat"; did you mean "format"?`,
		`vendor{name="Moon", id=65001, format="2,3"}`:                `vendor: format: got "2,3", expected octets of type and length, such as "1,1"`,
		`vendor{name="Moon", id=65001, format="1"}`:                  `vendor: format: got "1", expected octets of type and length, such as "1,1"`,
		`attribute()`:                                                `attribute: expected one table: write attribute{…} with braces`,
		`attribute{type="string"}`:                                   `attribute: name is missing`,
		`attribute{name="My-Mark"}`:                                  `attribute: no type ""`,
		`attribute{name="My-Mark", type="string", tag=1}`:            `attribute: tag: got a number, expected true or false`,
		`attribute{name="My-Mark", type="string", encrypt=4}`:        `attribute: encrypt: 4 is not a whole number from 0 to 3`,
		`attribute{name="My-Mark", type="string", additivity="add"}`: `attribute: no additivity "add"; expected append, replace or none`,
		`attribute{name="My-Mark", type="integer", values={A="x"}}`:  `attribute: values: A is x, expected a whole number`,
		`attribute{name="My-Mark", type="integer", values={A=-1}}`:   `attribute: values: A is -1, expected a whole number`,
		`attribute{name="My-Mark", type="string", fields={{id=1, name="A", type="string"}}}`:                  `attribute: fields are for type="tlv", nested at most 3 deep`,
		`attribute{vendor="Acme", name="Acme-T", id=90, type="tlv", fields={"x"}}`:                            `attribute: field 1: got a string, expected a table`,
		`attribute{vendor="Acme", name="Acme-T", id=90, type="tlv", fields={{id=1, name="A", type="strng"}}}`: `attribute: field 1: no type "strng"; did you mean "string"?`,
		`attribute{vendor="Acm", name="Acme-T", id=90, type="octets"}`:                                        `attribute: no vendor "Acm" is declared; write vendor{name="Acm", id=…} above; did you mean "Acme"?`,
		`attribute{vendor="Acme", name="Acme-T", type="octets"}`:                                              `attribute: vendor and id go together; without both the attribute is internal`,
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": script}, nil)
		if diff := cmp.Diff("a.lua:1: "+want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", script, diff)
		}
	}
}

// TestDeclaredInOneFileUsedInAnother: names are resolved after all scripts, so the order of files does not matter.
func TestDeclaredInOneFileUsedInAnother(t *testing.T) {
	h, errs := tryLoad(t, map[string]string{
		"a.lua": `local fine = accept{["Moon-Role"]="guest"}
on("authorize", {when={["Moon-Kind"]="Full", huntgroup="air"}}, function(req) return fine end)
on("authorize", function(req) return challenge{next="later"} end)`,
		"b.lua": `vendor{name="Moon", id=65001, format="2,1"}
attribute{vendor="Moon", name="Moon-Role", id=300, type="string", encrypt=2, tag=true}
attribute{vendor="Moon", name="Moon-Kind", id=2, type="integer", values={Full=1}}
huntgroup("air", function(req) return true end)
answer("later", function(req) return drop{} end)`,
	}, nil)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	v := h.run(server.PhaseAuthorize, h.access("Moon-Kind", "Full"))
	if v == nil || assignments(v) != "Moon-Role = guest" {
		t.Errorf("%+v\n%s", v, h.log)
	}
	if v := h.run(server.PhaseAuthorize, h.access("Moon-Kind", "2")); v == nil || v.Next != "later" {
		t.Errorf("%+v\n%s", v, h.log)
	}
}

// TestLiteralsThatNeverHold: comparisons on a handler's first parameter that can never be true are load errors, and
// those that can be are none.
func TestLiteralsThatNeverHold(t *testing.T) {
	for comparison, want := range map[string]string{
		`req["Service-Type"] == "Framed-User"`:     "",
		`req["Service-Type"] == 77`:                "",
		`req["NAS-Port"] == 5`:                     "",
		`req["NAS-Port"] == "5"`:                   `NAS-Port is never "5"`,
		`req["User-Name"] == 5`:                    `User-Name reads as text, so it never equals the number 5`,
		`5 == req["User-Name"]`:                    `User-Name reads as text, so it never equals the number 5`,
		`req["Framed-IP-Address"] == "10.1.2.3"`:   "",
		`req["Framed-IP-Address"] ~= 5`:            `Framed-IP-Address reads as text, so it never equals the number 5`,
		`req["NAS-IPv6-Address"] == "2001:DB8::1"`: `NAS-IPv6-Address reads as "2001:db8::1", so it never equals "2001:DB8::1"`,
		`req.control["Acme-Byte"] == 1`:            `Acme-Byte reads as "Low", so it never equals 1; use req:int or req:is`,
		`req.reply["Acme-Byte"] == "Lo"`:           `Acme-Byte is never "Lo"; did you mean "Low"?`,
		`req["Class"] == "anything"`:               "",
		`req:is("Service-Type", "Framed")`:         "",
		`req:is("NAS-Port", "x")`:                  `NAS-Port: "x" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`,
		`req:huntgroup("air")`:                     `no huntgroup "air" is registered`,
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": "on('authorize', function(req)\n  if " + comparison + " then return drop{} end\nend)"}, nil)
		got := ""
		if len(errs) > 0 {
			got = errs[0].Msg
		}
		if diff := cmp.Diff(want, got); diff != "" || len(errs) > 0 && errs[0].Line != 2 {
			t.Errorf("%s (-want +got):\n%s", comparison, diff)
		}
	}
}
