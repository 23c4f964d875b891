package server

import (
	"net"
	"slices"
	"sync"
)

// A port is the sockets of one listener: for each loop one, and beside it a lane for those who send too much (overload.go).
type port struct {
	conns []*net.UDPConn
	lanes []*net.UDPConn // by loop; none where the kernel cannot steer,

	unsteered error // for this reason; nil: none were asked for

	mu    sync.Mutex
	noisy [][]held // by loop: whom it wants to have steered; protected by mu, as is the kernel's program
}

// portSources is for how many sources the kernel's program is at most, but for one of each loop: older kernels take no
// larger one (net.core.optmem_max, 20 KiB, once it is translated).
const portSources = 56

// sources gives how many sources each loop may have steered.
func (p *port) sources() int {
	return min(overloadSources, max(1, portSources/len(p.conns)))
}

// openLanes gives the port lanes. They serve from the moment on in which the kernel has a program.
func (p *port) openLanes(open func() (*net.UDPConn, error)) error {
	for range p.conns {
		lane, err := open()
		if err != nil {
			p.closeLanes()
			return err
		}
		p.lanes = append(p.lanes, lane)
	}
	p.noisy = make([][]held, len(p.conns))
	if err := p.direct(p.noisy); err != nil {
		p.closeLanes()
		return err
	}
	return nil
}

// steer makes the kernel steer the sources into the lane of a loop, as far as they come to that loop. A source's datagrams
// never change the loop.
func (p *port) steer(loop int, sources []held) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.noisy[loop]
	p.noisy[loop] = slices.Clone(sources)
	err := p.direct(p.noisy)
	if err != nil {
		p.noisy[loop] = before
	}
	return err
}

func (p *port) closeLanes() {
	for _, lane := range p.lanes {
		lane.Close()
	}
	p.lanes = nil
}

// close closes all sockets.
func (p *port) close() {
	for _, conn := range slices.Concat(p.conns, p.lanes) {
		conn.Close()
	}
}
