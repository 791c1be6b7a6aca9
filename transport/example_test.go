package transport_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
)

// An Endpoint performs requests, and reports with a DialError that a request was
// not sent.
func ExampleOpen() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path)
	}))
	defer server.Close()

	endpoint, err := transport.Open(&config.Config{URL: server.URL, BasePath: "/cluster"})
	if err != nil {
		fmt.Println(err)
		return
	}
	request, err := http.NewRequest(http.MethodGet, endpoint.BaseURL.JoinPath("id").String(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := endpoint.RoundTripper.RoundTrip(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	fmt.Println(response.Status, string(body), err)

	endpoint.Close()
	_, err = endpoint.RoundTripper.RoundTrip(request)
	var notSent *transport.DialError
	fmt.Println("not sent:", errors.As(err, &notSent))
	// Output:
	// 200 OK GET /cluster/id <nil>
	// not sent: true
}
