package dictionary

import (
	"strings"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// declareVendor reads VENDOR name number [format=T,L[,c]].
func (f *file) declareVendor(line []raddb.Field) {
	id, ok := f.number(line[2], 1<<32-1)
	if !ok {
		return
	}
	v := Vendor{Name: line[1].Text, ID: uint32(id), Format: usualFormat(uint32(id)), at: f.lines.Pos(line[1])}
	for _, word := range line[3:] {
		format, isFormat := strings.CutPrefix(fold(word.Text), "format=")
		if !isFormat || !parseFormat(format, &v.Format) {
			f.errorf(word, "%q; expected format=T,L with T 1, 2 or 4 and L 0, 1 or 2, or format=1,1,c", word.Text)
			return
		}
	}
	if old := f.d.VendorNamed(v.Name); old != nil && old.ID != v.ID {
		f.errs.Warnf(f.lines.Pos(line[1]), "vendor %s has had the number %d%s; this one counts", v.Name, old.ID, declaredAt(old.at))
	}
	f.d.defineVendor(v)
}

// vendorUSR has had a format of its own before there were words for it: GNU Radius knows it by the number.
const vendorUSR = 429

// usualFormat is how a vendor lays out its attributes if nobody says it.
func usualFormat(id uint32) radius.VSAFormat {
	if id == vendorUSR {
		return radius.VSAFormat{TypeLen: 4}
	}
	return radius.DefaultVSAFormat
}

// parseFormat reads "1,1", "2,2", "4,0" and "1,1,c".
func parseFormat(text string, into *radius.VSAFormat) bool {
	rest, continued := strings.CutSuffix(text, ",c")
	if len(rest) != 3 || rest[1] != ',' || !strings.Contains("124", rest[:1]) || !strings.Contains("012", rest[2:]) {
		return false
	}
	*into = radius.VSAFormat{TypeLen: rest[0] - '0', LenLen: rest[2] - '0', Continuation: continued}
	return !continued || rest == "1,1"
}

// begin reads GNU Radius's BEGIN VENDOR name [number].
func (f *file) begin(line []raddb.Field) {
	if fold(line[1].Text) != "vendor" {
		f.errorf(line[1], "BEGIN %s; expected BEGIN VENDOR", line[1].Text)
		return
	}
	if f.d.VendorNamed(line[2].Text) == nil && len(line) > 3 {
		f.declareVendor([]raddb.Field{line[1], line[2], line[3]})
	}
	f.openVendor(line[0], line[2])
}

// beginVendor reads BEGIN-VENDOR name [format=Extended-Vendor-Specific-N | parent=...].
func (f *file) beginVendor(line []raddb.Field) {
	f.openVendor(line[0], line[1])
	for _, word := range line[2:] {
		key, name, _ := strings.Cut(word.Text, "=")
		evs := f.d.Attribute(name)
		if k := fold(key); k != "format" && k != "parent" || evs == nil || evs.Type != TypeEVS {
			f.errorf(word, "%q; expected format= and the name of an attribute of type evs", word.Text)
			continue
		}
		f.evs = evs
	}
}

func (f *file) openVendor(block, name raddb.Field) {
	if f.vendor != nil {
		f.errorf(block, "%s inside the block of vendor %s; expected END-VENDOR first", block.Text, f.vendor.Name)
		return
	}
	v := f.vendorNamed(name)
	if v == nil {
		v = &Vendor{Name: name.Text, Format: radius.DefaultVSAFormat} // so that the block's end is known
		f.lost = true
	}
	f.vendor = v
	f.opened = append(f.opened, block)
}

// vendorNamed looks a vendor up; what is missing is reported.
func (f *file) vendorNamed(name raddb.Field) *Vendor {
	v := f.d.VendorNamed(name.Text)
	if v == nil {
		f.errorf(name, "unknown vendor %q; expected a VENDOR line for it above%s", name.Text,
			raddb.DidYouMean(name.Text, f.d.VendorNames()))
	}
	return v
}

// endVendor reads END [anything] and END-VENDOR [name].
func (f *file) endVendor(line []raddb.Field) {
	if f.vendor == nil {
		f.errorf(line[0], "%s without a block; expected BEGIN-VENDOR above", line[0].Text)
		return
	}
	if len(f.tlvs) > 0 {
		f.errorf(line[0], "%s inside a TLV; expected END-TLV %s first", line[0].Text, f.tlvs[len(f.tlvs)-1].Name)
	}
	if fold(line[0].Text) == "end-vendor" && len(line) > 1 && !f.lost {
		if v := f.d.VendorNamed(line[1].Text); v != f.vendor {
			f.errorf(line[1], "END-VENDOR %s closes the block of %s", line[1].Text, f.vendor.Name)
		}
	}
	f.vendor, f.evs, f.tlvs, f.opened, f.lost = nil, nil, nil, nil, false
}

// beginTLV reads BEGIN-TLV attribute: the numbers that follow are of its fields.
func (f *file) beginTLV(line []raddb.Field) {
	a := f.known(line[1])
	if a == nil {
		return
	}
	if a.Type != TypeTLV {
		f.errorf(line[1], "%s has type %s; expected tlv", a.FullName(), a.Type)
		return
	}
	f.tlvs = append(f.tlvs, a)
	f.opened = append(f.opened, line[0])
}

func (f *file) endTLV(line []raddb.Field) {
	n := len(f.tlvs)
	if n == 0 {
		f.errorf(line[0], "END-TLV without a block; expected BEGIN-TLV above")
		return
	}
	if len(line) > 1 && f.d.Attribute(line[1].Text) != f.tlvs[n-1] {
		f.errorf(line[1], "END-TLV %s closes %s", line[1].Text, f.tlvs[n-1].Name)
	}
	f.tlvs, f.opened = f.tlvs[:n-1], f.opened[:len(f.opened)-1]
}

// known looks an attribute up; one that is missing is reported.
func (f *file) known(name raddb.Field) *Attribute {
	a := f.d.Attribute(name.Text)
	if a == nil {
		f.errs.Errorf(f.lines.Pos(name), "%v", f.d.unknown(name.Text))
	}
	return a
}
