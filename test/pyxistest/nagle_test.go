package pyxistest

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// TestMemoryNagle writes to a memory connection with Nagle's algorithm and checks
// when the bytes arrive.
func TestMemoryNagle(t *testing.T) {
	tests := []struct {
		name   string
		writes []int         // numbers of bytes, written without a pause
		reply  time.Duration // when the client sends something; 0 means never
		want   []time.Duration
	}{
		{"one small write is not held", []int{1}, 0, []time.Duration{0}},
		{"the second waits for a delayed acknowledgement", []int{1, 1}, 0, []time.Duration{0, ackDelay}},
		{"those that wait are sent together", []int{1, 1, 1}, 0, []time.Duration{0, ackDelay, ackDelay}},
		{"what the client sends acknowledges", []int{1, 1}, time.Millisecond, []time.Duration{0, time.Millisecond}},
		{"a full segment is not held", []int{1, segment}, 0, []time.Duration{0, 0}},
		{"a full segment releases what waits", []int{1, 1, segment}, 0, []time.Duration{0, 0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server, stop, err := memoryConns(true)
				if err != nil {
					t.Fatal(err)
				}
				defer stop()
				start := time.Now()
				for _, n := range test.writes {
					if _, err := server.Write(make([]byte, n)); err != nil {
						t.Fatal(err)
					}
				}
				if test.reply > 0 {
					time.AfterFunc(test.reply, func() { _, _ = client.Write([]byte("x")) })
				}
				for i, n := range test.writes {
					if _, err := io.ReadFull(client, make([]byte, n)); err != nil {
						t.Fatal(err)
					}
					if got := time.Since(start); got != test.want[i] {
						t.Errorf("write %d arrived after %v, want %v", i, got, test.want[i])
					}
				}
			})
		})
	}
}

// TestMemoryNagleSpacedWrites checks that a write is not held once earlier ones
// are acknowledged.
func TestMemoryNagleSpacedWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, stop, err := memoryConns(true)
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		for range 3 {
			start := time.Now()
			if _, err := server.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start); got != 0 {
				t.Errorf("arrived after %v, want at once", got)
			}
			time.Sleep(2 * ackDelay)
		}
	})
}

// TestMemoryNagleClose checks that bytes that are held back are sent before the
// end of the stream.
func TestMemoryNagleClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, stop, err := memoryConns(true)
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		for _, text := range []string{"a", "b", "c"} {
			if _, err := server.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		_ = server.Close()
		if got, err := io.ReadAll(client); string(got) != "abc" || err != nil {
			t.Errorf("read %q, %v, want abc", got, err)
		}
	})
}
