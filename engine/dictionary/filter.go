package dictionary

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// Filters of Ascend's (type abinary) are 32 octets on the wire and one line of words as text:
//
//	ip in|out forward|drop [srcip A/N] [dstip A/N] [PROTOCOL] [srcport OP N] [dstport OP N] [est]
//	generic in|out forward|drop OFFSET MASK VALUE [==|!=] [more]
//
// What these words do not say, of IPX or of later devices, stays octets: 0x….
const filterLen = 32

// The octets of a filter. Those after the common head are of IP, then of the generic kind.
const (
	filterKind, filterForward, filterIn = 0, 1, 2

	filterSource, filterDestination         = 4, 8
	filterSourceBits, filterDestinationBits = 12, 13
	filterProtocol, filterEstablished       = 14, 15
	filterSourcePort, filterDestinationPort = 16, 18
	filterSourceOp, filterDestinationOp     = 20, 21

	filterOffset, filterCount, filterMore = 4, 6, 8
	filterMask, filterValue, filterNot    = 10, 16, 22

	filterMaskLen = 6
)

// The kinds of filters that have words.
const (
	filterGeneric = 0
	filterIP      = 1
)

// filterOps are the comparisons of ports, by their number on the wire.
var filterOps = [...]string{1: "<", 2: "=", 3: ">", 4: "!="}

// filterProtocols are the protocols that have names in a filter.
var filterProtocols = map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17, "ospf": 89}

// filterPorts are the ports that have names in a filter; they are shown as numbers.
var filterPorts = map[string]uint16{
	"ftp-data": 20, "ftp": 21, "telnet": 23, "smtp": 25, "nameserver": 42, "domain": 53, "tftp": 69, "gopher": 70,
	"finger": 79, "www": 80, "kerberos": 88, "hostname": 101, "nntp": 119, "ntp": 123, "exec": 512, "login": 513,
	"cmd": 514, "talk": 517,
}

// parseFilter reads a filter from its words.
func parseFilter(dst []byte, text string) ([]byte, bool) {
	words := strings.Fields(fold(text))
	if len(words) < 3 {
		return dst, false
	}
	var f [filterLen]byte
	ok := choose(&f[filterIn], words[1], "out", "in") && choose(&f[filterForward], words[2], "drop", "forward")
	switch words[0] {
	case "ip":
		f[filterKind] = filterIP
		ok = ok && parseIPFilter(&f, words[3:])
	case "generic":
		ok = ok && parseGenericFilter(&f, words[3:])
	default:
		return dst, false
	}
	if !ok {
		return dst, false
	}
	return append(dst, f[:]...), true
}

// choose stores 0 or 1 for one of two words.
func choose(to *byte, word, zero, one string) bool {
	if word == one {
		*to = 1
	}
	return word == zero || word == one
}

// parseIPFilter reads what follows the action. Every part may stand once, in any order.
func parseIPFilter(f *[filterLen]byte, words []string) bool {
	seen := map[string]bool{}
	for len(words) > 0 {
		part := words[0]
		switch part {
		case "srcip", "dstip", "srcport", "dstport", "est":
		default:
			part = "protocol"
		}
		n, ok := parseIPPart(f, part, words)
		if !ok || seen[part] {
			return false
		}
		seen[part], words = true, words[n:]
	}
	return true
}

// parseIPPart reads one part and gives the number of its words.
func parseIPPart(f *[filterLen]byte, part string, words []string) (n int, ok bool) {
	switch {
	case part == "est":
		f[filterEstablished] = 1
		return 1, true
	case part == "protocol":
		return 1, parseProtocol(&f[filterProtocol], words[0])
	case len(words) < 2:
		return 0, false
	case part == "srcip":
		return 2, parseFilterAddr(f[filterSource:filterSource+4], &f[filterSourceBits], words[1])
	case part == "dstip":
		return 2, parseFilterAddr(f[filterDestination:filterDestination+4], &f[filterDestinationBits], words[1])
	case len(words) < 3:
		return 0, false
	case part == "srcport":
		return 3, parsePort(f[filterSourcePort:], &f[filterSourceOp], words[1], words[2])
	}
	return 3, parsePort(f[filterDestinationPort:], &f[filterDestinationOp], words[1], words[2])
}

func parseProtocol(to *byte, word string) bool {
	if n, ok := filterProtocols[word]; ok {
		*to = n
		return true
	}
	n, err := strconv.ParseUint(word, 10, 8)
	*to = byte(n)
	return err == nil
}

// parseFilterAddr reads an address; without a length, or with the length 0, its class gives one, as the
// devices have it.
func parseFilterAddr(to []byte, bits *byte, word string) bool {
	text, length, found := strings.Cut(word, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return false
	}
	n := uint64(0)
	if found {
		if n, err = strconv.ParseUint(length, 10, 8); err != nil || n > 32 {
			return false
		}
	}
	octets := addr.As4()
	if n == 0 && !addr.IsUnspecified() {
		n = classBits(octets[0])
	}
	copy(to, octets[:])
	*bits = byte(n)
	return true
}

