package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const unitFile = "../../examples/systemd/perilune.service"

// TestUnit holds what the unit promises: no root, nothing writable but the state, told when a reload is over.
func TestUnit(t *testing.T) {
	b, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := "\n" + string(b)
	for _, want := range []string{
		"Type=notify-reload", "User=perilune", "ProtectSystem=strict", "StateDirectory=perilune", "RuntimeDirectory=perilune",
		"WatchdogSec=30s", "CapabilityBoundingSet=", "AmbientCapabilities=", "NoNewPrivileges=yes",
	} {
		if !strings.Contains(lines, "\n"+want+"\n") {
			t.Errorf("the unit lacks %s", want)
		}
	}
	if !regexp.MustCompile(`\nLimitNOFILE=\d+\n`).MatchString(lines) {
		t.Error("the unit lacks LimitNOFILE")
	}
}

// TestUnitVerifies lets systemd read the unit, with a program that is there in the place of ours.
func TestUnitVerifies(t *testing.T) {
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatal("systemd-analyze is not installed; PERILUNE_TOOLS=require asks for it")
		}
		t.Skip("systemd-analyze is not installed")
	}
	b, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), "/usr/local/bin/perilune", me, 1)
	if systemdVersion(path) < 253 {
		text = strings.Replace(text, "Type=notify-reload", "Type=notify", 1)
	}
	unit := filepath.Join(t.TempDir(), "perilune.service")
	writeTest(t, unit, text)
	out, err := exec.Command(path, "verify", unit).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) { // other units of the machine are named too
		if strings.Contains(line, unit) || strings.HasPrefix(line, "perilune.service") {
			t.Error(line)
		}
	}
}

// systemdVersion gives 0 if the program does not tell.
func systemdVersion(path string) int {
	out, _ := exec.Command(path, "--version").Output()
	fields := strings.Fields(string(out))
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}
