// Package radius is the wire: packets, attributes, authenticators and hiding, as RFC 2865, 2866, 2868,
// 2869, 3579, 5080, 5176, 5997, 6929 and 8044 define them. It knows octets and numbers; names and types of
// attributes belong to package dictionary. It depends on the standard library alone.
package radius
