package dictionary_test

import (
	"fmt"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

func load() *dictionary.Dictionary {
	var errs raddb.List
	d := dictionary.Load(raddb.Open("../../raddb"), "dictionary", &errs)
	d.Freeze()
	return d
}

func ExampleDictionary_Decode() {
	d := load()
	attributes := radius.Attributes{
		1, 5, 'b', 'o', 'b',
		6, 6, 0, 0, 0, 2,
		26, 11, 0, 0, 0, 9, 1, 5, 'a', '=', 'b',
		200, 4, 0xbe, 0xef,
	}
	var l dictionary.List
	if err := d.Decode(&l, attributes, nil, nil); err != nil {
		fmt.Println(err)
	}
	for i := range l.Pairs {
		fmt.Printf("%s\n", l.Pairs[i].AppendText(nil, true))
	}
	// Output:
	// User-Name = "bob"
	// Service-Type = Framed-User
	// Cisco-AVPair = "a=b"
	// Attr-200 = 0xbeef
}

func ExampleDictionary_ParsePair() {
	d := load()
	for _, text := range []string{"Tunnel-Type:1 = VLAN", "NAS-IP-Address=192.0.2.300", "Usr-Name=bob"} {
		p, err := d.ParsePair(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		wire, _ := dictionary.Encode(nil, &p, nil, nil, nil)
		fmt.Printf("%s is % x\n", p.AppendText(nil, true), wire)
	}
	// Output:
	// Tunnel-Type:1 = VLAN is 40 06 01 00 00 0d
	// NAS-IP-Address is "192.0.2.300"; expected an IPv4 address
	// unknown attribute "Usr-Name"; did you mean "User-Name"?
}

func ExampleList_Set() {
	d := load()
	name, _ := d.Resolve("Reply-Message")
	var l dictionary.List
	l.Add(name, []byte("one"))
	l.Add(name, []byte("two"))
	l.Set(name, []byte("only"))
	fmt.Println(l.Count(name), string(l.Pairs[0].AppendText(nil, true)))
	// Output: 1 Reply-Message = "only"
}
