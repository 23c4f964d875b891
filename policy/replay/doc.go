// Package replay decides requests again that were decided before, by other files, and tells what would change. Nothing
// leaves the process meanwhile: no packet is sent, no backend is asked, no record is written.
//
// Requests come from three places: a record that the server has written (Recorder, Read), a capture of packets (with
// engine/pcap), and the traffic of a running server (Shadow). Each becomes a Case; an Engine runs Cases through a
// generation, and a Report gathers what differs.
//
// # What is not known any more
//
// A record holds no secrets. Of a password it says whether it was right, and that decides wherever the generation at
// hand compares it with a stored one. A handler that reads the password itself, or asks a backend whose answer was not
// recorded, makes the request not comparable: it is counted apart from those that change.
package replay
