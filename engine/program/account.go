package program

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// DefaultUser is whom programs run as if nothing else is said and the server is root.
const DefaultUser = "daemon"

// An Account is whom programs run as. The zero Account is the server's own, and of no use if that is root.
type Account struct {
	Name     string
	UID, GID uint32
	Switch   bool // the server is root and changes to the account
}

// errRoot keeps a server that is root from running programs as root by oversight.
var errRoot = errors.New("the server is root and no account is known to run programs as")

// Lookup finds the account of a name; "" is DefaultUser if the server is root, else the server's own. A server
// that is not root cannot run programs as somebody else.
func Lookup(name string) (Account, error) { return lookup(name, os.Geteuid(), user.Lookup) }

func lookup(name string, own int, find func(string) (*user.User, error)) (Account, error) {
	if name == "" && own != 0 {
		return Account{}, nil
	}
	if name == "" {
		name = DefaultUser
	}
	u, err := find(name)
	var unknown user.UnknownUserError
	switch {
	case errors.As(err, &unknown):
		return Account{}, fmt.Errorf("there is no user %q on this machine", name)
	case err != nil:
		return Account{}, fmt.Errorf("user %q: %w", name, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return Account{}, fmt.Errorf("user %q has the number %q", name, u.Uid)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return Account{}, fmt.Errorf("user %q has the group %q", name, u.Gid)
	}
	a := Account{Name: name, UID: uint32(uid), GID: uint32(gid), Switch: own == 0}
	if own != 0 && int(uid) != own {
		return Account{}, fmt.Errorf("programs can run as %q only if the server is root; expected the server's own user, or nothing", name)
	}
	return a, nil
}

// String gives the account with its numbers.
func (a Account) String() string {
	if a.Name == "" {
		return "the server's own"
	}
	return fmt.Sprintf("%s (%d:%d)", a.Name, a.UID, a.GID)
}

// attributes gives what a new process is made with: a group of its own and, for root, the account without
// supplementary groups.
func (a Account) attributes() (*syscall.SysProcAttr, error) {
	sys := &syscall.SysProcAttr{Setpgid: true}
	switch {
	case a.Switch:
		sys.Credential = &syscall.Credential{Uid: a.UID, Gid: a.GID}
	case os.Geteuid() == 0:
		return nil, errRoot
	}
	return sys, nil
}
