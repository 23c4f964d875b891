package module

import (
	"context"
	"time"
)

// An HTTP is one server, or one balancer, that is asked by HTTP: its pool of connections and its breaker.
type HTTP interface {
	// Do sends a request. An answer with a status of 5xx is a Failure of kind status.
	Do(ctx context.Context, q *HTTPRequest) (*HTTPResponse, error)
}

// HTTPOptions describe a server that a script opens by http.open{…}.
type HTTPOptions struct {
	Base    string // "https://otp.example.net/v1"
	Timeout time.Duration
}

// An HTTPRequest is one request of a script.
type HTTPRequest struct {
	Method, Path string
	Query        [][2]string
	Headers      [][2]string
	Body         []byte
}

// An HTTPResponse is an answer, its body read whole.
type HTTPResponse struct {
	Status  int
	Headers map[string]string // names in lower case
	Body    []byte
}
