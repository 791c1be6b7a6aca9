// Package api holds the values that the REST API of ipfs-cluster v1.1.6 sends
// and accepts: JSON documents, query parameters and the constants in them.
//
// Encoding is exact. What a v1.1.6 server sent, decoded and encoded again,
// gives the same bytes: field order, null against empty lists, HTML escaping.
// A nil slice or map encodes as null, an empty one as [] or {}.
//
// Decoding is tolerant, because documents come from peers of any version:
//
//   - unknown fields are ignored and missing ones leave the zero value;
//   - a CID may be a string, the object {"/":"…"} of servers before v1.0.0, or null;
//   - a pin type may be a name or the number of servers before v1.0.0;
//   - a multiaddress is kept as the text it was, also when its protocols are unknown;
//   - a peer ID may be empty or null, and one that is not a valid peer ID does
//     not fail its document (see below);
//   - an unknown status name is kept (see [PinInfoShort]).
//
// UnmarshalJSON methods never decode by half: on error, the target is unchanged.
//
// # Peer IDs
//
// A [peer.ID] is bytes, and text on the wire. Text that is a valid peer ID in
// any of its encodings becomes that peer ID. Other text in base58 becomes the
// bytes that it encodes, so that ID.String returns the text. Anything else is
// kept verbatim as the bytes of the ID. Neither of the last two is valid for
// dialling; [PinOptions.Validate] refuses them. Text longer than any peer ID is
// dropped, and leaves an empty ID.
//
// Values are plain data without locks: concurrent reads are safe, a write needs
// the caller's own synchronization.
package api
