package pyxiswire

// Event bits, of WatchEvent.type and WatchRequest.watch.
const (
	EventCreate   uint32 = 1
	EventDelete   uint32 = 2
	EventModify   uint32 = 4
	EventChildren uint32 = 8
)

// FlagEphemeral is the bit of CreateRequest.flags and Node.flags that ties a
// node to the session that creates it.
const FlagEphemeral = 1

// MaxPath is the longest path, in bytes.
const MaxPath = 4095

// MaxNode is the longest data of a create, and the longest encoded Node after
// a write or after the creation of a child, in bytes.
const MaxNode = 1 << 20

// Reserved is the prefix (of the string, not of its components) under which
// nobody may create nodes.
const Reserved = "/pyxis"

// ValidPath tells whether the server takes path: it starts with '/', has 1 to
// MaxPath bytes and holds only letters, digits and "_/.-". The server does not
// mind empty components.
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
