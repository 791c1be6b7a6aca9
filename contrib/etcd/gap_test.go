package etcd_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/test/sourcetest"
)

// forgetful is an etcd whose watches report the key "busy" every ten seconds and no
// other, as after a restore of data with an earlier revision.
type forgetful struct {
	clientv3.KV
	clientv3.Watcher

	mu  sync.Mutex
	kvs []*mvccpb.KeyValue
}

func (f *forgetful) put(name, addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kvs = append(f.kvs, &mvccpb.KeyValue{Key: []byte(prefix + "/" + name), Value: []byte(`{"addr":"` + addr + `"}`)})
}

func (f *forgetful) Get(context.Context, string, ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &clientv3.GetResponse{Header: &etcdserverpb.ResponseHeader{Revision: 7}, Kvs: f.kvs}, nil
}

func (f *forgetful) Watch(ctx context.Context, _ string, _ ...clientv3.OpOption) clientv3.WatchChan {
	events := make(chan clientv3.WatchResponse)
	go func() {
		defer close(events)
		ticks := time.NewTicker(10 * time.Second)
		defer ticks.Stop()
		kv := &mvccpb.KeyValue{Key: []byte(prefix + "/busy"), Value: []byte(`{"addr":"` + addrs[0] + `"}`)}
		for {
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}
			select {
			case events <- clientv3.WatchResponse{Events: []*clientv3.Event{{Type: mvccpb.Event_PUT, Kv: kv}}}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

// A change that a watch does not report was missed for as long as the watch reported
// others at least once a minute.
func TestGapIsFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &forgetful{}
		f.put("busy", addrs[0])
		c := clientv3.NewCtxClient(t.Context())
		c.KV, c.Watcher = f, f
		await := sourcetest.Await(t, &etcd.Source{Client: c, Prefix: prefix})
		await(addrs[0])
		time.Sleep(15 * time.Second) // Await has a minute's patience
		f.put("new", addrs[1])
		await(addrs[0], addrs[1])
	})
}

// lossy loses the answer of the first transaction that it executes.
type lossy struct {
	clientv3.KV
	lost atomic.Bool
}

func (l *lossy) Txn(ctx context.Context) clientv3.Txn { return &lossyTxn{l.KV.Txn(ctx), l} }

type lossyTxn struct {
	clientv3.Txn
	kv *lossy
}

func (x *lossyTxn) If(conditions ...clientv3.Cmp) clientv3.Txn {
	x.Txn = x.Txn.If(conditions...)
	return x
}

func (x *lossyTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	x.Txn = x.Txn.Then(ops...)
	return x
}

func (x *lossyTxn) Commit() (*clientv3.TxnResponse, error) {
	r, err := x.Txn.Commit()
	if err == nil && x.kv.lost.CompareAndSwap(false, true) {
		return nil, errors.New("the connection was lost")
	}
	return r, err
}

// A put whose answer was lost has put the key. The announcement sees that, and
// neither deletes the key nor puts it again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	c := m.direct(t)
	l := &lossy{KV: c.KV}
	c.KV = l
	a := announce(t, c, "a", addrs[0])
	got, err := m.direct(t).Get(within(t), prefix+"/a")
	must(t, err)
	const first = 2 // the revision of the first write
	if len(got.Kvs) != 1 || got.Kvs[0].ModRevision != first || !l.lost.Load() {
		t.Errorf("got %v, want a key that was put once", got.Kvs)
	}
	must(t, a.Close())
	if a.Set(endpoint(addrs[1])) == nil {
		t.Error("a closed announcement takes another endpoint")
	}
}
