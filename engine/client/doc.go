// Package client sends requests: it reads radius.conf(5), signs a request for one server after another,
// retransmits, and gives the first reply that is proved to belong to it.
package client
