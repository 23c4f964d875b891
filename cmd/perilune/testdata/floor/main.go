//go:build linux

// Command floor answers Access-Requests by PAP with as little work as Go allows: it reads and writes batches of
// datagrams, finds User-Name in a map, uncovers the password, and signs an Access-Accept with four attributes. It has no
// dictionary, no clients, no duplicate cache and no log, and it trusts whoever asks: what it costs is the floor that
// a server is measured by, not a server.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"flag"
	"fmt"
	"hash"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch   = 64
	longest = 4096 // RFC 2865 s3
)

func main() {
	address := flag.String("listen", "127.0.0.1:0", "`HOST:PORT`")
	secret := flag.String("secret", "testing123", "shared `SECRET`")
	sign := flag.Bool("sign", false, "answer with Message-Authenticator whoever asks; else only those that send it")
	users := flag.Int("users", 100, "`NUMBER` of users user0000000, … with the passwords pw0000000, …")
	flag.Parse()
	if err := serve(*address, newServer(*secret, *users, *sign)); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func serve(address string, s *server) error {
	conn, err := net.ListenPacket("udp4", address)
	if err != nil {
		return err
	}
	udp := conn.(*net.UDPConn)
	udp.SetReadBuffer(4 << 20)
	raw, err := udp.SyscallConn()
	if err != nil {
		return err
	}
	fmt.Println("listening", conn.LocalAddr())
	read, write := s.read, s.write
	for {
		if err := raw.Read(read); err != nil {
			return err
		}
		s.answer()
		if err := raw.Write(write); err != nil {
			return err
		}
	}
}

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	n      uint32
}

// user is what a request is compared with and answered by.
type user struct {
	password []byte
	reply    []byte // encoded attributes
}

type server struct {
	secret   []byte
	always   bool // sign
	mac      hash.Hash
	users    map[string]user
	in, out  [batch]message
	from     [batch]unix.RawSockaddrInet4
	inIov    [batch]unix.Iovec
	outIov   [batch]unix.Iovec
	inBuf    [batch][longest]byte
	outBuf   [batch][longest]byte
	scratch  [longest + 128]byte
	sum      [md5.Size]byte
	got      int // datagrams of the batch
	due      int // answers to it
	sent     int
	password [128]byte
}

func newServer(secret string, users int, sign bool) *server {
	s := &server{secret: []byte(secret), always: sign, mac: hmac.New(md5.New, []byte(secret)), users: make(map[string]user, users)}
	for i := range users {
		// Service-Type = Framed-User, Framed-Protocol = PPP, Framed-IP-Address, Session-Timeout = 3600
		reply := []byte{6, 6, 0, 0, 0, 2, 7, 6, 0, 0, 0, 1, 8, 6, 10, byte(i >> 16), byte(i >> 8), byte(i), 27, 6, 0, 0, 14, 16}
		s.users[fmt.Sprintf("user%07d", i)] = user{fmt.Appendf(nil, "pw%07d", i), reply}
	}
	for i := range batch {
		s.inIov[i].Base, s.outIov[i].Base = &s.inBuf[i][0], &s.outBuf[i][0]
		s.inIov[i].SetLen(longest)
		s.in[i].header.Iov, s.out[i].header.Iov = &s.inIov[i], &s.outIov[i]
		s.in[i].header.SetIovlen(1)
		s.out[i].header.SetIovlen(1)
		s.in[i].header.Name = (*byte)(unsafe.Pointer(&s.from[i]))
	}
	return s
}

func (s *server) read(fd uintptr) bool {
	for i := range s.in {
		s.in[i].header.Namelen = unix.SizeofSockaddrInet4
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&s.in[0])), batch, unix.MSG_DONTWAIT, 0, 0)
	s.got = 0
	if errno == 0 {
		s.got = int(n)
	}
	return errno != unix.EAGAIN
}

func (s *server) write(fd uintptr) bool {
	for s.sent < s.due {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&s.out[s.sent])), uintptr(s.due-s.sent), unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EAGAIN {
			return false
		}
		if errno != 0 {
			n = 1 // the kernel does not want this one
		}
		s.sent += int(n)
	}
	return true
}

