package main

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// agreedUsers is read by both servers: every line must mean the same to them. Left out is what differs on
// purpose: numbers above 2^31, which FreeRADIUS compares as negative ones.
const agreedUsers = `
DEFAULT NAS-Port == 1
	Reply-Message = "top", Fall-Through = Yes
DEFAULT NAS-Port == 2
	Reply-Message = "ends the search"
bob	Cleartext-Password := "hello"
	Reply-Message += "hello %{User-Name}",
	Session-Timeout = 60,
	Fall-Through = Yes
bob	Service-Type == Framed-User
	Session-Timeout := 90,
	Idle-Timeout = 5
BEGIN	Cleartext-Password := "hello"
	Reply-Message = "a user called BEGIN"
DEFAULT7	Cleartext-Password := "hello"
	Reply-Message = "a user called DEFAULT7"
"white space"	Cleartext-Password := "hello"
	Reply-Message = "quoted"
Case	Cleartext-Password := "hello"
	Reply-Message = "upper"
case	cleartext-password := "hello"
	reply-message = "lower"
twice	Cleartext-Password := "hello"
	Reply-Message = "one",
	Reply-Message = "two",
	Reply-Message += "three",
	Session-Timeout = 1,
	Fall-Through = Yes
twice	NAS-Port =* ANY
	Session-Timeout = 2,
	Reply-Message = "not again"
absent	NAS-Port != 5, Cleartext-Password := "hello"
	Reply-Message = "differs"
absent	NAS-Port !* ANY, Cleartext-Password := "hello"
	Reply-Message = "absent"
many	Class == "two", Cleartext-Password := "hello"
	Reply-Message = "one of them"
many	Class != "one", Cleartext-Password := "hello"
	Reply-Message = "one differs"
order	NAS-Port > 10, NAS-Port <= 20, Cleartext-Password := "hello"
	Reply-Message = "11 to 20"
order	NAS-Port >= 2000000000, Cleartext-Password := "hello"
	Reply-Message = "large"
order	NAS-IP-Address < 10.0.0.5, Cleartext-Password := "hello"
	Reply-Message = "low address"
match	Called-Station-Id =~ "^([0-9a-f-]+):(.*)$", Cleartext-Password := "hello"
	Reply-Message = "%{1} on %{2} of %{0}"
match	Called-Station-Id !~ "guest", Cleartext-Password := "hello"
	Reply-Message = "no guest"
words	Cleartext-Password := "hello"
	Reply-Message = "%{%{Filter-Id}:-%{User-Name}} %{Class[#]} %{Class[1]} %{Class[*]} %% %{NAS-IP-Address}",
	Reply-Message += "100% sure, %u and %Y are text",
	Reply-Message += "%u has %{User-Name}",
	Filter-Id = '%{User-Name}',
	Callback-Number = "%{Framed-IP-Address}",
	Fall-Through = Yes
DEFAULT	User-Name == "words"
	Callback-Id = "%{reply:Filter-Id} %{control:Cleartext-Password} %{request:User-Name}"
tags	Cleartext-Password := "hello"
	Tunnel-Type:1 = VLAN,
	Tunnel-Medium-Type:1 = IEEE-802,
	Tunnel-Private-Group-Id:1 = "10",
	Tunnel-Type:2 = VLAN,
	Tunnel-Private-Group-Id:2 = "20",
	Tunnel-Password:2 = "hidden"
vendor	Cleartext-Password := "hello"
	Cisco-AVPair = "a=b",
	Cisco-AVPair += "c=d",
	MS-MPPE-Send-Key = 0x00112233445566778899aabbccddeeff,
	Framed-IPv6-Prefix = 2001:db8::/32,
	Delegated-IPv6-Prefix = 2001:db8:1::/48,
	Framed-Interface-Id = 0:0:0:1,
	Framed-IP-Address = 192.0.2.1,
	Framed-IP-Netmask = 255.255.255.0,
	Service-Type = Framed-User,
	Class = 0x0001ff
md5crypt	Crypt-Password := "$1$abcdefgh$rwnEbRiN0agqVgZBovWNQ/"
	Reply-Message = "crypt"
header	Password-With-Header := "{md5}5d41402abc4b2a76b9719d911017c592"
	Reply-Message = "md5"
ssha	SSHA-Password := 0x32261d255e5025b999e44f577d28c78cc3e0b5e501020304
	Reply-Message = "ssha"
nt	NT-Password := 0x066ddfd4ef0e9cd7c256fe77191ef43c
	Reply-Message = "nt"
accept	Auth-Type := Accept
	Reply-Message = "whoever"
reject	Auth-Type := Reject
	Reply-Message = "never"
compared	User-Password == "hello", Auth-Type := Accept
	Reply-Message = "typed"
replaced	Cleartext-Password := "other"
	Fall-Through = Yes
replaced	Cleartext-Password := "hello"
	Reply-Message = "the last counts"
DEFAULT	NAS-Port == 9, Auth-Type := Accept
	Reply-Message = "bottom of %{User-Name}"
`

