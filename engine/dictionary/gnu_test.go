package dictionary

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gnuText is a dictionary as GNU Radius has it, with its names, types and flags.
const gnuText = `
ATTRIBUTE	User-Name	1	string	[LR-RLR]
ATTRIBUTE	User-Password	2	string	[L-----]E
ATTRIBUTE	NAS-Port-Id	5	integer	[LR-RLR]
ATTRIBUTE	Framed-IP-Address	8	ipaddr	[LR-RLR]=
ATTRIBUTE	Reply-Message	18	string	[-R----]+P
ATTRIBUTE	Expiration	21	date	[L-----]
ATTRIBUTE	Class	25	string	[LRLRLR]
ATTRIBUTE	Vendor-Specific	26	string	[LRLR-R]
ATTRIBUTE	Acct-Status-Type	40	integer	[]
ATTRIBUTE	Event-Timestamp	55	integer	[]
ATTRIBUTE	NAS-Port-Id-String	87	string	[]
ATTRIBUTE	User-UID	99	integer	[LRLRLR]
ATTRIBUTE	Huntgroup-Name	221	string	[L--RLR]
ATTRIBUTE	Auth-Type	1000	integer	[L--R-R]
ATTRIBUTE	My-Own	5000	string	[LR]l1
VALUE	Acct-Status-Type	Alive	3
VALUE	Auth-Type	Local	0
VALUE	Auth-Type	Custom	77

VENDOR Example 32473
ATTRIBUTE Example-Profile 1 string Example [LRLRLR]+P
ATTRIBUTE Example-Quota 2 integer Example [LRLRLR]=
ATTRIBUTE Example-Gateway 3 ipaddr Example [LRLRLR]N
ATTRIBUTE Example-Plain 4 string Example
ATTRIBUTE Example-Bare - string
BEGIN VENDOR Other 32474
ATTRIBUTE Other-Salted 010 string - T
END
ALIAS Example-Plain Simple
PROPERTY Example-Plain [LR--]=
PROPERTY Example-Quota +P12 -R
PROPERTY Example-Gateway -N
`

