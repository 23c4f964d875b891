// Package nas knows who may speak: it reads the clients file and finds, for a source address, the client
// with the longest prefix. A client is named NAS in the RFCs; the file and this package say client.
package nas
