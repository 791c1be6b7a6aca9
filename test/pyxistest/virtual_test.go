package pyxistest_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestVirtualDirectories(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		for path, want := range map[string]string{
			"/pyxis":         "cluster db eventlog session snapshot",
			"/pyxis/":        "cluster db eventlog session snapshot",
			"/pyxis/cluster": "leader addrlist",
			"/pyxis/session": strconv.FormatUint(cl.sid, 10),
		} {
			n := cl.stat(path)
			if got := strings.Join(n.Children, " "); got != want {
				t.Errorf("children of %s are %q, want %q", path, got, want)
			}
			if n.Sid != nil {
				t.Errorf("%s has a sid: %v", path, n)
			}
		}
	})
}

func TestVirtualCluster(t *testing.T) {
	inBubble(t, pyxistest.Options{Nodes: 2, Advertise: []string{"", "elsewhere:1"}}, func(t *testing.T, c *pyxistest.Cluster) {
		if err := c.MoveLeader(1); err != nil {
			t.Fatal(err)
		}
		cl := dial(t, c, 1)
		cl.register(0)
		if got := string(cl.ok(read("/pyxis/cluster/leader")).GetData()); got != "elsewhere:1" {
			t.Errorf("leader is %q", got)
		}
		want := c.Node(0).Addr() + ",elsewhere:1"
		if got := string(cl.stat("/pyxis/cluster/addrlist").GetData()); got != want {
			t.Errorf("address list is %q, want %q", got, want)
		}
	})
}

func TestVirtualSession(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 8*time.Second)
		path := fmt.Sprint("/pyxis/session/", cl.sid)
		time.Sleep(2 * time.Second)
		want := `{"join":946684800,"last":946684802,"sid":"` + strconv.FormatUint(cl.sid, 10) + `","timeout":8000}` + "\n"
		if got := string(cl.ok(read(path)).GetData()); got != want {
			t.Errorf("session is %q, want %q", got, want)
		}
		cl.ok(createEphemeral("/e"))
		cl.ok(watch("<any>", 255, true))
		want = `{"join":946684800,"last":946684802,"node":["/e"],"sid":"` + strconv.FormatUint(cl.sid, 10) +
			`","timeout":8000,"watch":[{"path":"<any>","recursive":true,"type":255}]}` + "\n"
		if got := string(cl.ok(read(path)).GetData()); got != want {
			t.Errorf("session is %q, want %q", got, want)
		}
		cl.fails(read("/pyxis/session/1"), pyxistest.CodeNotFound, "/pyxis/session/1")
		cl.fails(read("/pyxis/session/x"), pyxistest.CodeNotFound, "/pyxis/session/x")
	})
}

func TestWritesOfVirtualNodes(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.ok(watch("/", anything, true))
		cl.ok(write("/pyxis/eventlog", ""))
		cl.ok(write("/pyxis/snapshot", ""))
		cl.fails(write("/pyxis/none", ""), pyxistest.CodeNotFound, "/pyxis/none")
		resp := cl.call(write("/pyxis/db", ""))
		if resp.GetErr().GetType() != pyxiswire.ErrorType_INTERNAL || !strings.HasPrefix(string(resp.Err.Data), "/pyxis/db ") {
			t.Errorf("answer %v", resp)
		}
		if events := cl.drain(); len(events) != 0 {
			t.Errorf("events %q", events)
		}
	})
}

func TestVirtualNodesAreNotStored(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		if n, _ := c.Get("/"); len(c.Tree()) != 1 || !slices.Equal(n.Children, []string{"pyxis"}) {
			t.Errorf("tree %v", c.Tree())
		}
		cl := join(t, c, 0)
		if !proto.Equal(cl.stat("/pyxis/db"), &pyxiswire.Node{Flags: proto.Uint32(0), Version: proto.Uint64(0)}) {
			t.Errorf("/pyxis/db is %v", cl.stat("/pyxis/db"))
		}
	})
}
