package server

// unkept is a Recorder that has kept at once what it is given.
type unkept struct{}

func (unkept) Append(_ []byte, done func(error)) { done(nil) }

func (unkept) Healthy() bool { return true }
