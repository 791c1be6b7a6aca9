package pyxiswire

// Event bits of WatchEvent.type and WatchRequest.watch.
const (
	EventCreate   uint32 = 1
	EventDelete   uint32 = 2
	EventModify   uint32 = 4
	EventChildren uint32 = 8
)

// FlagEphemeral is a bit of CreateRequest.flags and Node.flags. It means that
// the node is deleted with the session that created it.
const FlagEphemeral = 1

// MaxPath is the length of the longest path, in bytes.
const MaxPath = 4095

// MaxNode is the limit for the data of a create, and for the encoded Node after
// a write or after the creation of a child, in bytes.
const MaxNode = 1 << 20

// Reserved is the prefix of the paths at which clients cannot create nodes. The
// server compares strings, not path components, so "/pyxis2" is reserved too.
const Reserved = "/pyxis"

// ValidPath reports whether the server accepts path: it starts with '/', has 1
// to MaxPath bytes, and contains only letters, digits and "_/.-". The server
// accepts empty components.
func ValidPath(path string) bool {
	if len(path) == 0 || len(path) > MaxPath || path[0] != '/' {
		return false
	}
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '/', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}
