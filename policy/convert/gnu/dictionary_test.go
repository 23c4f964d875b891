package gnu

import (
	"strings"
	"testing"
)

// siteLines gives the lines of a dictionary of the site's own, blanks squeezed.
func siteLines(text string) string { return clientsOf(text) }

func TestDictionary(t *testing.T) {
	tests := []struct{ name, text, want, notes string }{
		{name: "as shipped", text: "ATTRIBUTE User-Name 1 string [LR-RLR]\nATTRIBUTE NAS-Port-Id 5 integer [LR-RLR]\nATTRIBUTE NAS-Port-Id-String 87 string\nALIAS User-Password Password\nVALUE Acct-Status-Type Alive 3\n",
			notes: "dictionary: says nothing beyond the shipped dictionary\n"},
		{name: "own attributes", text: "VENDOR Own 64999\nATTRIBUTE Own-Role 1 string Own [LRLRLR]=P\nBEGIN VENDOR Own\nATTRIBUTE Own-Level 0x2 integer\nEND\nVALUE Own-Level High 9\nVALUE Own-Level Low 1\nALIAS Own-Role Own-Group\nPROPERTY Own-Level +12\nATTRIBUTE Mark 3001 string - [L-LR--]l\n",
			want:  "VENDOR Own 64999\nATTRIBUTE Own-Role 1 string Own [LRLRLR]=P\nALIAS Own-Role Own-Group\nATTRIBUTE Own-Level 2 integer Own [LRLRLR]12\nVALUE Own-Level Low 1\nVALUE Own-Level High 9\nATTRIBUTE Mark 3001 string - [L-LR--]l\n",
			notes: "dictionary: its own lines are in raddb/dictionary.d/site\n"},
		{name: "other flags, names and values", text: "ATTRIBUTE Framed-MTU 12 integer [LRLRLR]N\nATTRIBUTE Their-Name 30 string [L-LRLR]\nATTRIBUTE Service-Type 6 integer [LR-RLR]=P\nVALUE Service-Type Robot 99\nPROPERTY Simultaneous-Use [L-----]\n",
			want:  "PROPERTY Framed-MTU [LRLRLR]N\nALIAS Called-Station-Id Their-Name\nVALUE Service-Type Robot 99\nPROPERTY Simultaneous-Use [L-----]\n",
			notes: "dictionary: its own lines are in raddb/dictionary.d/site\n"},
		{name: "types", text: "ATTRIBUTE Acct-Multi-Session-Id 50 integer\nATTRIBUTE Class 25 string [LRLRLR]\nVENDOR Cisco 9\nATTRIBUTE Cisco-AVPair 1 integer Cisco\n",
			want: "ATTRIBUTE Cisco-AVPair 1 integer Cisco\n",
			notes: `dictionary:1:11: Acct-Multi-Session-Id has type string, not integer: so the standards and all other dictionaries have it
dictionary:4:11: Cisco-AVPair has type integer here and string in the shipped dictionary; the old type holds
`},
		{name: "mistakes", text: "ATTRIBUTE Half 201\nVALUE Nothing One 1\n$INCLUDE none\nATTRIBUTE Whole 202 string\n",
			want:  "ATTRIBUTE Whole 202 string - [LRLRLR]\n",
			notes: ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, report := convert(t, map[string]string{"dictionary": test.text, "clients": "192.0.2.1 s"}, Options{})
			same(t, "lines", test.want, siteLines(out.File("raddb/dictionary.d/site").String()))
			if test.notes != "" {
				for line := range strings.Lines(test.notes) {
					if !strings.Contains(about(report, "dictionary"), line) {
						t.Errorf("the report lacks %s\n%s", line, report)
					}
				}
			}
		})
	}
}

// Lines of included files go to files of their own.
func TestDictionaryFiles(t *testing.T) {
	out, report := convert(t, map[string]string{
		"dictionary":            "$INCLUDE dict/own\n$INCLUDE dict/dictionary.other\nATTRIBUTE Here 203 string\n",
		"dict/own":              "ATTRIBUTE There 204 string\n",
		"dict/dictionary.other": "ATTRIBUTE Elsewhere 205 string\n$INCLUDE dictionary\n",
	}, Options{})
	for file, want := range map[string]string{"site": "Here 203", "site-own": "There 204", "site-other": "Elsewhere 205"} {
		if text := siteLines(out.File("raddb/dictionary.d/" + file).String()); text != "ATTRIBUTE "+want+" string - [LRLRLR]\n" {
			t.Errorf("%s: %s", file, text)
		}
		if !strings.Contains(out.File("raddb/dictionary").String(), "$INCLUDE dictionary.d/"+file+"\n") {
			t.Errorf("%s is not included", file)
		}
	}
	if !strings.Contains(about(report, "dict/dictionary.other"), "dictionary includes itself") {
		t.Errorf("no word of the loop:\n%s", report)
	}
}
