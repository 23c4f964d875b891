package main

import (
	"os"
	"testing"
)

// besidePAP is a users file with a hundred users and four attributes in each answer.
func besidePAP(b *testing.B, k *kit) { besideNative(b, k) }

// besideMessageAuthenticator has each request signed, too.
func besideMessageAuthenticator(b *testing.B, k *kit) {
	besideNative(b, k, "-message-authenticator")
}

func besideNative(b *testing.B, k *kit, more ...string) {
	const users = 100
	load, file := askUsers(users, more...), usersFile(users)
	subjects := []*subject{k.ours(b, "perilune", map[string]string{"raddb/users": file}, load...), k.bare(b, users, load...)}
	k.turns(b, append(subjects, bothFreeRADIUS(b, "freeradius", peerConfig{Users: file}, load...)...)...)
}

// besideMillion is a users file with a million users, beside our own with a hundred.
func besideMillion(b *testing.B, k *kit) {
	const few = 100
	many := k.size(1_000_000)
	load, file := askUsers(many), usersFile(many)
	subjects := []*subject{
		k.ours(b, "perilune", map[string]string{"raddb/users": file}, load...),
		k.ours(b, "hundred", map[string]string{"raddb/users": usersFile(few)}, askUsers(few)...),
	}
	subjects[1].below = true
	k.turns(b, append(subjects, bothFreeRADIUS(b, "freeradius", peerConfig{Users: file}, load...)...)...)
}

// What the hooks of besideHook do: the realm is taken off, and one attribute is set.
const (
	besideLua = `
on("hints", function(req)
  local name, realm = req.user:match("^([^@]+)@(.+)$")
  if name then
    req.user = name
    req.control["Tmp-String-0"] = realm
  end
end)
`
	besidePython = `
import re
import radiusd

realm = re.compile("^([^@]+)@(.+)$")

def authorize(pairs):
    for name, value in pairs:
        if name == "User-Name":
            found = realm.match(value)
            if found:
                return (radiusd.RLM_MODULE_UPDATED, {
                    "request": (("Stripped-User-Name", found.group(1)),),
                    "config": (("Tmp-String-0", found.group(2)),),
                })
    return radiusd.RLM_MODULE_OK
`
	besidePythonModule = `
	python3 {
		module = beside
		python_path = ${raddbdir}
		mod_authorize = beside
		func_authorize = authorize
	}
`
)

// besideHook is a hook in Lua beside one in Python that does the same, and beside no hook. Names change.
func besideHook(b *testing.B, k *kit) {
	if _, err := os.Stat("/usr/lib/freeradius/rlm_python3.so"); err != nil {
		without(b, "rlm_python3 is not installed")
	}
	const users = 1000
	file := usersFile(users)
	load := askUsers(users)
	load[1] += "@example.org"
	python := peerConfig{Users: file, Modules: besidePythonModule, Before: "python3", Files: map[string]string{"beside.py": besidePython}}
	subjects := []*subject{k.ours(b, "perilune", map[string]string{"raddb/users": file, "scripts/hints.lua": besideLua}, load...)}
	subjects = append(subjects, bothFreeRADIUS(b, "python3", python, load...)...)
	k.turns(b, append(subjects, freeRADIUS(b, "no-hook-s", false, peerConfig{Users: file}, askUsers(users)...))...)
}
