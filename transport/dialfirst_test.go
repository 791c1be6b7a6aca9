package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// fakeConn records that it was closed.
type fakeConn struct {
	net.Conn
	name   string
	closed chan struct{}
}

func newFakeConn(name string) *fakeConn { return &fakeConn{name: name, closed: make(chan struct{})} }

func (c *fakeConn) Close() error {
	close(c.closed)
	return nil
}

type dialFunc = func(context.Context) (net.Conn, error)

// after returns a dial that takes d and ignores its context.
func after(d time.Duration, conn net.Conn, err error) dialFunc {
	return func(context.Context) (net.Conn, error) {
		time.Sleep(d)
		return conn, err
	}
}

// hang is a dial that ends only with its context.
func hang(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// U43: a dead address costs 250 ms instead of the whole DialTimeout.
func TestDialFirst(t *testing.T) {
	refused := errors.New("refused")
	for _, test := range []struct {
		name  string
		dials []dialFunc
		want  string
		took  time.Duration
	}{
		{"one", []dialFunc{after(time.Second, newFakeConn("a"), nil)}, "a", time.Second},
		{"first is refused", []dialFunc{after(time.Millisecond, nil, refused), after(time.Millisecond, newFakeConn("b"), nil)}, "b", 2 * time.Millisecond},
		{"first is silent", []dialFunc{hang, after(time.Millisecond, newFakeConn("b"), nil)}, "b", 251 * time.Millisecond},
		{"two are silent", []dialFunc{hang, hang, after(0, newFakeConn("c"), nil)}, "c", 500 * time.Millisecond},
		{"first is slow, and still first", []dialFunc{after(300*time.Millisecond, newFakeConn("a"), nil), hang}, "a", 300 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				conn, err := DialFirst(t.Context(), test.dials...)
				if err != nil {
					t.Fatal(err)
				}
				if c := conn.(*fakeConn); c.name != test.want || time.Since(start) != test.took {
					t.Errorf("got %s after %v, want %s after %v", c.name, time.Since(start), test.want, test.took)
				}
			})
		})
	}
}

func TestDialFirstClosesLateConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := &fakeConn{closed: make(chan struct{})}
		conn, err := DialFirst(t.Context(), after(time.Second, late, nil), after(0, newFakeConn("b"), nil))
		if err != nil || conn.(*fakeConn).name != "b" {
			t.Fatal(conn, err)
		}
		<-late.closed
	})
}

func TestDialFirstFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := errors.New("a"), errors.New("b")
		_, err := DialFirst(t.Context(), after(time.Millisecond, nil, a), after(time.Second, nil, b))
		if !errors.Is(err, a) || !errors.Is(err, b) {
			t.Errorf("error is %v, want both causes", err)
		}
		if _, err := DialFirst(t.Context()); err == nil {
			t.Error("no dials: no error")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := DialFirst(ctx, hang, after(0, nil, a)); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, a) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestInterleave(t *testing.T) {
	var ips []netip.Addr
	for _, s := range []string{"::1", "::2", "::3", "1.1.1.1", "::ffff:2.2.2.2"} {
		ips = append(ips, netip.MustParseAddr(s))
	}
	var got []string
	for _, ip := range interleave(ips) {
		got = append(got, ip.String())
	}
	if want := []string{"::1", "1.1.1.1", "::2", "2.2.2.2", "::3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
