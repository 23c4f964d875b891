// Package pcap reads the UDP datagrams of captured packets: files of libpcap (both byte orders, microseconds and
// nanoseconds) and of pcapng, with the link layers that RADIUS servers are captured on. It puts IP fragments together.
// It trusts nothing that a file says of lengths, and keeps a bounded part of it in memory.
package pcap