// agreedRequests are asked of both servers.
var agreedRequests = []string{
	"User-Name = bob, User-Password = hello",
	"User-Name = bob, User-Password = hello, NAS-Port = 1",
	"User-Name = bob, User-Password = hello, NAS-Port = 2",
	"User-Name = bob, User-Password = hello, Service-Type = Framed-User",
	"User-Name = bob, CHAP-Password = hello, Service-Type = Framed-User, NAS-Port = 1",
	"User-Name = bob, User-Password = wrong",
	"User-Name = BOB, User-Password = hello",
	"User-Name = BEGIN, User-Password = hello",
	"User-Name = DEFAULT7, User-Password = hello",
	"User-Name = \"white space\", User-Password = hello",
	"User-Name = Case, User-Password = hello",
	"User-Name = case, User-Password = hello",
	"User-Name = twice, User-Password = hello",
	"User-Name = twice, User-Password = hello, NAS-Port = 3",
	"User-Name = absent, User-Password = hello",
	"User-Name = absent, User-Password = hello, NAS-Port = 5",
	"User-Name = absent, User-Password = hello, NAS-Port = 6",
	"User-Name = many, User-Password = hello, Class = \"one\", Class = \"two\"",
	"User-Name = many, User-Password = hello, Class = \"one\"",
	"User-Name = many, User-Password = hello, Class = \"three\", Class = \"one\"",
	"User-Name = order, User-Password = hello, NAS-Port = 10",
	"User-Name = order, User-Password = hello, NAS-Port = 11",
	"User-Name = order, User-Password = hello, NAS-Port = 20",
	"User-Name = order, User-Password = hello, NAS-Port = 2147483647",
	"User-Name = order, User-Password = hello, NAS-Port = 30, NAS-IP-Address = 10.0.0.4",
	"User-Name = order, User-Password = hello, NAS-Port = 30, NAS-IP-Address = 20.0.0.1",
	"User-Name = match, User-Password = hello, Called-Station-Id = \"00-11:guest\"",
	"User-Name = match, User-Password = hello, Called-Station-Id = \"home\"",
	"User-Name = match, User-Password = hello, Called-Station-Id = \"zz guest\"",
	"User-Name = match, User-Password = hello",
	"User-Name = words, User-Password = hello",
	"User-Name = words, User-Password = hello, NAS-Port = 7, Filter-Id = \"f\", Class = 0x01, Class = 0x02, NAS-IP-Address = 192.0.2.9",
	"User-Name = tags, User-Password = hello",
	"User-Name = vendor, User-Password = hello",
	"User-Name = md5crypt, User-Password = hello",
	"User-Name = header, User-Password = hello",
	"User-Name = header, User-Password = other",
	"User-Name = ssha, User-Password = hello",
	"User-Name = nt, User-Password = hello",
	"User-Name = nt, User-Password = other",
	"User-Name = accept, User-Password = any",
	"User-Name = reject, User-Password = hello",
	"User-Name = compared, User-Password = hello",
	"User-Name = compared, User-Password = other",
	"User-Name = replaced, User-Password = hello",
	"User-Name = replaced, User-Password = other",
	"User-Name = nobody, User-Password = hello",
	"User-Name = nobody, User-Password = hello, NAS-Port = 9",
}

// TestFreeRADIUSAgrees asks both servers the same with the same users file.
func TestFreeRADIUSAgrees(t *testing.T) {
	theirs := startFreeRADIUS(t, agreedUsers, `
	authorize {
		chap
		files
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
	}
`, "")
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/users": "$DIALECT freeradius\n" + agreedUsers}))
	for _, request := range agreedRequests {
		attributes := strings.Split(request, ", ")
		want := received(radclientTo(t, theirs, "auth", attributes, "-x", "-r", "1", "-t", "5"))
		got := radclient(t, s, "auth", "auth", attributes...)
		if diff := cmp.Diff(comparable(want), comparable(got)); diff != "" {
			t.Errorf("%s (-FreeRADIUS +perilune)\n%s", request, diff)
		}
	}
	if t.Failed() {
		t.Logf("%s", s.log)
	}
}

