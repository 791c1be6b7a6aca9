package api

import (
	"encoding/json"
	"testing"
)

// BenchmarkDecode measures decoding the first golden document of some types.
func BenchmarkDecode(b *testing.B) {
	bodies := make(map[string][]byte)
	for _, doc := range goldenDocuments(b) {
		if bodies[doc.Type] == nil {
			bodies[doc.Type] = []byte(doc.Body)
		}
	}
	for _, name := range []string{"GlobalPinInfo", "Pin", "AddedOutput", "ID"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(bodies[name])))
			b.ReportAllocs()
			for b.Loop() {
				if err := json.Unmarshal(bodies[name], newOf[name]()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
