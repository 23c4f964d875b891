package server

// A Trace records the steps of one request for explain and trace. It is bounded and holds no secrets.
type Trace struct{}
