// Package dictionary gives attributes their names, numbers, types and values, reads the dictionary files of
// GNU Radius and FreeRADIUS, and turns the wire's octets into lists of typed pairs and back.
//
// A Dictionary is built once (Load, then additions by scripts, then Freeze) and read by everybody. A List
// holds the pairs of one request, control list or reply; values in it are in wire form and in clear text:
// decoding a packet reveals encrypted attributes, encoding hides them again.
package dictionary
