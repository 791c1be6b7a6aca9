package pyxiswire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/proto"
)

// raw builds a frame by hand, so that each part can be made wrong.
func raw(length uint32, magic, payload string, sumOff uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, length)
	b = append(b, magic+payload...)
	return binary.BigEndian.AppendUint32(b, adler32.Checksum(b[4:])+sumOff)
}

func TestReaderRefusesBrokenFrames(t *testing.T) {
	for name, test := range map[string]struct {
		in   []byte
		want error
	}{
		"nothing":                {nil, io.EOF},
		"cut in the length":      {[]byte{0, 0}, io.ErrUnexpectedEOF},
		"cut in the smallest":    {raw(8, "pyxi", "", 0)[:11], io.ErrUnexpectedEOF},
		"cut in the payload":     {raw(18, "pyxi", "0123456789", 0)[:15], io.ErrUnexpectedEOF},
		"cut in a large payload": {raw(1<<20+8, "pyxi", "0123456789", 0), io.ErrUnexpectedEOF},
		"length too small":       {raw(7, "pyxi", "", 0), ErrLength},
		"length zero":            {raw(0, "pyxi", "", 0), ErrLength},
		"length too large":       {raw(MaxLength+1, "pyxi", "", 0), ErrLength},
		"length negative":        {raw(1<<31, "pyxi", "", 0), ErrLength},
		"length all ones":        {raw(1<<32-1, "pyxi", "", 0), ErrLength},
		"wrong checksum":         {raw(8, "pyxi", "", 1), ErrChecksum},
		"wrong magic":            {raw(8, "pyxj", "", 0), ErrMagic},
		// Two things are wrong: the first check that fails counts.
		"wrong length and checksum": {raw(7, "pyxi", "", 1), ErrLength},
		"wrong checksum and magic":  {raw(8, "pyxj", "", 1), ErrChecksum},
	} {
		if _, err := NewReader(bytes.NewReader(test.in), 0).Next(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestReaderJudgesTheLengthOnlyOfASmallestFrame(t *testing.T) {
	pr, pw := io.Pipe()
	go func() {
		pw.Write([]byte{0, 0, 0, 7})
		pw.CloseWithError(errors.New("that was all"))
	}()
	if _, err := NewReader(pr, 0).Next(); errors.Is(err, ErrLength) {
		t.Errorf("four bytes were judged: %v", err)
	}
}

func TestReaderTakesFramesSplitAndJoined(t *testing.T) {
	sizes := []int{0, 1, 100, 32 << 10, 32<<10 - 12, 32<<10 - 11, 200_000, 5, 300_000, 0}
	var stream []byte
	for i, n := range sizes {
		var err error
		stream, err = AppendFrame(stream, &Response{Xid: proto.Uint64(uint64(i)), Data: bytes.Repeat([]byte{byte(i)}, n)})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, source := range map[string]io.Reader{
		"joined": bytes.NewReader(stream),
		"halves": iotest.HalfReader(bytes.NewReader(stream)),
		"errors": iotest.DataErrReader(bytes.NewReader(stream)),
		"bytes":  iotest.OneByteReader(bytes.NewReader(stream)),
	} {
		r := NewReader(source, 0)
		for i, n := range sizes {
			payload, err := r.Next()
			if err != nil {
				t.Fatalf("%s: frame %d: %v", name, i, err)
			}
			m, err := DecodeResponse(payload)
			if err != nil || m.GetXid() != uint64(i) || len(m.Data) != n || strings.Trim(string(m.Data), string(rune(i))) != "" {
				t.Fatalf("%s: frame %d: xid %d, %d bytes, %v", name, i, m.GetXid(), len(m.GetData()), err)
			}
		}
		if _, err := r.Next(); err != io.EOF || r.Buffered() != 0 {
			t.Errorf("%s: end: %v, %d bytes buffered", name, err, r.Buffered())
		}
	}
}

func TestReaderAllocatesNoMoreThanArrives(t *testing.T) {
	// P20: eight bytes made the older client allocate up to 4 GiB.
	frame := raw(MaxLength, "pyxi", strings.Repeat("x", 64<<10), 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := NewReader(bytes.NewReader(frame), 0).Next(); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 2<<20 {
		t.Errorf("64 KiB that announce 64 MiB made the reader allocate %d bytes", n)
	}
}

func TestReaderKeepsItsOwnLimit(t *testing.T) {
	frame, err := AppendFrame(nil, &Response{Data: make([]byte, 100)})
	if err != nil {
		t.Fatal(err)
	}
	length := len(frame) - 4
	if _, err := NewReader(bytes.NewReader(frame), length).Next(); err != nil {
		t.Errorf("a frame as long as the limit: %v", err)
	}
	if _, err := NewReader(bytes.NewReader(frame), length-1).Next(); !errors.Is(err, ErrLength) {
		t.Errorf("a frame longer than the limit: %v", err)
	}
}

func TestAppendFrameRefuses(t *testing.T) {
	dst := []byte("kept")
	got, err := AppendFrame(dst, &Request{Write: &WriteRequest{Path: proto.String("/p")}})
	if !errors.Is(err, ErrPayload) || string(got) != "kept" {
		t.Errorf("a write without data: %q, %v", got, err)
	}
	got, err = AppendFrame(dst, &Response{Data: make([]byte, MaxLength)})
	if !errors.Is(err, ErrLength) || string(got) != "kept" {
		t.Errorf("too long: %q, %v", got, err)
	}
}

func TestDecodeTolerance(t *testing.T) {
	// write{path "/p"} without its data; field 15 is unknown.
	if _, err := DecodeRequest(unhex("52040a022f70")); !errors.Is(err, ErrPayload) {
		t.Errorf("a request without a required field: %v", err)
	}
	if m, err := DecodeRequest(unhex("10057801")); err != nil || m.GetXid() != 5 {
		t.Errorf("a request with an unknown field: %v, %v", m, err)
	}
	// err{data "x"} without a type, then err with the unknown type 99.
	if m, err := DecodeResponse(unhex("1203120178")); err != nil || m.GetErr().Type != nil {
		t.Errorf("an error without type: %v, %v", m, err)
	}
	if m, err := DecodeResponse(unhex("12020863")); err != nil || m.GetErr().GetType() != 99 {
		t.Errorf("an error of unknown type: %v, %v", m, err)
	}
	if _, err := DecodeResponse([]byte("\xff\xff")); !errors.Is(err, ErrPayload) {
		t.Errorf("garbage: %v", err)
	}
}

func TestValidPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/a": true, "/a/b-c_d.e/..": true, "//a": true, "/a/": true,
		"/" + strings.Repeat("x", 4094): true, "/" + strings.Repeat("x", 4095): false,
		"": false, "a": false, "/a b": false, "/#": false, "/ä": false, "/\x00": false,
	} {
		if ValidPath(path) != want {
			t.Errorf("ValidPath(%.20q) = %v", path, !want)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.frame)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in), 0)
		for {
			payload, err := r.Next()
			if err != nil {
				return
			}
			DecodeRequest(payload)
			DecodeResponse(payload)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	frame, _ := AppendFrame(nil, vectors["stat-answer"])
	var buf []byte
	for b.Loop() {
		buf, _ = AppendFrame(buf[:0], vectors["stat-watch"])
		payload, err := NewReader(bytes.NewReader(frame), 0).Next()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := DecodeResponse(payload); err != nil {
			b.Fatal(err)
		}
	}
}