// proxySections and proxyToUs make FreeRADIUS forward everything to a port with a secret.
const proxySections = `
	authorize {
		update control {
			Proxy-To-Realm := "behind"
		}
	}
`

const proxyToUs = `
proxy_requests = yes
home_server perilune {
	type = auth
	ipaddr = 127.0.0.1
	port = %s
	secret = "%s"
}
home_server_pool perilune {
	type = fail-over
	home_server = perilune
}
realm behind {
	auth_pool = perilune
	nostrip
}
`

// TestBehindFreeRADIUS has FreeRADIUS forward to us: it hides passwords anew, signs, verifies our answers, checks
// that Proxy-State comes back, and encrypts salted values again for its own client.
func TestBehindFreeRADIUS(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/users":   interopUsers,
		"raddb/clients": fmt.Sprintf("127.0.0.1 %q front limit-proxy-state=yes require-message-authenticator=no\n", loopSecret),
	}))
	front := startFreeRADIUS(t, "", proxySections, fmt.Sprintf(proxyToUs, s.port("auth"), loopSecret))
	got := received(radclientTo(t, front, "auth", []string{"User-Name = hidden", "User-Password = hello", "Proxy-State = 0x6f757273"}, "-x", "-r", "1", "-t", "10"))
	want := []string{"Access-Accept", `Tunnel-Password:2 = "the password of the tunnel is long"`,
		"MS-MPPE-Send-Key = 0x00112233445566778899aabbccddeeff", "MS-MPPE-Recv-Key = 0xffeeddccbbaa99887766554433221100",
		"Proxy-State = 0x6f757273"}
	if diff := cmp.Diff(want, comparable(got)); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, s.log)
	}
	// The same without a signature is what BlastRADIUS needs.
	if got := received(runRadclient(t, s, "auth", "auth", []string{"User-Name = hidden", "User-Password = hello", "Proxy-State = 0x00"}, "-x", "-r", "1", "-t", "1")); got[0] != "no reply" {
		t.Errorf("unsigned with Proxy-State: %v", got)
	}
	s.expectLog(t, "verdict=discard reason=proxy-state")
}

// comparable leaves out what differs on purpose: Message-Authenticator, which the other server does not send
// unasked, and what an Access-Reject may not carry (RFC 2865 s5.44), which it sends.
func comparable(reply []string) []string {
	reject := reply[0] == "Access-Reject"
	return slices.DeleteFunc(slices.Clone(reply), func(line string) bool {
		return line == "Message-Authenticator" || reject && line != reply[0] && !strings.HasPrefix(line, "Reply-Message")
	})
}

const freeRADIUSConfig = `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = %[1]s
run_dir = %[1]s
log {
	destination = stdout
}
security {
	allow_core_dumps = no
	max_attributes = 200
	reject_delay = 0
	status_server = yes
}
modules {
	pap {
	}
	chap {
	}
	mschap {
		use_mppe = yes
		require_encryption = no
		require_strong = no
	}
	files {
		usersfile = %[1]s/users
	}
}
client loop {
	ipaddr = 127.0.0.1
	secret = "%[3]s"
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = %[2]d
	}
	%[4]s
}
%[5]s
`

// startFreeRADIUS runs FreeRADIUS on a free port, with a users file, sections of its virtual server and
// further configuration, and gives its address.
func startFreeRADIUS(t *testing.T, users, sections, more string) string {
	t.Helper()
	foreignTool(t, "radclient")
	tool := foreignTool(t, "freeradius")
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.LocalAddr().String()
	free.Close()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"users":        users,
		"radiusd.conf": fmt.Sprintf(freeRADIUSConfig, dir, free.LocalAddr().(*net.UDPAddr).Port, loopSecret, sections, more),
	})
	out := newWatchedLog()
	cmd := exec.Command(tool, "-f", "-l", "stdout", "-d", dir, "-D", "/usr/share/freeradius", "-n", "radiusd")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		cmd.Wait()
		ended <- cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
		}
	})
	if !out.wait("Ready to process requests", ended) {
		t.Fatalf("freeradius does not start:\n%s", out)
	}
	return address
}
