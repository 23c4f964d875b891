// Package proxy sends requests on to home servers. It reads the realms file (Load, Realms), which says where
// users of other organisations belong, and carries requests there and answers back (Forwarder, Exchange).
//
// A request out is an Exchange; it has one identifier of one socket of one home server, a timer in that server's
// wheel, and nothing else: no goroutine and no allocation. One goroutine turns the timers of all home servers,
// one reads each socket. An exchange is protected by the mutex of the home server whose identifier it has; who
// takes it out of there owns it alone, sends it to the next server, or gives it back by Done.
package proxy
