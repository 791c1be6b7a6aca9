// Package api defines the values that the REST API of ipfs-cluster v1.1.6 sends
// and accepts: JSON documents, query parameters and the constants in them.
//
// Values are plain data without locks. Concurrent reads are safe; a write needs the
// caller's own synchronization.
//
// Upstream is the client inside ipfs-cluster v1.1.6. Numbers such as U8 refer to its
// faults, and numbers such as Q1 to quirks of its server. docs/upstream-faults.md in
// this module's repository lists both.
//
// # Encoding
//
// Encoding is exact. Decoding and encoding a document of a v1.1.6 server returns the
// same bytes, with the same field order, HTML escaping, and nulls and empty lists. A
// nil slice or map encodes as null, an empty one as [] or {}.
//
// # Decoding
//
// Decoding is tolerant, because documents come from peers of any version:
//
//   - unknown fields are ignored, and missing fields leave the zero value;
//   - a CID may be a string, the object {"/":"…"} of servers before v1.0.0, or null;
//   - a pin type may be a name or the number that servers before v1.0.0 send;
//   - a multiaddress is kept as text, even if its protocols are unknown;
//   - a peer ID may be empty or null, and an invalid peer ID does not make its
//     document invalid (see below);
//   - an unknown status name is kept (see [PinInfoShort]).
//
// If an UnmarshalJSON method returns an error, it leaves its target unchanged.
//
// # Peer IDs
//
// A [peer.ID] holds bytes, but documents hold text. The text of a valid peer ID in
// any encoding decodes to that peer ID. Other base58 text decodes to the bytes that
// it encodes, so that ID.String returns the text again. For any other text, the
// ID holds the bytes of the text itself. An ID that was decoded from anything but a
// valid peer ID is not valid: it cannot be dialled, and [PinOptions.Validate] refuses
// it. Text longer than any peer ID decodes to the empty ID.
package api
