// Package pyxiswire is the wire protocol of the pyxis coordination service: its
// protobuf messages and their frames. The client (package pyxis) and the
// in-process test server use it.
//
// A frame, in both directions, is
//
//	offset  size  content
//	0       4     L, big-endian: the number of bytes that follow, 4 + N + 4
//	4       4     the magic, "pyxi"
//	8       N     a Request to the server, a Response to the client
//	8+N     4     Adler-32 of magic and payload, big-endian
//
// with MinLength <= L <= MaxLength. The protocol has no greeting, version or
// keepalive. AppendFrame writes frames, Reader reads them.
package pyxiswire

//go:generate protoc -I ../.. --go_out=../.. --go_opt=paths=source_relative internal/pyxiswire/pyxis.proto
