// Package proxy knows where requests are sent on to: it reads the realms file, which gives each realm its home
// servers and the way they are asked.
package proxy
