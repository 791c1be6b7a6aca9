package api

import "encoding/json"

// jsonString decodes a JSON string. null decodes to the empty string. Nearly all
// strings of the API are printable ASCII without escapes, which need no parser.
func jsonString(b []byte) (string, error) {
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' && isPlain(b[1:n-1]) {
		return string(b[1 : n-1]), nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return "", err
	}
	return text, nil
}

// isPlain reports whether the inside of a JSON string is printable ASCII without
// escapes.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
