package client

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// JoinPort reads host, host:port, an IPv6 address alone, or [IPv6]:port, and gives host:port in the form of
// package net. Port is taken if the text has none. The error says what was expected.
func JoinPort(text string, port int) (string, error) {
	host, given, hasPort := splitPort(text)
	if host == "" || strings.ContainsAny(host, "[] \t") {
		return "", fmt.Errorf("%q has no host; expected host, host:port, or [IPv6]:port", text)
	}
	if strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return "", fmt.Errorf("%q is no IPv6 address; expected host, host:port, or [IPv6]:port", host)
		}
	}
	if !hasPort {
		return net.JoinHostPort(host, strconv.Itoa(port)), nil
	}
	if n, err := strconv.ParseUint(given, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q is no port; expected 1 to 65535", given)
	}
	return net.JoinHostPort(host, given), nil
}

// splitPort parts host[:port]; an IPv6 address needs brackets only where a port follows.
func splitPort(text string) (host, port string, hasPort bool) {
	if h, p, err := net.SplitHostPort(text); err == nil {
		return h, p, true
	}
	if h, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok := strings.CutSuffix(h, "]"); ok {
			return inner, "", false
		}
	}
	return text, "", false
}

// DefaultPort gives the port that the services file names for radius or radacct on UDP, else 1812 or 1813
// (RFC 2865 s3, RFC 2866 s3).
func DefaultPort(s Service) int {
	name, port := "radius", 1812
	if s == Acct {
		name, port = "radacct", 1813
	}
	if n, err := net.LookupPort("udp", name); err == nil {
		return n
	}
	return port
}
