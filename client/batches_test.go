package client

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

// manyCids returns n different CIDs, alternating between version 0 and 1.
func manyCids(n int) []cid.Cid {
	cids := make([]cid.Cid, n)
	for i := range cids {
		mh, err := multihash.Sum(binary.BigEndian.AppendUint64(nil, uint64(i)), multihash.SHA2_256, -1)
		if err != nil {
			panic(err)
		}
		if cids[i] = cid.NewCidV0(mh); i%2 == 1 {
			cids[i] = cid.NewCidV1(cid.Raw, mh)
		}
	}
	return cids
}

// listStatus answers GET /pins?cids=… as a real server does.
func listStatus(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", trailerError)
	for text := range strings.SplitSeq(r.URL.Query().Get("cids"), ",") {
		fmt.Fprintln(w, strings.Replace(statusA, textA, text, 1))
	}
	w.Header().Set(trailerError, "")
}

// httpServer returns a client of a net/http server that has the header limit of
// cluster peers.
func httpServer(t *testing.T, cfg config.Config, handler http.HandlerFunc) *defaultClient {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.MaxHeaderBytes = 4096
	s.Start()
	t.Cleanup(s.Close)
	cfg.URL = s.URL + cfg.URL
	return newClient(t, &cfg)
}

// U13: a long list of CIDs, or long options, made a request line that the server
// rejects with 431, or accepts on a reused connection. Now the client requests CIDs
// in batches that fit next to the other headers, and always rejects requests that do
// not fit, with a helpful error.
func TestU13HeaderLimit(t *testing.T) {
	var requests atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		listStatus(w, r)
	}
	cids := manyCids(1000)
	for name, cfg := range map[string]config.Config{
		"default":                  {},
		"base path and headers":    {URL: "/" + strings.Repeat("b", 500), Headers: http.Header{"X-Long": {strings.Repeat("h", 2500)}}},
		"long token":               {Token: strings.Repeat("t", 3000)},
		"without idle connections": {DisableKeepAlives: true},
	} {
		t.Run(name, func(t *testing.T) {
			requests.Store(0)
			c := httpServer(t, cfg, handler)
			for range 2 {
				infos, err := collect(c.StatusCids(t.Context(), append(cids, cids[:3]...), true))
				if err != nil || len(infos) != len(cids) {
					t.Fatalf("%d items, error %v", len(infos), err)
				}
				for i, info := range infos {
					if info.Cid.Cid != cids[i] {
						t.Fatalf("item %d is %s", i, info.Cid)
					}
				}
			}
			if n := requests.Load(); n < 2*8 || n > 2*16 {
				t.Errorf("%d requests", n)
			}
		})
	}
	requests.Store(0)
	c := httpServer(t, config.Config{}, handler)
	_, err := c.Pin(t.Context(), cidA, api.PinOptions{Metadata: map[string]string{"k": strings.Repeat("v", 8000)}})
	if !isInvalid(err) || !strings.Contains(err.Error(), "8192") {
		t.Error(err)
	}
	if _, err := c.Metrics(t.Context(), strings.Repeat("m", 9000)); !isInvalid(err) {
		t.Error(err)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// U12: an empty list of CIDs, or an empty set of types, was sent as an empty
// parameter. The server ignores an empty filter, and listed everything.
func TestU12EmptyFilters(t *testing.T) {
	c := httpServer(t, config.Config{}, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for range c.StatusCids(t.Context(), nil, false) {
		t.Error("an item of an empty list")
	}
	for _, filter := range []api.PinType{0, api.BadType, api.BadType | api.DataType, 1 << 9} {
		if _, err := collect(c.Allocations(t.Context(), filter)); !isInvalid(err) {
			t.Errorf("type filter %d: %v", filter, err)
		}
	}
	if _, err := collect(c.StatusCids(t.Context(), []cid.Cid{cidA, cid.Undef}, false)); !isInvalid(err) {
		t.Errorf("undefined CID: %v", err)
	}
}

// U8: a status filter was sent with every name that shares a bit with it, which
// widens the filter: 544 became 1568. Now the query contains exactly the filter.
func TestU8StatusFilterIsExact(t *testing.T) {
	var query atomic.Value
	c := httpServer(t, config.Config{}, func(w http.ResponseWriter, r *http.Request) {
		query.Store(r.URL.RawQuery)
		w.WriteHeader(http.StatusNoContent)
	})
	for _, test := range []struct {
		filter api.TrackerStatus
		local  bool
		want   string
	}{
		{0, false, "local=false"},
		{api.TrackerStatusPinned, true, "local=true&filter=pinned"},
		{api.TrackerStatusPinError | api.TrackerStatusPinned, false, "local=false&filter=pin_error%2Cpinned"},
		{api.TrackerStatusPinning | api.TrackerStatusPinQueued, false, "local=false&filter=pinning%2Cpin_queued"},
		{api.TrackerStatusQueued, false, "local=false&filter=queued"},
		{api.TrackerStatusError | api.TrackerStatusRemote, false, "local=false&filter=error%2Cremote"},
	} {
		infos, err := collect(c.StatusAll(t.Context(), test.filter, test.local))
		if got := query.Load(); got != test.want || err != nil || len(infos) != 0 {
			t.Errorf("%d: query %s, want %s; error %v", test.filter, got, test.want, err)
		}
	}
	for _, filter := range []api.TrackerStatus{1, api.TrackerStatusPinned | 1, 1 << 20, -1} {
		if _, err := collect(c.StatusAll(t.Context(), filter, false)); !isInvalid(err) {
			t.Errorf("filter %d: %v", filter, err)
		}
	}
}

// Servers before v0.14.5 do not know the cids parameter and list the whole pinset.
// The client requests this list once, and then each missing CID alone.
func TestStatusCidsOfOldServers(t *testing.T) {
	cids := manyCids(300)
	listed := append([]cid.Cid{cidA, cidB}, cids[:290]...)
	lists, single := 0, 0
	c := httpServer(t, config.Config{}, func(w http.ResponseWriter, r *http.Request) {
		if text, ok := strings.CutPrefix(r.URL.Path, "/pins/"); ok {
			single++
			fmt.Fprintln(w, strings.Replace(statusA, textA, text, 1))
			return
		}
		lists++
		var items []string
		for _, ci := range listed {
			items = append(items, strings.Replace(statusA, textA, ci.String(), 1))
		}
		fmt.Fprintf(w, "[%s]\n", strings.Join(items, ","))
	})
	infos, err := collect(c.StatusCids(t.Context(), cids, false))
	if err != nil || len(infos) != len(cids) || lists != 1 || single != 10 {
		t.Errorf("%d items by %d lists and %d single requests, error %v", len(infos), lists, single, err)
	}
	seen := map[string]bool{}
	for _, info := range infos {
		if seen[info.Cid.String()] {
			t.Errorf("%s was reported twice", info.Cid)
		}
		seen[info.Cid.String()] = true
	}
}

// A listing without one of the requested CIDs is incomplete. A CID that the server
// reports twice is yielded once.
func TestStatusCidsIncomplete(t *testing.T) {
	c := httpServer(t, config.Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", trailerError)
		fmt.Fprintln(w, statusA)
		fmt.Fprintln(w, statusA)
		w.Header().Set(trailerError, "")
	})
	infos, err := collect(c.StatusCids(t.Context(), []cid.Cid{cidA, cidB}, false))
	if len(infos) != 1 || !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), textB) {
		t.Errorf("%d items, error %v", len(infos), err)
	}
}
