package discovery_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

// Each change of any announcement logged every one that cannot be used once more:
// of 1,000 endpoints that change once a second, one wrong key filled a log.
func TestAnnouncedLogsOnce(t *testing.T) {
	var log bytes.Buffer
	reports := 0
	a := discovery.NewAnnounced(nil, slog.New(slog.NewTextHandler(&log, nil)), func([]*config.Config) { reports++ })
	publish := func(wrong string, port int) {
		a.Publish(map[string][]byte{"a": fmt.Appendf(nil, `{"addr":"/ip4/10.0.0.1/tcp/%d"}`, port), "b": []byte(wrong)})
	}
	for i := range 10 {
		publish("{", 9094+i)
	}
	publish("[", 9094)
	publish("{", 9094)
	if reports != 11 {
		t.Errorf("%d reports, want 11", reports)
	}
	if n := strings.Count(log.String(), "announcement left out"); n != 3 {
		t.Errorf("logged %d times, want 3:\n%s", n, &log)
	}
}

// An endpoint that a source would refuse because of its size is not announced.
func TestEndpointTooLong(t *testing.T) {
	e := discovery.Endpoint{Addr: maddr("/ip4/10.0.0.1/tcp/9094/http/http-path/" + strings.Repeat("x", 5<<10))}
	if data, err := e.MarshalJSON(); err == nil {
		t.Errorf("an announcement of %d bytes is no error", len(data))
	}
}

// BenchmarkAnnounced publishes 1,000 announcements of which one has changed.
func BenchmarkAnnounced(b *testing.B) {
	announcements := make(map[string][]byte)
	for i := range 1000 {
		announcements[fmt.Sprintf("/clusters/main/peers/%03d", i)] = fmt.Appendf(nil, `{"addr":"/ip4/10.0.%d.%d/tcp/9094"}`, i/250, i%250)
	}
	a := discovery.NewAnnounced(nil, nil, func([]*config.Config) {})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		announcements["/clusters/main/peers/500"] = fmt.Appendf(nil, `{"addr":"/ip4/10.0.9.9/tcp/%d"}`, 1+i%60000)
		a.Publish(announcements)
	}
}
