package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	endureFor = flag.Duration("endure", 6*time.Second, "how long TestEndurance holds the load")
	floodFor  = flag.Duration("flood", 6*time.Second, "how long TestFlood floods, all its parts together")
)

// TestDocsEndurance demands that the two commands of docs/operation.md are such: each names a test that there is and flags
// that it takes. What they do, their short forms show in each run of the tests.
func TestDocsEndurance(t *testing.T) {
	page, err := os.ReadFile("../../docs/operation.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^go test \./cmd/perilune -run (\w+)( .*)?$`).FindAllStringSubmatch(string(page), -1)
	if len(lines) != 2 {
		t.Fatalf("%d commands; expected 2", len(lines))
	}
	for _, m := range lines {
		sources, _ := os.ReadFile("endure_linux_test.go")
		more, _ := os.ReadFile("flood_linux_test.go")
		if !strings.Contains(string(sources)+string(more), "func "+m[1]+"(t *testing.T)") {
			t.Errorf("there is no %s", m[1])
		}
		command, _, _ := strings.Cut(m[2], "#")
		for _, name := range regexp.MustCompile(`-([a-z]+)`).FindAllStringSubmatch(command, -1) {
			if flag.Lookup(name[1]) == nil && flag.Lookup("test."+name[1]) == nil {
				t.Errorf("%s: there is no flag -%s", m[0], name[1])
			}
		}
	}
}
