// Package admin is how an operator reaches a running server: a Unix socket for commands, whose peers are
// known by the kernel's word, and a small HTTP listener for health and metrics. It knows nothing of RADIUS:
// who serves fills in the routes.
package admin
