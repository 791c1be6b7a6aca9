package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"sync/atomic"
	"time"
)

// pinLine returns a line of a listing of pins.
func pinLine() ([]byte, error) {
	docs, err := newDocuments()
	if err != nil {
		return nil, err
	}
	pins, err := docs.pins()
	return pins[:bytes.IndexByte(pins, '\n')+1], err
}

// servePins is what the process of pinSinks does: it prints the addresses of its servers,
// serves until its input ends, and prints the number of writes.
func servePins(setting string, in io.Reader, out io.Writer) error {
	var n int
	var text string
	if _, err := fmt.Sscan(setting, &n, &text); err != nil {
		return err
	}
	delay, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	line, err := pinLine()
	if err != nil {
		return err
	}
	h := &pinHandler{list: streamingDistinct(line, n), empty: n == 0, delay: delay}
	before, rest, _ := bytes.Cut(line, []byte(`"cid":"`))
	h.before = append(bytes.Clone(before), `"cid":"`...)
	_, h.after, _ = bytes.Cut(rest, []byte(`"`))
	var addrs []string
	for range 3 {
		s, err := serve(h)
		if err != nil {
			return err
		}
		defer s.close()
		addrs = append(addrs, s.listener.Addr().String())
	}
	if err := json.NewEncoder(out).Encode(addrs); err != nil {
		return err
	}
	_, read := io.Copy(io.Discard, in)
	return errors.Join(read, json.NewEncoder(out).Encode(h.writes.Load()))
}

// pinHandler lists pins, and answers each write with a pin.
type pinHandler struct {
	list          http.HandlerFunc
	empty         bool
	before, after []byte // what surrounds the CID of a pin
	delay         time.Duration
	writes        atomic.Int64
}

func (h *pinHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && h.empty:
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method == http.MethodGet:
		h.list(w, r)
		return
	}
	h.writes.Add(1)
	time.Sleep(h.delay)
	w.Header().Set("Content-Type", "application/json")
	answer := append(bytes.Clone(h.before), path.Base(r.URL.Path)...)
	_, _ = w.Write(append(append(answer, '"'), h.after...)) // the client reports failures
}
