package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// python starts a program of Debian's Python and gives the first line that it prints. It ends with the test.
func python(t *testing.T, args ...string) (first string) {
	t.Helper()
	cmd := exec.Command(foreignTool(t, "python3"), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return strings.TrimSpace(line)
}

// exampleTree is a tree with the files of an example, edited.
func exampleTree(t *testing.T, name string, edit func(file, text string) string) string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"raddb/*", "scripts/*"} {
		found, err := filepath.Glob(filepath.Join("../../examples", name, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, _ := filepath.Rel(filepath.Join("../../examples", name), path)
			files[file] = edit(file, string(text))
		}
	}
	return loopTree(t, files)
}

// TestOTPExample serves examples/otp-http before the service that comes with it.
func TestOTPExample(t *testing.T) {
	base := python(t, "../../examples/otp-http/service.py", "0")
	dir := exampleTree(t, "otp-http", func(file, text string) string {
		text = strings.Replace(text, "http://127.0.0.1:9080", base, 1)
		return strings.Replace(text, "../../../raddb/dictionary", "dictionary", 1)
	})
	s := serveOnLoopback(t, dir)
	ask := func(password string, attributes ...string) (int, string) {
		args := append([]string{"send", "auth", "-server", s.addrs["auth"], "-secret", "testing123"}, attributes...)
		return s.command(append(args, "User-Name=ann", "User-Password="+password)...)
	}
	for code, want := range map[string]string{"123456": "Access-Accept", "654321": "Access-Reject"} {
		_, asked := ask("hello")
		state := regexp.MustCompile(`State = (0x[0-9a-f]+)`).FindStringSubmatch(asked)
		if state == nil {
			t.Fatalf("no question: %s", asked)
		}
		if _, text := ask(code, "State="+state[1]); !strings.Contains(text, want) {
			t.Errorf("%s: %s\n%s", code, text, s.log)
		}
	}
}
