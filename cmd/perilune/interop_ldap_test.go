package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startSlapd starts Debian's slapd with a configuration and a tree, as a user without privileges, and gives host:port.
func startSlapd(t *testing.T, config, tree string) (address string, stop func()) {
	t.Helper()
	slapd := "/usr/sbin/slapd"
	if _, err := os.Stat(slapd); err != nil {
		without(t, "slapd is not installed")
	}
	dir, err := os.MkdirTemp("", "slapd") // that another user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	writeFiles(t, dir, map[string]string{"slapd.conf": strings.ReplaceAll(config, "/tmp/perilune-ldap", dir+"/data"), "tree.ldif": tree, "data/here": ""})
	var as []string
	if os.Getuid() == 0 {
		as = []string{foreignTool(t, "setpriv"), "--reuid=nobody", "--regid=nogroup", "--clear-groups"}
		if out, err := exec.Command("chown", "-R", "nobody", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	command := func(args ...string) *exec.Cmd {
		args = append(append(as[:len(as):len(as)], slapd), args...)
		return exec.Command(args[0], args[1:]...)
	}
	conf := filepath.Join(dir, "slapd.conf")
	if out, err := command("-T", "add", "-f", conf, "-l", filepath.Join(dir, "tree.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	cmd := command("-f", conf, "-d", "0", "-h", "ldap://"+address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(stop)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address, stop
		}
		if time.Now().After(end) {
			t.Fatal("slapd does not listen")
		}
	}
}

// TestLDAPRolesExample serves examples/ldap-roles with the directory that comes with it.
func TestLDAPRolesExample(t *testing.T) {
	address, stop := startSlapd(t, exampleFile(t, "ldap-roles/slapd.conf"), exampleFile(t, "ldap-roles/staff.ldif"))
	s := quietExample(t, "ldap-roles", "127.0.0.1:3890", address)
	s.expectLogins(t, map[string][]string{
		"ann hello":        {"Access-Accept", `Tunnel-Private-Group-Id = "10"`, "Service-Type = Administrative-User"},
		"ann no":           {"Access-Reject"},
		"bob hello":        {"Access-Reject", "not for you"},
		"root hello":       {"Access-Accept"},
		"*)(uid=* hello":   {"Access-Reject"},
		"ann)(cn=*) hello": {"Access-Reject"},
		"a* hello":         {"Access-Reject"},
	})
	stop()
	if got := s.login("ann", "hello"); strings.Contains(got, "Access-") {
		t.Errorf("without a directory: %s", got)
	}
}
