// Command ingest serves HTTP and adds each file that is posted to it to a cluster:
//
//	ingest 127.0.0.1:8080 /ip4/10.0.0.1/tcp/9094,/ip4/10.0.0.2/tcp/9094
//	curl --data-binary @report.pdf http://127.0.0.1:8080/files/report.pdf
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: ingest HOST:PORT ADDRESS[,ADDRESS…]")
	}
	cfgs, err := config.ParseAddrs(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	c, err := lbclient.NewFromConfigs(&strategy.LeastLoaded{}, cfgs, 3)
	if err != nil {
		log.Fatal(err)
	}
	limits := limits{bytes: 1 << 30, atOnce: 16, duration: time.Hour}
	server := &http.Server{Addr: os.Args[1], Handler: newHandler(c, limits), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// limits are the limits of a handler.
type limits struct {
	bytes    int64         // of an upload
	atOnce   int           // number of uploads at a time
	duration time.Duration // of an upload
}

// handler adds what is posted, and answers with the root. An upload whose client goes
// away, or that exceeds a limit, is ended, and nothing of it is pinned.
type handler struct {
	client client.Client
	limits limits
	slots  chan struct{} // holds a value for each upload
}

func newHandler(c client.Client, l limits) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /files/{name}", &handler{c, l, make(chan struct{}, l.atOnce)})
	return mux
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many uploads at a time: try again", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.limits.duration)
	defer cancel()
	body := http.MaxBytesReader(w, r.Body, h.limits.bytes)
	added, err := client.AddReader(ctx, h.client, r.PathValue("name"), body, nil)
	if err != nil {
		slog.WarnContext(ctx, "an upload failed", "name", r.PathValue("name"), "error", err)
		status, text := answerTo(err)
		http.Error(w, text, status)
		return
	}
	fmt.Fprintln(w, added.Root)
}

// answerTo returns the status and the text of the answer to a failed upload. The text
// does not say where the cluster is.
func answerTo(err error) (int, string) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("an upload may have %d bytes", tooLarge.Limit)
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusRequestTimeout, "the upload took too long"
	case errors.Is(err, client.ErrInvalid), errors.Is(err, client.ErrSource):
		return http.StatusBadRequest, "the upload is incomplete or has no valid name"
	}
	return http.StatusBadGateway, "the cluster did not take the upload: try again"
}
