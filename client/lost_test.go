package client

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestEntriesWithOneName: servers report every entry of an upload, but keep only
// the last one of several with the same name. The add ended with a nil error,
// although a part of what was given was not pinned. This is B5 below the top level.
func TestEntriesWithOneName(t *testing.T) {
	for _, tc := range []struct {
		name   string
		upload func() files.Directory
		wrap   bool
		lost   string // the name in the error; empty if nothing is lost
	}{
		{"two files", func() files.Directory { return dirOf(sub("t", text("a", "1"), text("a", "2"))) }, false, `"t/a"`},
		{"two files at the top", func() files.Directory { return dirOf(text("a", "1"), text("b", ""), text("a", "2")) }, true, `"a"`},
		{"the same file twice", func() files.Directory { return dirOf(sub("t", text("a", "1"), text("a", "1"))) }, false, ""},
		{"a file and a directory", func() files.Directory { return dirOf(sub("t", text("a", "1"), sub("a", text("b", "2")))) }, false, `"t/a"`},
		{"a file and a file below it", func() files.Directory { return dirOf(sub("t", text("a", "1"), text("b", "1"), text("a/c", "2"))) }, false, `"t/a"`},
		{"one directory in two parts", func() files.Directory { return dirOf(sub("t", sub("a", text("b", "1")), sub("a", text("c", "2")))) }, false, ""},
		{"one directory in two parts, with one file twice", func() files.Directory {
			return dirOf(sub("t", sub("a", text("b", "1")), text("x", ""), sub("a", text("b", "2"))))
		}, false, `"t/a/b"`},
		{"the top directory in two parts", func() files.Directory { return dirOf(sub("t", text("a", "1")), sub("t", text("b", "2"))) }, false, ""},
		{"the top directory in two parts, with one directory twice", func() files.Directory {
			return dirOf(sub("t", sub("a", text("b", "1"))), sub("t", sub("a", text("c", "2"))))
		}, false, `"t/a"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cluster := clustertest.New(t, clustertest.Options{Peers: 1})
			c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
			params := api.DefaultAddParams()
			params.Wrap = tc.wrap
			err := c.AddMultiFile(t.Context(), files.NewMultiFileReader(tc.upload(), true, false), params, nil)
			switch {
			case tc.lost == "" && err != nil:
				t.Error(err)
			case tc.lost != "" && !errors.Is(err, ErrInvalid):
				t.Errorf("got the error %v, want one that wraps ErrInvalid", err)
			case tc.lost != "" && len(cluster.Pinset()) > 0:
				t.Error("the server has pinned the upload")
			}
		})
	}
}

func dirOf(entries ...files.DirEntry) files.Directory { return files.NewSliceDirectory(entries) }

func sub(name string, entries ...files.DirEntry) files.DirEntry {
	return files.FileEntry(name, dirOf(entries...))
}

func text(name, content string) files.DirEntry {
	return files.FileEntry(name, files.NewBytesFile([]byte(content)))
}

// TestUnverifiable: parameters that the client cannot compute with, but a server can,
// counted as a damaged upload. So the client blamed a proxy and asked for buffered
// reports from then on, and a load balancer sent the upload to every peer.
func TestUnverifiable(t *testing.T) {
	s := rawserver.New(t, func(r *http.Request) rawserver.Answer {
		_, _ = io.Copy(io.Discard, r.Body)
		return rawserver.AddStream([]string{`{"name":"a","cid":"bafkreidon73zkcrwdb5iafqtijxildoonbwnpv7dyd6ef3qdgads2jc4su"}`}).Answer()
	})
	var log bytes.Buffer
	c := newClient(t, &config.Config{URL: "http://" + s.Addr(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	params := api.DefaultAddParams()
	params.Chunker = "rabin-20"
	err := c.AddMultiFile(t.Context(), multiFile("a", "hello"), params, nil)
	var e *Error
	if !errors.Is(err, ErrInvalid) || errors.Is(err, ErrIncomplete) || !errors.As(err, &e) || !e.MayHaveExecuted {
		t.Errorf("got the error %v, want one that wraps ErrInvalid", err)
	}
	if strings.Contains(log.String(), "damaged") {
		t.Errorf("the client blames a proxy: %s", log.String())
	}
}
