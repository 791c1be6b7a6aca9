package clustertest

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// OmitItem drops item n, counted from 0, of the answer's body. The items are the
// documents of a stream, or the elements of an array.
func OmitItem(n int) Effect {
	return replaceItem(n, func([]byte) [][]byte { return nil })
}

// DoubleItem sends item n of the answer's body twice; see OmitItem.
func DoubleItem(n int) Effect {
	return replaceItem(n, func(item []byte) [][]byte { return [][]byte{item, item} })
}

// replaceItem sends what replacement returns instead of item n.
func replaceItem(n int, replacement func(item []byte) [][]byte) Effect {
	return filter(func() func(http.ResponseWriter, []byte) (int, error) {
		items := 0
		// edit returns the items to send instead of the next one.
		edit := func(item []byte) [][]byte {
			items++
			if items == n+1 {
				return replacement(item)
			}
			return [][]byte{item}
		}
		return func(w http.ResponseWriter, b []byte) (int, error) {
			if _, err := w.Write(editItems(b, edit)); err != nil {
				return 0, err
			}
			return len(b), nil
		}
	})
}

// editItems applies edit to the items in b, which holds an array or whole documents of
// a stream.
func editItems(b []byte, edit func(item []byte) [][]byte) []byte {
	var elements []json.RawMessage
	if err := json.Unmarshal(b, &elements); err == nil {
		var kept [][]byte
		for _, e := range elements {
			kept = append(kept, edit(e)...)
		}
		return append(append([]byte("["), bytes.Join(kept, []byte(","))...), "]\n"...)
	}
	var kept []byte
	for len(b) > 0 {
		item := firstItem(b)
		b = b[len(item):]
		kept = append(kept, bytes.Join(edit(item), nil)...)
	}
	return kept
}
