//go:build !unix

package backend

import "net"

// quiet cannot look without reading here.
func quiet(net.Conn) bool { return true }
