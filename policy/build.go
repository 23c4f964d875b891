package policy

import (
	"fmt"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
)

// build resolves the draft's names and encodes its values.
func (rn *Runner) build(v *verdict) error {
	pr := rn.pr
	if v.v != nil {
		return nil
	}
	out := v.draft.out
	if out.Next != "" {
		if _, ok := pr.answers[out.Next]; !ok {
			return fmt.Errorf("%s: no answer %q is registered%s", v.kind, out.Next, raddb.DidYouMean(out.Next, pr.All("answer")))
		}
	}
	if err := pr.target(&out); err != nil && !v.foreign {
		return fmt.Errorf("%s: %w", v.kind, err)
	}
	known := &pr.dict.Known
	for i, part := range splitMessage(v.draft.message) {
		out.Attributes = append(out.Attributes, server.Assignment{Ref: known.ReplyMessage.AnyTag(), Value: []byte(part), Append: i > 0})
	}
	if v.draft.vlan != nil {
		set, err := vlanAttributes(known, v.draft.vlan, dictionary.AnyTag)
		if err != nil {
			return fmt.Errorf("%s: %w", v.kind, err)
		}
		out.Attributes = append(out.Attributes, set[:]...)
	}
	for _, item := range v.draft.items {
		if err := rn.buildItem(&out, item, v.foreign); err != nil {
			return fmt.Errorf("%s: %w", v.kind, err)
		}
	}
	v.v, v.draft = &out, nil
	return nil
}

func (rn *Runner) buildItem(out *server.Verdict, item draftItem, foreign bool) error {
	ref, err := rn.pr.names.resolve(item.name)
	if err != nil {
		return err
	}
	if err := serverOnly(&rn.pr.dict.Known, ref.Attr, !foreign); err != nil {
		return err
	}
	for i, v := range item.values {
		value, err := rn.wireAs(nil, ref, v)
		if err != nil {
			return err
		}
		out.Attributes = append(out.Attributes, server.Assignment{Ref: ref, Value: value, Append: item.append || i > 0})
	}
	return nil
}

// serverOnly refuses attributes that the server alone writes into replies.
func serverOnly(known *dictionary.Known, a *dictionary.Attribute, reply bool) error {
	switch {
	case a == known.MessageAuthenticator, a == known.ProxyState, a == known.EAPMessage, reply && a == known.State:
		return fmt.Errorf("%s is written by the server alone", a.Name)
	}
	return nil
}

// splitMessage splits text at 253 octets, between UTF-8 characters.
func splitMessage(text string) (parts []string) {
	for len(text) > radius.MaxValueLen {
		n := radius.MaxValueLen
		for n > radius.MaxValueLen-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
		if !utf8.RuneStart(text[n]) {
			n = radius.MaxValueLen // no UTF-8 at all
		}
		parts, text = append(parts, text[:n]), text[n:]
	}
	if text != "" {
		parts = append(parts, text)
	}
	return parts
}

// Numbers of RFC 2868 s3.1, s3.2 and RFC 3580 s3.31: a VLAN of IEEE 802.
const (
	tunnelTypeVLAN     = 13
	tunnelMedium802    = 6
	largestVLAN        = 4094
	vlanAttributeCount = 3
)

// vlanAttributes gives the three attributes of RFC 3580 s3.31 for a VLAN's number or name.
func vlanAttributes(known *dictionary.Known, id lua.LValue, tag int8) (set [vlanAttributeCount]server.Assignment, err error) {
	switch id := id.(type) {
	case lua.LNumber:
		if id < 1 || id > largestVLAN || id != lua.LNumber(int(id)) {
			return set, fmt.Errorf("vlan: %v is out of range (1 to %d)", id, largestVLAN)
		}
	case lua.LString:
		if id == "" {
			return set, fmt.Errorf("vlan: the name is empty")
		}
	default:
		return set, fmt.Errorf("vlan: %w", found(id, "a number or a name"))
	}
	group, err := (*Runner)(nil).wire(nil, known.TunnelPrivateGroupID, lua.LString(id.String()))
	if err != nil {
		return set, err
	}
	set[0] = server.Assignment{Ref: dictionary.Ref{Attr: known.TunnelType, Tag: tag}, Value: []byte{0, 0, 0, tunnelTypeVLAN}}
	set[1] = server.Assignment{Ref: dictionary.Ref{Attr: known.TunnelMediumType, Tag: tag}, Value: []byte{0, 0, 0, tunnelMedium802}}
	set[2] = server.Assignment{Ref: dictionary.Ref{Attr: known.TunnelPrivateGroupID, Tag: tag}, Value: group}
	return set, nil
}
