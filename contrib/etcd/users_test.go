package etcd_test

import (
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/authpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/test/sourcetest"
)

// protect makes the users root, reader and writer, who may do with the prefix what
// their names say, and requires passwords, which are their names as well.
func (m *members) protect(t *testing.T) {
	t.Helper()
	c, ctx := m.direct(t), within(t)
	for user, permission := range map[string]authpb.Permission_Type{"reader": clientv3.PermRead, "writer": clientv3.PermReadWrite} {
		_, err := c.RoleAdd(ctx, user)
		must(t, err)
		_, err = c.RoleGrantPermission(ctx, user, prefix+"/", clientv3.GetPrefixRangeEnd(prefix+"/"), clientv3.PermissionType(permission))
		must(t, err)
	}
	_, err := c.RoleAdd(ctx, "root")
	must(t, err)
	for _, user := range []string{"root", "reader", "writer"} {
		_, err = c.UserAdd(ctx, user, user)
		must(t, err)
		_, err = c.UserGrantRole(ctx, user, user)
		must(t, err)
	}
	_, err = c.AuthEnable(ctx)
	must(t, err)
}

// dialAs returns a client of the first member for a user.
func (m *members) dialAs(t *testing.T, user string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{m.doors[0].addr}, DialTimeout: 30 * time.Second,
		Username: user, Password: user, Logger: zap.NewNop(),
	})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Permissions are those of etcd: who may write the prefix announces, who may only
// read it finds what is announced. An announcement that is refused is an error at
// once, not tried for ever, and leaves no lease.
func TestPermissions(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	m.protect(t)
	ctx := within(t)
	reader := m.dialAs(t, "reader")
	if a, err := etcd.Announce(ctx, reader, prefix, "a", endpoint(addrs[0]), nil); err == nil || a != nil || ctx.Err() != nil {
		t.Errorf("got %v", err)
	}
	leases, err := m.dialAs(t, "root").Leases(ctx)
	must(t, err)
	if len(leases.Leases) != 0 {
		t.Errorf("a refused announcement has left %d leases", len(leases.Leases))
	}
	await := sourcetest.Await(t, &etcd.Source{Client: reader, Prefix: prefix})
	announce(t, m.dialAs(t, "writer"), "a", addrs[0])
	await(addrs[0])
}

// Members that restart no longer know the tokens that they have given to clients.
// Both a source and an announcement go on with new ones.
func TestTokensAreLost(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	m.protect(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.dialAs(t, "reader"), Prefix: prefix})
	a := announce(t, m.dialAs(t, "writer"), "a", addrs[0])
	await(addrs[0])
	m.stopAll()
	m.startAll(t)
	must(t, a.Set(endpoint(addrs[1])))
	await(addrs[1])
	awaitErr(t, a, nil)
	must(t, a.Set(endpoint(addrs[2])))
	await(addrs[2])
}
