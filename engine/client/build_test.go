package client

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/auth"
	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// fixed is a once of known octets.
func fixed() once {
	o := once{id: 7, chap: 9, salt: 0x1234, at: time.Unix(0x60000000, 0)}
	copy(o.auth[:], "0123456789abcdef")
	return o
}

func signer(secret string) *radius.Session {
	s := new(radius.Session)
	s.Use(radius.NewSecret(secret))
	return s
}

// types gives a packet's attributes by number, in order.
func types(p radius.Packet) string {
	var all []string
	for t := range p.Attributes.All() {
		all = append(all, fmt.Sprint(t))
	}
	return strings.Join(all, " ")
}

func TestBuild(t *testing.T) {
	d := words(t)
	for _, tc := range []struct {
		name  string
		req   Request
		attrs []string
		want  string // types in order
	}{
		{"access", Request{Code: radius.CodeAccessRequest}, []string{"User-Name=bob", "User-Password=x"}, "80 1 2"},
		{"access unsigned", Request{Code: radius.CodeAccessRequest, NoMessageAuthenticator: true}, []string{"User-Name=bob"}, "1"},
		{"access, its own Message-Authenticator", Request{Code: radius.CodeAccessRequest}, []string{"User-Name=bob", "Message-Authenticator=0x00"}, "80 1"},
		{"unsigned but asked for", Request{Code: radius.CodeAccessRequest, NoMessageAuthenticator: true}, []string{"User-Name=bob", "Message-Authenticator=0x00"}, "80 1"},
		{"CHAP", Request{Code: radius.CodeAccessRequest, CHAP: []byte("x")}, []string{"User-Name=bob"}, "80 1 3"},
		{"accounting", Request{Code: radius.CodeAccountingRequest}, []string{"Acct-Status-Type=Start", "Acct-Delay-Time=3"}, "40 41"},
		{"accounting, signed", Request{Code: radius.CodeAccountingRequest}, []string{"Acct-Status-Type=Start", "Message-Authenticator=0x00"}, "80 40"},
		{"status", Request{Code: radius.CodeStatusServer, NoMessageAuthenticator: true}, nil, "80"},
		{"CoA", Request{Code: radius.CodeCoARequest}, []string{"User-Name=bob"}, "1 55"},
		{"Disconnect", Request{Code: radius.CodeDisconnectRequest}, []string{"User-Name=bob"}, "1 55"},
		{"CoA, its own time", Request{Code: radius.CodeCoARequest}, []string{"Event-Timestamp=1000000000", "User-Name=bob"}, "55 1"},
		{"internal attributes stay here", Request{Code: radius.CodeAccessRequest}, []string{"Cleartext-Password=x", "User-Name=bob"}, "80 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.req.Attributes = pairs(t, d, tc.attrs...)
			s := signer(testSecret)
			raw, err := tc.req.build(s, fixed())
			if err != nil {
				t.Fatal(err)
			}
			p, err := radius.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, types(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := s.VerifyRequest(raw); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	d := words(t)
	big := make([]string, 17)
	for i := range big {
		big[i] = "Reply-Message=" + strings.Repeat("x", 250)
	}
	for _, tc := range []struct {
		name  string
		code  radius.Code
		chap  string
		attrs []string
		want  string
	}{
		{"password in accounting", radius.CodeAccountingRequest, "", []string{"User-Password=hidden"}, "Accounting-Request: a password belongs in an Access-Request alone"},
		{"password in CoA", radius.CodeCoARequest, "", []string{"User-Password=hidden"}, "CoA-Request: a password belongs in an Access-Request alone"},
		{"password in status", radius.CodeStatusServer, "", []string{"User-Password=hidden"}, "Status-Server: a password belongs in an Access-Request alone"},
		{"CHAP in accounting", radius.CodeAccountingRequest, "hidden", nil, "Accounting-Request: a password belongs in an Access-Request alone"},
		{"both", radius.CodeAccessRequest, "hidden", []string{"User-Password=hidden"}, "User-Password and CHAP-Password exclude each other"},
		{"long password", radius.CodeAccessRequest, "", []string{"User-Password=" + strings.Repeat("hidden", 22)}, "User-Password has 132 octets; expected at most 128"},
		{"long value", radius.CodeAccessRequest, "", []string{"User-Name=" + strings.Repeat("x", 254)}, "User-Name: the value has 254 octets; expected at most 253"},
		{"long packet", radius.CodeAccessRequest, "", big, "radius: packet is longer than 4096 octets"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPeer(t, "127.0.0.1:0", nil)
			req := &Request{Code: tc.code, Attributes: pairs(t, d, tc.attrs...)}
			if tc.chap != "" {
				req.CHAP = []byte(tc.chap)
			}
			c := &Client{Dictionary: d, Servers: []Server{p.server(long, 3)}}
			_, err := c.Exchange(t.Context(), req)
			if err == nil || errors.Is(err, ErrNoReply) {
				t.Fatalf("got %v; want %s", err, tc.want)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(p.got()) > 0 {
				t.Error("it was sent")
			}
		})
	}
}

// TestCHAP lets package auth judge the response, with and without CHAP-Challenge.
func TestCHAP(t *testing.T) {
	d := words(t)
	for _, challenge := range []string{"", "CHAP-Challenge=0x000102030405060708090a0b0c0d0e0f10"} {
		req := &Request{Code: radius.CodeAccessRequest, CHAP: []byte("hello")}
		req.Attributes = pairs(t, d, "User-Name=bob")
		if challenge != "" {
			req.Attributes = pairs(t, d, "User-Name=bob", challenge)
		}
		raw, err := req.build(signer(testSecret), newOnce())
		if err != nil {
			t.Fatal(err)
		}
		p, _ := radius.Parse(raw)
		response, _ := p.Attributes.Find(radius.TypeCHAPPassword)
		asked, ok := p.Attributes.Find(radius.TypeCHAPChallenge)
		if !ok {
			asked = p.Authenticator[:]
		}
		if !auth.CHAP(response, asked, []byte("hello")) || auth.CHAP(response, asked, []byte("hellp")) {
			t.Errorf("challenge %q: response %x", challenge, response)
		}
	}
}

// TestEventTimestamp is the time of the exchange, and another one's another (RFC 5176 s6.3).
func TestEventTimestamp(t *testing.T) {
	req := &Request{Code: radius.CodeDisconnectRequest}
	raw, err := req.build(signer(testSecret), fixed())
	if err != nil {
		t.Fatal(err)
	}
	p, _ := radius.Parse(raw)
	if got, _ := p.Attributes.Find(typeEventTimestamp); !bytes.Equal(got, []byte{0x60, 0, 0, 0}) {
		t.Errorf("%x", got)
	}
	if o := newOnce(); time.Since(o.at) > time.Minute {
		t.Error(o.at)
	}
}

// TestSalts are unique in a packet, with the high bit set (RFC 2868 s3.5), and readable by the peer.
func TestSalts(t *testing.T) {
	d := words(t)
	o := fixed()
	o.salt = 0xffff // the next one wraps around
	req := &Request{Code: radius.CodeCoARequest, Attributes: pairs(t, d, "Tunnel-Password:1=one", "Tunnel-Password:2=two")}
	s := signer(testSecret)
	raw, err := req.build(s, o)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := radius.Parse(raw)
	var salts [][]byte
	for typ, value := range p.Attributes.All() {
		if typ == 69 {
			salts = append(salts, value[1:3])
		}
	}
	if len(salts) != 2 || bytes.Equal(salts[0], salts[1]) || salts[0][0]&0x80 == 0 || salts[1][0]&0x80 == 0 {
		t.Errorf("salts %x", salts)
	}
	var l dictionary.List
	if err := d.Decode(&l, p.Attributes, s, new(radius.Authenticator)); err != nil || string(l.Pairs[0].Value) != "one" {
		t.Errorf("%v, %v", l.Pairs, err)
	}
}