// classBits gives the length of the network part by the class of an address.
func classBits(first byte) uint64 {
	switch {
	case first < 128:
		return 8
	case first < 192:
		return 16
	case first < 224:
		return 24
	}
	return 32
}

func parsePort(to []byte, op *byte, comparison, word string) bool {
	for i, name := range filterOps {
		if name == comparison && i > 0 {
			*op = byte(i)
		}
	}
	port, ok := filterPorts[word]
	if !ok {
		n, err := strconv.ParseUint(word, 10, 16)
		port, ok = uint16(n), err == nil
	}
	binary.BigEndian.PutUint16(to, port)
	return ok && *op != 0
}

// parseGenericFilter reads OFFSET MASK VALUE and what may follow. Mask and value are hexadecimal, one to six
// octets, both of one length.
func parseGenericFilter(f *[filterLen]byte, words []string) bool {
	if len(words) < 3 {
		return false
	}
	offset, err := strconv.ParseUint(words[0], 10, 16)
	mask, badMask := hex.DecodeString(words[1])
	value, badValue := hex.DecodeString(words[2])
	if err != nil || badMask != nil || badValue != nil || len(mask) != len(value) || len(mask) > filterMaskLen || len(mask) == 0 {
		return false
	}
	binary.BigEndian.PutUint16(f[filterOffset:], uint16(offset))
	binary.BigEndian.PutUint16(f[filterCount:], uint16(len(mask)))
	copy(f[filterMask:], mask)
	copy(f[filterValue:], value)
	words = words[3:]
	if len(words) > 0 && choose(&f[filterNot], words[0], "==", "!=") {
		words = words[1:]
	}
	if len(words) > 0 && words[0] == "more" {
		f[filterMore+1] = 1
		words = words[1:]
	}
	return len(words) == 0
}

// isFilter reports whether a value has words that give the same octets back.
func isFilter(value []byte) bool {
	if len(value) != filterLen || value[filterKind] > filterIP {
		return false
	}
	var room [filterLen]byte
	back, ok := parseFilter(room[:0], string(appendFilterWords(nil, (*[filterLen]byte)(value))))
	return ok && string(back) == string(value)
}

// appendFilter appends the words of a filter, or 0x….
func appendFilter(dst, value []byte) []byte {
	if !isFilter(value) {
		return appendHex(dst, value)
	}
	return appendFilterWords(dst, (*[filterLen]byte)(value))
}

func appendFilterWords(dst []byte, f *[filterLen]byte) []byte {
	kind, way, action := "generic", " out", " drop"
	if f[filterKind] == filterIP {
		kind = "ip"
	}
	if f[filterIn] != 0 {
		way = " in"
	}
	if f[filterForward] != 0 {
		action = " forward"
	}
	dst = append(append(append(dst, kind...), way...), action...)
	if f[filterKind] == filterIP {
		return appendIPFilter(dst, f)
	}
	return appendGenericFilter(dst, f)
}

func appendIPFilter(dst []byte, f *[filterLen]byte) []byte {
	dst = appendFilterAddr(dst, " srcip ", f[filterSource:], f[filterSourceBits])
	dst = appendFilterAddr(dst, " dstip ", f[filterDestination:], f[filterDestinationBits])
	dst = append(dst, ' ')
	dst = appendProtocol(dst, f[filterProtocol])
	dst = appendPort(dst, " srcport ", f[filterSourcePort:], f[filterSourceOp])
	dst = appendPort(dst, " dstport ", f[filterDestinationPort:], f[filterDestinationOp])
	if f[filterEstablished] != 0 {
		dst = append(dst, " est"...)
	}
	return dst
}

func appendFilterAddr(dst []byte, word string, addr []byte, bits byte) []byte {
	a := netip.AddrFrom4([4]byte(addr[:4]))
	if a.IsUnspecified() {
		return dst
	}
	dst = a.AppendTo(append(dst, word...))
	return strconv.AppendUint(append(dst, '/'), uint64(bits), 10)
}

func appendProtocol(dst []byte, n byte) []byte {
	for name, number := range filterProtocols {
		if number == n {
			return append(dst, name...)
		}
	}
	return strconv.AppendUint(dst, uint64(n), 10)
}

func appendPort(dst []byte, word string, port []byte, op byte) []byte {
	if op == 0 || int(op) >= len(filterOps) {
		return dst
	}
	dst = append(append(append(dst, word...), filterOps[op]...), ' ')
	return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(port)), 10)
}

func appendGenericFilter(dst []byte, f *[filterLen]byte) []byte {
	n := min(int(binary.BigEndian.Uint16(f[filterCount:])), filterMaskLen)
	dst = strconv.AppendUint(append(dst, ' '), uint64(binary.BigEndian.Uint16(f[filterOffset:])), 10)
	dst = hex.AppendEncode(append(dst, ' '), f[filterMask:filterMask+n])
	dst = hex.AppendEncode(append(dst, ' '), f[filterValue:filterValue+n])
	if f[filterNot] != 0 {
		dst = append(dst, " !="...)
	} else {
		dst = append(dst, " =="...)
	}
	if f[filterMore+1] != 0 {
		dst = append(dst, " more"...)
	}
	return dst
}
