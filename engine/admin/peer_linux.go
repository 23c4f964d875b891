package admin

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who is at the other end.
func peerOf(c net.Conn) (Peer, error) {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil {
		return Peer{}, err
	}
	if credErr != nil {
		return Peer{}, credErr
	}
	return Peer{UID: int(cred.Uid), GID: int(cred.Gid), PID: int(cred.Pid)}, nil
}

// listenPrivate binds the socket so that it never has a wider mode than 0660: the file appears under a
// name of its own in a private directory first.
func listenPrivate(path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(dirOf(path), ".admin-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", dir+"/s")
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err = os.Chmod(dir+"/s", 0o660); err == nil {
		err = os.Rename(dir+"/s", path)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return &unlinking{l, path}, nil
}