// answer makes the replies to a batch.
func (s *server) answer() {
	s.due, s.sent = 0, 0
	for i := range s.got {
		n := s.reply(s.outBuf[s.due][:], s.inBuf[i][:s.in[i].n])
		if n == 0 {
			continue
		}
		s.outIov[s.due].SetLen(n)
		s.out[s.due].header.Name, s.out[s.due].header.Namelen = s.in[i].header.Name, s.in[i].header.Namelen
		s.due++
	}
}

// request is what the loop looks at.
type request struct {
	packet, name, hidden []byte
	mac                  int // place of the value of Message-Authenticator; 0: none
}

// parse reports false for what is no Access-Request with a name and a password.
func parse(datagram []byte) (r request, ok bool) {
	if len(datagram) < 20 || datagram[0] != 1 {
		return r, false
	}
	n := int(binary.BigEndian.Uint16(datagram[2:]))
	if n < 20 || n > len(datagram) {
		return r, false
	}
	r.packet = datagram[:n]
	for at := 20; at < n; at += int(r.packet[at+1]) {
		if at+2 > n || r.packet[at+1] < 2 || at+int(r.packet[at+1]) > n {
			return r, false
		}
		switch value := r.packet[at+2 : at+int(r.packet[at+1])]; {
		case r.packet[at] == 1:
			r.name = value
		case r.packet[at] == 2:
			r.hidden = value
		case r.packet[at] == 80 && len(value) == md5.Size:
			r.mac = at + 2
		}
	}
	return r, r.name != nil && len(r.hidden) > 0 && len(r.hidden) <= 128 && len(r.hidden)%md5.Size == 0
}

// reply makes the answer in dst and gives its length, 0 for none.
func (s *server) reply(dst, datagram []byte) int {
	r, ok := parse(datagram)
	if !ok || r.mac > 0 && !s.verify(&r) {
		return 0
	}
	code, attributes := byte(3), []byte(nil)
	if u, found := s.users[string(r.name)]; found && bytes.Equal(s.uncover(&r), u.password) {
		code, attributes = 2, u.reply
	}
	dst = append(dst[:0], code, r.packet[1], 0, 0)
	dst = append(dst, r.packet[4:20]...)
	mac := 0
	if s.always || r.mac > 0 {
		dst = append(dst, 80, 18)
		mac = len(dst)
		dst = append(dst, make([]byte, md5.Size)...)
	}
	dst = append(dst, attributes...)
	binary.BigEndian.PutUint16(dst[2:], uint16(len(dst)))
	if mac > 0 {
		copy(dst[mac:], s.sign(dst))
	}
	sum := md5.Sum(append(append(s.scratch[:0], dst...), s.secret...)) // RFC 2865 s3, Response Authenticator
	copy(dst[4:20], sum[:])
	return len(dst)
}

// sign gives the HMAC-MD5 of a packet (RFC 3579 s3.2).
func (s *server) sign(packet []byte) []byte {
	s.mac.Reset()
	s.mac.Write(packet)
	return s.mac.Sum(s.sum[:0])
}

// verify checks the request's Message-Authenticator, which it has without its value.
func (s *server) verify(r *request) bool {
	value := r.packet[r.mac : r.mac+md5.Size]
	said := [md5.Size]byte(value)
	clear(value)
	return hmac.Equal(s.sign(r.packet), said[:])
}

// uncover gives the password (RFC 2865 s5.2).
func (s *server) uncover(r *request) []byte {
	plain := s.password[:0]
	last := r.packet[4:20]
	for at := 0; at < len(r.hidden); at += md5.Size {
		sum := md5.Sum(append(append(s.scratch[:0], s.secret...), last...))
		last = r.hidden[at : at+md5.Size]
		for i, b := range last {
			plain = append(plain, b^sum[i])
		}
	}
	return bytes.TrimRight(plain, "\x00")
}
