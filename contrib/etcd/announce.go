package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pinfleet/pinfleet/discovery"
)

const (
	// defaultTTL is the lifetime of a lease that is not kept alive.
	defaultTTL = 10 * time.Second
	// callTimeout limits one call of etcd.
	callTimeout = 5 * time.Second
	// closeTimeout limits the withdrawal of an announcement.
	closeTimeout = 2 * time.Second
)

// ErrOwned means that another process has announced the same name later. The
// announcement waits until that one is gone.
var ErrOwned = errors.New("the key belongs to another process: give each process a name of its own")

// AnnounceOptions are the settings of an announcement. The zero value is usable.
type AnnounceOptions struct {
	// TTL is how long the announcement outlives its process, in whole seconds from
	// 2 s; 0 means 10 s. etcd may keep it longer after a change of leader.
	TTL time.Duration
	// Logger receives failures to announce; nil logs nothing.
	Logger *slog.Logger
}

// Announcement keeps a key in etcd that announces an endpoint: across lost
// connections, lost leaders and expired leases, and even if the key is
// deleted. It has a goroutine, which Close ends. Its methods are safe for concurrent
// use.
type Announcement struct {
	client *clientv3.Client
	key    string
	ttl    time.Duration
	log    *slog.Logger

	life  context.Context
	end   context.CancelFunc
	done  chan struct{} // closed when run has ended
	ready chan struct{} // closed when the key was first put

	changed chan struct{} // the endpoint was set
	mu      sync.Mutex
	value   string
	err     error // returned by Err

	once     sync.Once
	closeErr error

	// Used by run only, and by Close afterwards.
	settled bool               // ready is closed
	lease   lease              // the current one
	leases  []clientv3.LeaseID // those that the key may have, the oldest first
}

// Announce puts a key below prefix that announces e, with a lease that it keeps
// alive until Close. It waits for the first success or for the end of ctx; the
// announcement itself goes on after ctx has ended. The name must be unique among
// the announcing processes, such as a peer's name or ID, and have no slash.
//
// Announce replaces a key that exists: it was left by a process that crashed, or
// belongs to a process that uses the same name by mistake. Of two such processes,
// the one that announced last keeps the key. A nil opts means the defaults.
func Announce(ctx context.Context, c *clientv3.Client, prefix, name string, e discovery.Endpoint, opts *AnnounceOptions) (*Announcement, error) {
	a, err := newAnnouncement(ctx, c, prefix, name, e, opts)
	if err != nil {
		return nil, fmt.Errorf("announcing %q in etcd: %w", name, err)
	}
	go a.run()
	select {
	case <-a.ready:
		return a, nil
	case <-a.done:
		return nil, fmt.Errorf("announcing %s in etcd: %w", a.key, errors.Join(a.Err(), a.Close()))
	case <-ctx.Done():
		err := errors.Join(context.Cause(ctx), a.Err())
		return nil, fmt.Errorf("announcing %s in etcd: %w", a.key, errors.Join(err, a.Close()))
	}
}

// newAnnouncement checks the arguments of Announce.
func newAnnouncement(ctx context.Context, c *clientv3.Client, prefix, name string, e discovery.Endpoint, opts *AnnounceOptions) (*Announcement, error) {
	if opts == nil {
		opts = &AnnounceOptions{}
	}
	value, err := e.MarshalJSON()
	errs := []error{err}
	if c == nil {
		errs = append(errs, errors.New("the client is nil"))
	}
	if strings.Trim(prefix, "/") == "" {
		errs = append(errs, errors.New("no prefix: give one, such as /clusters/main/peers"))
	}
	if name == "" || strings.Contains(name, "/") {
		errs = append(errs, errors.New("use a name that is not empty and has no slash"))
	}
	ttl := opts.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	if ttl < 2*time.Second || ttl%time.Second != 0 {
		errs = append(errs, fmt.Errorf("a TTL of %v: use whole seconds from 2 s, or 0 for %v", opts.TTL, defaultTTL))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	a := &Announcement{
		client: c, key: below(prefix) + name, ttl: ttl, log: loggerOr(opts.Logger), value: string(value),
		done: make(chan struct{}), ready: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	a.life, a.end = context.WithCancel(context.WithoutCancel(ctx))
	return a, nil
}

// Set announces another endpoint under the same name. It returns at once; the key
// is put in the background. It fails if the endpoint is not usable, or if the
// announcement has ended.
func (a *Announcement) Set(e discovery.Endpoint) error {
	value, err := e.MarshalJSON()
	if err != nil {
		return fmt.Errorf("announcing %s in etcd: %w", a.key, err)
	}
	select {
	case <-a.done:
		return fmt.Errorf("announcing %s in etcd: the announcement is closed, or its client", a.key)
	default:
	}
	a.mu.Lock()
	a.value = string(value)
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
	return nil
}

// Err returns the error of the last attempt to announce, or nil if the key is as
// it should be, as far as is known. It returns [ErrOwned] while the announcement
// waits because another process owns the key.
func (a *Announcement) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Close withdraws the announcement by revoking its lease, which takes at most two
// seconds. An error means that the key stays until its lease expires. Further
// calls return the same error.
func (a *Announcement) Close() error {
	a.once.Do(func() {
		a.end()
		<-a.done
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		for _, id := range slices.Backward(a.leases) {
			_, err := a.client.Revoke(ctx, id)
			if err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
				a.closeErr = fmt.Errorf("withdrawing %s from etcd, it expires within about %v: %w", a.key, a.ttl, err)
				return
			}
		}
	})
	return a.closeErr
}
