// Package pyxiswire is the wire of the pyxis coordination service: its
// protobuf messages and the frames they travel in. The client (package pyxis)
// and the in-process test server both build on it.
//
// A frame, in both directions, is
//
//	offset  size  content
//	0       4     L, big-endian: how many bytes follow, 4 + N + 4
//	4       4     the magic, "pyxi"
//	8       N     a Request to the server, a Response to the client
//	8+N     4     Adler-32 of magic and payload, big-endian
//
// with MinLength <= L <= MaxLength. There is no greeting, no version and no
// keep-alive. AppendFrame writes frames, Reader reads them.
package pyxiswire

//go:generate protoc -I ../.. --go_out=../.. --go_opt=paths=source_relative internal/pyxiswire/pyxis.proto
