// Package auth answers whether a credential is right: PAP, CHAP, MS-CHAP and the schemes in which passwords are
// stored. Its functions are pure: they know neither requests nor configuration.
package auth
