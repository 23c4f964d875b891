package replay

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/server"
)

// A value that was not written down leaves its attribute, its length and, of EAP, the header, which holds no secret:
//
//	User-Password ?
//	CHAP-Password ? 17
//	EAP-Message ? 25 0x0201001901
//
// The length of a password is a secret, too.

// eapHead is what a record keeps of EAP: code, identifier, length, type (RFC 3748 s4).
const eapHead = 5

// pairTexts gives the pairs of a list as a record has them.
func pairTexts(d *dictionary.Dictionary, l *dictionary.List, secrets []string) []string {
	texts := make([]string, 0, len(l.Pairs))
	for i := range l.Pairs {
		p := &l.Pairs[i]
		k := &d.Known
		switch {
		case p.Attr == k.MessageAuthenticator || p.Attr == k.State:
		case p.Attr == k.UserPassword:
			texts = append(texts, p.Attr.Name+" ?")
		case server.Hidden(d, p.Attr) || !identifies(k, p.Attr) && holds(p.Value, secrets):
			texts = append(texts, concealed(k, p))
		case len(p.Attr.Children()) > 0:
			texts = append(texts, p.Attr.NumberName()+" = 0x"+hex.EncodeToString(p.Value))
		default:
			texts = append(texts, string(p.AppendText(nil, false)))
		}
	}
	return texts
}

// identifies says which attributes say who somebody is: they stay, also if the password is the same.
func identifies(k *dictionary.Known, a *dictionary.Attribute) bool {
	switch a {
	case k.UserName, k.CallingStationID, k.CalledStationID, k.NASIdentifier, k.NASIPAddress, k.NASPort:
		return true
	}
	return false
}

func nameOf(p *dictionary.Pair) string {
	if p.Tag != 0 {
		return p.Attr.FullName() + ":" + strconv.Itoa(int(p.Tag))
	}
	return p.Attr.FullName()
}

// concealed gives what is left of a value that is not written down.
func concealed(k *dictionary.Known, p *dictionary.Pair) string {
	name := nameOf(p)
	if p.Attr.Type == dictionary.TypeTLV || p.Attr.Type == dictionary.TypeStruct {
		name = p.Attr.NumberName()
	}
	text := name + " ? " + strconv.Itoa(len(p.Value))
	if p.Attr == k.EAPMessage && len(p.Value) >= eapHead {
		text += " 0x" + hex.EncodeToString(p.Value[:eapHead])
	}
	return text
}

// maxHidden bounds the length that a record may claim of a value.
const maxHidden = 4096

// passwordOctets is the length of a password that stands for one that was not written down.
const passwordOctets = 16

// readPair reads one text of pairTexts.
func readPair(d *dictionary.Dictionary, text string) (dictionary.Pair, error) {
	name, rest, isHidden := strings.Cut(text, " ?")
	if !isHidden || strings.ContainsAny(name, "= \"") {
		return d.ParsePair(text)
	}
	ref, err := d.Resolve(name)
	if err != nil {
		return dictionary.Pair{}, err
	}
	p := dictionary.Pair{Attr: ref.Attr}
	if ref.Tag > 0 {
		p.Tag = uint8(ref.Tag)
	}
	size, head := passwordOctets, ""
	if fields := strings.Fields(rest); len(fields) > 0 {
		if size, err = strconv.Atoi(fields[0]); err != nil || size < 0 || size > maxHidden || len(fields) > 2 {
			return p, fmt.Errorf("%s: got %q, expected the number of octets of what is hidden", name, rest)
		}
		if len(fields) == 2 {
			head = strings.TrimPrefix(fields[1], "0x")
		}
	}
	p.Value = server.Filler(size)
	octets, err := hex.DecodeString(head)
	if err != nil || len(octets) > size {
		return p, fmt.Errorf("%s: got %q, expected 0x and the first octets", name, head)
	}
	copy(p.Value, octets)
	return p, nil
}

// readPairs reads the texts of a list.
func readPairs(d *dictionary.Dictionary, l *dictionary.List, texts []string) error {
	for _, text := range texts {
		p, err := readPair(d, text)
		if err != nil {
			return err
		}
		l.AddShared(p)
	}
	return nil
}
