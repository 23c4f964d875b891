package backend

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"perilune/policy/module"
)

// FuzzHTTPRequest: whatever path and query a script gives, the request goes to the server of the settings, to what
// stands below its path.
func FuzzHTTPRequest(f *testing.F) {
	for _, seed := range [][3]string{
		{"/check", "user", "ann"}, {"/a b/%2e%2e/é", "a&b=c", "1+1 #?"}, {"//other.example/x", "", ""}, {"/@other.example", "\x00", "\xff"},
		{"/a;b=c/:80", "%", "%zz"}, {"/\\..\\x", "a", "b"}, {"/%", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	base, err := module.ParseBase("https://otp.example.net:8443/v1/")
	if err != nil {
		f.Fatal(err)
	}
	h := &httpPool{httpSettings: &httpSettings{base: base}}
	f.Fuzz(func(t *testing.T, path, name, value string) {
		if module.CheckPath(path) != nil {
			return
		}
		r, err := h.request(context.Background(), &module.HTTPRequest{Method: "GET", Path: path, Query: [][2]string{{name, value}}})
		if err != nil {
			t.Fatalf("%q is allowed and cannot be sent: %v", path, err)
		}
		decoded, err := url.PathUnescape(r.URL.EscapedPath())
		if err != nil || decoded != "/v1"+path || r.URL.Host != base.Host || r.URL.Scheme != "https" || r.URL.User != nil {
			t.Errorf("%q becomes %s, which is %q, %v", path, r.URL, decoded, err)
		}
		line := r.URL.RequestURI()
		if !strings.HasPrefix(line, "/v1/") || strings.ContainsAny(line, " \r\n\t") || r.URL.Query().Get(name) != value {
			t.Errorf("%q, %q=%q becomes %q", path, name, value, line)
		}
	})
}
