package server

import (
	"net/netip"
	"path/filepath"
)

// homeTable names the file of home servers that must sign their answers.
func homeTable(stateDir string) string {
	if stateDir == "" {
		return ""
	}
	return filepath.Join(stateDir, "home-message-authenticator")
}

// HomeSigns reports whether a home server has once signed an answer with Message-Authenticator: all its answers must
// have it then. It is proxy.ForwarderOptions.Learnt.
func (c *Core) HomeSigns(at netip.AddrPort) bool { return c.homes.knows(at.Addr(), c.now()) }

// LearnHome remembers that a home server signs. It is proxy.ForwarderOptions.Learn.
func (c *Core) LearnHome(at netip.AddrPort) {
	if !c.homes.knows(at.Addr(), c.now()) && c.homes.learn(at.Addr(), "", "", c.now()) {
		c.log.Info("Message-Authenticator is required of a home server from now on", "address", at.String())
	}
}

// LearntHomes gives the home servers that must sign their answers, in order.
func (c *Core) LearntHomes() []Learnt { return c.homes.list() }

// forgetHome takes answers without Message-Authenticator from an address again.
func (c *Core) forgetHome(addr netip.Addr) bool {
	ok := c.homes.forget(addr)
	if c.forwarder == nil {
		return ok
	}
	for _, h := range c.forwarder.Homes() {
		if h.Address.Addr() == addr && c.forwarder.Forget(h.Address) {
			ok = true
		}
	}
	return ok
}