func TestGNUDictionary(t *testing.T) {
	text := gnuText
	d, errs := loadText(t, text)
	if diff := cmp.Diff(`dictionary:26:24: number "-"; expected digits, 0x and hexadecimal ones, or several numbers joined by dots`, errs.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	k := &d.Known
	names := []struct {
		got  *Attribute
		want *Attribute
	}{
		{d.Attribute("NAS-Port-Id"), k.NASPort},
		{d.Attribute("NAS-Port"), k.NASPort},
		{d.ByNumber(5), k.NASPort},
		{d.Attribute("NAS-Port-Id-String"), d.ByNumber(87)},
		{d.Attribute("simple"), d.Attribute("Example-Plain")},
		{d.Attribute("Attr-26.32474.8"), d.Attribute("Other-Salted")},
	}
	for i, n := range names {
		if n.got == nil || n.got != n.want {
			t.Errorf("%d: %s, want %s", i, describe(n.got), describe(n.want))
		}
	}
	if k.NASPort.Name != "NAS-Port-Id" || d.ByNumber(87).Name != "NAS-Port-Id-String" {
		t.Errorf("output has %s and %s, want the names of the file", k.NASPort.Name, d.ByNumber(87).Name)
	}
	if name, _ := k.AcctStatusType.ValueName(3); name != "Alive" {
		t.Errorf("Acct-Status-Type 3 is %s, want the name of the file", name)
	}
	if k.VendorSpecific.Type != TypeVSA || !k.Expiration.Internal || !k.HuntgroupName.Internal || d.ByNumber(21).Index >= 0 || d.ByNumber(99).Index >= 0 {
		t.Error("the program's own attributes have changed their nature")
	}
	if n, ok := k.AuthType.ValueNumber("custom"); !ok || n != 77 {
		t.Error("a new value of Auth-Type is lost")
	}
}

func TestGNUFlags(t *testing.T) {
	d, _ := loadText(t, gnuText)
	type flags struct {
		Usage      Usage
		Additivity Additivity
		Propagate  bool
		Detail     bool
		Encrypt    Encrypt
		User       uint16
	}
	tests := map[string]flags{
		"User-Name":         {Usage: UsersLHS | UsersRHS | HintsRHS | HuntgroupsLHS | HuntgroupsRHS},
		"User-Password":     {Usage: UsersLHS, Encrypt: EncryptUserPassword},
		"Framed-IP-Address": {Usage: AllUsage &^ HintsLHS, Additivity: Replace},
		"Reply-Message":     {Usage: UsersRHS, Propagate: true},
		"Acct-Status-Type":  {Usage: AllUsage},
		"My-Own":            {Usage: AllUsage, Detail: true, User: 2},
		"Example-Profile":   {Usage: AllUsage, Propagate: true},
		"Example-Quota":     {Usage: UsersLHS | HintsLHS | HuntgroupsLHS, Additivity: Replace, Propagate: true, User: 6},
		"Example-Gateway":   {Usage: AllUsage},
		"Example-Plain":     {Usage: UsersLHS | UsersRHS | HuntgroupsLHS | HuntgroupsRHS, Additivity: Replace},
		"Other-Salted":      {Usage: AllUsage, Encrypt: EncryptSalted},
		"Connect-Rate":      {},
		"Auth-Type":         {Usage: UsersLHS | HintsRHS | HuntgroupsRHS},
	}
	for name, want := range tests {
		a := d.Attribute(name)
		got := flags{a.Usage, a.Additivity, a.Propagate, a.Detail, a.Encrypt, a.UserFlags}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// Of two attributes with one number and different types the one read last names it on input.
func TestOneNumberTwoTypes(t *testing.T) {
	d := sample(t, "ATTRIBUTE Old 230 string\nATTRIBUTE New 230 integer\nATTRIBUTE Newer 230 integer\nVALUE New One 1\nVALUE Newer Uno 1\n")
	if d.ByNumber(230) != d.Attribute("Newer") || d.Attribute("New") != d.Attribute("Newer") || d.Attribute("Old") == d.Attribute("New") {
		t.Error("230 is not the last one read")
	}
	var l List
	if err := d.Decode(&l, []byte{230, 6, 0, 0, 0, 1}, nil, nil); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"Newer = One"}, listText(&l)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// FreeRADIUS's blocks, and a struct in the form of its later versions.
func TestFreeRADIUSStatements(t *testing.T) {
	d := sample(t, `
PROTOCOL RADIUS 1
BEGIN-PROTOCOL RADIUS
VENDOR Acme 64999 format=2,1
BEGIN-VENDOR Acme
VALUE Acme-Level High 2 # its ATTRIBUTE follows
ATTRIBUTE Acme-Level 0x101 uint32
ATTRIBUTE Acme-Box 2 tlv
BEGIN-TLV Acme-Box
ATTRIBUTE Acme-Side 1 ipv4prefix
ATTRIBUTE Acme-Lid 2 tlv
BEGIN-TLV Acme-Lid
ATTRIBUTE Acme-Colour 1 string
END-TLV Acme-Lid
END-TLV Acme-Box
ATTRIBUTE Acme-Row 3 struct
MEMBER Acme-Left byte
MEMBER Acme-Right uint16
END-VENDOR Acme
END-PROTOCOL RADIUS
ATTRIBUTE Extended-Attribute-1 241 extended
ATTRIBUTE Extended-Vendor-Specific-1 241.26 evs
ATTRIBUTE Acme-Beyond 241.26.64999.5 string
FLAGS internal
ATTRIBUTE My-Note 200 string
`)
	tests := map[string]string{
		"Acme-Level": "Attr-26.64999.257", "Acme-Side": "Attr-26.64999.2.1", "Acme-Colour": "Attr-26.64999.2.2.1",
		"Acme-Right": "Attr-26.64999.3.2", "Acme-Beyond": "Attr-241.26.64999.5", "My-Note": "My-Note",
	}
	for name, want := range tests {
		if got := d.Attribute(name).NumberName(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if name, _ := d.Attribute("Acme-Level").ValueName(2); name != "High" {
		t.Error("a VALUE before its ATTRIBUTE is lost")
	}
	if !d.Attribute("Acme-Colour").IsField() || d.Attribute("Acme-Colour").Root.Name != "Acme-Box" || d.Attribute("Acme-Beyond").IsField() {
		t.Error("roots are wrong")
	}
}

// GNU Radius has no words for the format of vendor 429: it knows it.
func TestVendorUSR(t *testing.T) {
	wire := []byte{26, 14, 0, 0, 1, 0xad, 0, 0, 0x90, 1, 0, 0, 0, 7}
	for text, want := range map[string]string{
		"VENDOR USR 429\nATTRIBUTE USR-Speed 0x9001 integer USR\n": "USR-Speed = 7",
		"":                            "Attr-26.429.36865 = 0x00000007",
		"VENDOR USR 429 format=4,0\n": "Attr-26.429.36865 = 0x00000007",
	} {
		d := sample(t, text)
		var l List
		if err := d.Decode(&l, wire, nil, nil); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{want}, listText(&l)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
		back, err := Encode(nil, &l.Pairs[0], nil, nil, nil)
		if err != nil || string(back) != string(wire) {
			t.Errorf("%q: %x, %v", text, back, err)
		}
	}
}
