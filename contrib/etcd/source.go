package etcd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

const (
	// readTimeout limits the read of one page of the prefix.
	readTimeout = 5 * time.Second
	// maxAge is how long a watch goes on before the prefix is read again. A watch
	// does not report that its connection was lost without notice, nor changes after
	// a restore from a backup whose revision is earlier than that of the watch.
	maxAge = time.Minute
	// minPause and maxPause limit the pauses between reads that fail.
	minPause = 100 * time.Millisecond
	maxPause = 5 * time.Second
	// maxKeys limits how many keys of the prefix are read, pageSize at a time.
	maxKeys  = 10_000
	pageSize = 500
	// maxValue is how many bytes of a value are kept. An announcement is smaller.
	maxValue = 8 << 10
)

// Source reports the endpoints that are announced as keys with a common prefix,
// see [Announce]. It is a [discovery.Source]. Endpoints are sorted by their keys,
// which matters to strategies that prefer earlier endpoints.
//
// Source reads the prefix once and watches it from the revision of that read.
// When the watch ends, because of a compaction, a lost leader or a closed
// connection, it reads again, and once a minute in any case. So no change is
// missed, and the endpoints that were reported last stay in use until the next
// read succeeds. The first 10,000 keys below the prefix are read; more are logged.
//
// Anyone who may write to the prefix decides where calls are sent, together with
// the credentials of the template: give write access to the announcing processes
// only. Credentials are sent in clear text only to loopback addresses and Unix
// sockets, unless the template sets AllowCleartextAuth.
type Source struct {
	// Client is a client of etcd, with its endpoints, TLS and user. The Source does
	// not close it. Without a DialKeepAliveTime it notices a member that has vanished
	// only when the system gives up the connection, after many minutes.
	Client *clientv3.Client
	// Prefix is the common beginning of the keys, such as "/clusters/main/peers".
	// The announcements are the keys directly below it: Prefix, a slash and a name
	// without slashes.
	Prefix string
	// Template holds the settings of the endpoints besides address and weight; nil
	// means the defaults.
	Template *config.Config
	// Logger receives announcements that cannot be used and interruptions of the
	// watch; nil logs nothing.
	Logger *slog.Logger
}

var _ discovery.Source = (*Source)(nil)

// Watch implements [discovery.Source]. It keeps trying while etcd cannot be
// reached or refuses the read, and fails only if the Source has no Client or
// Prefix, or when ctx ends or the Client is closed.
func (s *Source) Watch(ctx context.Context, update func([]*config.Config)) error {
	if s.Client == nil || strings.Trim(s.Prefix, "/") == "" {
		return errors.New("etcd source: set Client and Prefix")
	}
	log := loggerOr(s.Logger)
	v := &view{
		client: s.Client, prefix: below(s.Prefix), log: log,
		announced: discovery.NewAnnounced(s.Template, log, update),
	}
	for failures := 0; ; {
		err := v.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case s.Client.Ctx().Err() != nil:
			return fmt.Errorf("etcd source: the client is closed: %w", s.Client.Ctx().Err())
		case err == nil:
			failures = 0
			continue
		}
		log.Warn("etcd prefix is not watched, will read it again", "prefix", s.Prefix, "error", err)
		if !pause(ctx, failures) {
			return context.Cause(ctx)
		}
		connect(s.Client)
		failures++
	}
}

// view is the state of one Watch.
type view struct {
	client    *clientv3.Client
	prefix    string // ends in a slash
	log       *slog.Logger
	announced *discovery.Announced

	keys map[string][]byte // what the prefix holds, by key
}

// follow reads the prefix and publishes its changes until the watch ends. It
// returns nil when it is time to read again.
func (v *view) follow(ctx context.Context) error {
	revision, err := v.read(ctx)
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	v.announced.Publish(v.keys)

	// A member without a leader would be silent; with WithRequireLeader the watch
	// ends instead.
	watching, end := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer end()
	changes := v.client.Watch(watching, v.prefix, clientv3.WithPrefix(), clientv3.WithRev(revision+1), clientv3.WithFragment())
	again := time.NewTimer(maxAge)
	defer again.Stop()
	for {
		select {
		case r, open := <-changes:
			if !open {
				return errors.New("the watch has ended")
			}
			if err := r.Err(); err != nil {
				return fmt.Errorf("watching: %w", err)
			}
			if len(r.Events) > 0 {
				v.apply(r.Events)
				v.announced.Publish(v.keys)
			}
		case <-again.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read replaces keys by what the prefix holds, and returns the revision of that.
func (v *view) read(ctx context.Context) (int64, error) {
	before := v.keys
	v.keys = make(map[string][]byte, len(before))
	revision := int64(0) // of the first page; 0 reads the latest
	for from, n := v.prefix, 0; ; {
		r, err := v.page(ctx, from, revision)
		if err != nil {
			v.keys = before
			return 0, err
		}
		if revision == 0 {
			revision = r.Header.Revision
		}
		for _, kv := range r.Kvs {
			v.put(kv)
			from = string(kv.Key) + "\x00" // the next key
		}
		n += len(r.Kvs)
		if !r.More || len(r.Kvs) == 0 {
			return revision, nil
		}
		if n >= maxKeys {
			v.log.Warn("too many keys below the etcd prefix, the rest is left out", "prefix", v.prefix, "kept", n)
			return revision, nil
		}
	}
}

// page reads the keys of the prefix from a key on, as of a revision. All at once
// could be more than the client accepts in one message.
func (v *view) page(ctx context.Context, from string, revision int64) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return v.client.Get(ctx, from, clientv3.WithRange(clientv3.GetPrefixRangeEnd(v.prefix)),
		clientv3.WithLimit(pageSize), clientv3.WithRev(revision))
}

// apply changes keys as the events say.
func (v *view) apply(events []*clientv3.Event) {
	for _, e := range events {
		if e.Type == mvccpb.Event_DELETE {
			delete(v.keys, string(e.Kv.Key))
			continue
		}
		v.put(e.Kv)
	}
}

// put stores a key that is directly below the prefix.
func (v *view) put(kv *mvccpb.KeyValue) {
	key, value := string(kv.Key), kv.Value
	if _, known := v.keys[key]; !known && len(v.keys) >= maxKeys {
		return
	}
	if len(value) > maxValue {
		value = bytes.Clone(value[:maxValue]) // Announced refuses it
	}
	if name := strings.TrimPrefix(key, v.prefix); name != "" && !strings.Contains(name, "/") {
		v.keys[key] = value
	}
}

// below returns the prefix of the keys below a key.
func below(prefix string) string { return strings.TrimRight(prefix, "/") + "/" }

// pause waits after the given number of failures in a row, and reports whether
// ctx is still alive.
func pause(ctx context.Context, failures int) bool {
	longest := min(minPause<<min(failures, 10), maxPause)
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// connect makes a client try to connect now if it waits for its next attempt. After
// failures, gRPC waits for up to two minutes. If that went on after an outage, the
// leases would expire that etcd has kept during it.
func connect(c *clientv3.Client) {
	if conn := c.ActiveConnection(); conn != nil { // nil of a client without connections
		conn.ResetConnectBackoff()
	}
}

func loggerOr(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}
