package sandbox

import "io"

// A pace lets others run while much is done in small steps.
type pace struct {
	yield func() // never nil
	steps int
}

const (
	paceSteps  = 128 // tokens or nodes between two yields: some 30 to 50 µs
	paceOctets = 512 // of a source, which the parser reads as it goes
)

// newPace gives one for Options.Yield.
func newPace(yield func()) *pace {
	if yield == nil {
		yield = func() {}
	}
	return &pace{yield: yield}
}

// step counts one step.
func (p *pace) step() {
	if p.steps++; p.steps%paceSteps == 0 {
		p.yield()
	}
}

// A pacedReader gives a source in small pieces: the parser itself cannot be asked to yield.
type pacedReader struct {
	rest []byte
	pace *pace
}

func (r *pacedReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	r.pace.yield()
	n := copy(p, r.rest[:min(len(r.rest), paceOctets)])
	r.rest = r.rest[n:]
	return n, nil
}
