package golden

import (
	"bytes"
	"encoding/json"
	"io"
)

// maxSeed is the maximum length of a body that is a seed of a fuzz test, in bytes.
const maxSeed = 8 << 10

// EachBody calls add with each response whose body is short and known, and with
// that body. Fuzz tests use the bodies as seeds.
func EachBody(add func(Response, []byte)) error {
	files, err := Files()
	if err != nil {
		return err
	}
	for _, file := range files {
		for _, c := range file.Cases {
			if body, known := c.Response.Body.Bytes(); known && len(body) < maxSeed {
				add(c.Response, body)
			}
		}
	}
	return nil
}

// Items returns the texts of the items of a listing. The body is one array or a
// sequence of documents. It is decoded with encoding/json alone.
func Items(body []byte) (items []string, err error) {
	var array []json.RawMessage
	if json.Unmarshal(body, &array) == nil { // null is an empty array
		for _, item := range array {
			items = append(items, string(item))
		}
		return items, nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		var item json.RawMessage
		if err := dec.Decode(&item); err != nil {
			if err == io.EOF {
				err = nil
			}
			return items, err
		}
		items = append(items, string(item))
	}
}
