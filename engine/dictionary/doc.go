// Package dictionary gives attributes their names, numbers, types and values, reads the dictionary files of
// GNU Radius and FreeRADIUS, and turns the wire's octets into lists of typed pairs and back.
//
// A Dictionary is built once (Load, then additions by scripts, then Freeze) and read by everybody. A List
// holds the pairs of one request, control list or reply; values in it are in wire form and in clear text:
// decoding a packet reveals encrypted attributes, encoding hides them again.
//
// # Attributes
//
// An Attribute is known by its pointer. Where it stands is one of four:
//
//	Attr-6                 on the wire, RFC 2865 s5
//	Attr-26.9.1            of a vendor, RFC 2865 s5.26
//	Attr-241.7, -245.26.9.1  extended, RFC 6929
//	(no number)            internal: an order to the server, never on the wire
//
// A field of a TLV or struct is an Attribute too, but never that of a Pair: the Pair carries the outermost
// TLV or struct, the field's Root, and the methods of List find fields inside its Value.
//
// # What nobody declares
//
// Nothing in a packet is lost. A number without declaration, a value that does not fit its type, a VSA in a
// form of its own: each becomes octets under a name by number (Index is -1), and is encoded as it came.
//
// # Declared twice
//
// The program carries the attributes that native code asks for (Known) and the internal ones. Files may
// declare them again: the attribute stays the same one, under the name, type and values that the file gives it.
// Internal ones stay internal whatever number a file gives them. Among files the last declaration counts;
// another name for the same number and type is an alias, and the last one is shown.
//
// NAS-Port-Id is number 5 in users files of GNU Radius and 87 everywhere else: GNUAttribute and ResolveGNU
// look names up as the former mean them.
package dictionary
