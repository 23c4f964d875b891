package main

import "testing"

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
