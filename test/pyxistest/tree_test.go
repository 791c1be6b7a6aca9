package pyxistest_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestFreshTree(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		want := &pyxiswire.Node{
			Data: []byte{}, Children: []string{"pyxis"}, Flags: proto.Uint32(0), Version: proto.Uint64(0),
		}
		if got := join(t, c, 0).stat("/"); !proto.Equal(got, want) {
			t.Errorf("root %v, want %v", got, want)
		}
	})
}

func TestInvalidPaths(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		for _, path := range []string{"/a b", "/a#", "/\xc3\xa4", "/\x00", "/a\xff", "/" + strings.Repeat("x", 4095), "x/y"} {
			for _, req := range []*pyxiswire.Request{
				create(path, ""), deleteNode(path), write(path, ""), read(path), stat(path),
			} {
				cl.fails(req, pyxistest.CodeInvalidArgument, path)
			}
		}
		for _, path := range []string{"", "noslash", "/", "/t/", "//"} {
			if path != "/" {
				cl.fails(create(path, ""), pyxistest.CodeInvalidArgument, path)
			}
		}
		cl.fails(create("/", ""), pyxistest.CodeInvalidArgument, "/")
		for _, path := range []string{"/" + strings.Repeat("x", 4094), "/.", "/..", "/A.z-_9", "//x"} {
			cl.ok(create(path, ""))
			cl.stat(path)
		}
	})
}

func TestPathsAreNotNormalised(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.ok(create("/t", ""))
		for _, req := range []*pyxiswire.Request{stat("/t/"), write("/t/", ""), deleteNode("/t/")} {
			cl.fails(req, pyxistest.CodeNotFound, "/t/")
		}
		cl.ok(create("//x", "double"))
		cl.fails(stat("/x"), pyxistest.CodeNotFound, "/x")
		if children := cl.stat("/").Children; !slices.Equal(children, []string{"pyxis", "t", "x"}) {
			t.Errorf("children of the root are %q", children)
		}
		cl.ok(create("/a", ""))
		cl.fails(create("/a//b", ""), pyxistest.CodeNotFound, "/a/")
	})
}

func TestReservedPrefix(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		for _, path := range []string{"/pyxis", "/pyxis/x", "/pyxisfoo", "/pyxis/"} {
			cl.fails(create(path, ""), pyxistest.CodeInvalidArgument, "can't create node under pyxis node")
		}
		cl.fails(stat("/pyxisfoo"), pyxistest.CodeNotFound, "/pyxisfoo")
		cl.fails(deleteNode("/pyxis/session"), pyxistest.CodeInvalidArgument, "can't delete node under pyxis node")
		cl.fails(deleteNode("/pyxis/none"), pyxistest.CodeNotFound, "/pyxis/none")
	})
}

func TestCreate(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.empty(cl.ok(create("/a", "data")))
		want := &pyxiswire.Node{
			Data: []byte("data"), Flags: proto.Uint32(0), Version: proto.Uint64(0), Sid: proto.Uint64(cl.sid),
		}
		if got := cl.stat("/a"); !proto.Equal(got, want) {
			t.Errorf("node %v, want %v", got, want)
		}
		cl.fails(create("/a", ""), pyxistest.CodeExist, "/a")
		cl.fails(create("/b/c", ""), pyxistest.CodeNotFound, "/b") // the missing parent
		cl.ok(createEphemeral("/e"))
		if got := cl.stat("/e"); got.Data == nil || len(got.Data) != 0 || got.GetFlags() != 1 {
			t.Errorf("node %v, want empty data and flag 1", got)
		}
		cl.fails(create("/e/c", ""), pyxistest.CodeInvalidArgument, "parent not persistent node")
	})
}

func TestOrderOfTheChecksOfCreate(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		big := strings.Repeat("x", 1<<20+1)
		cl.fails(create("/pyxis b", big), pyxistest.CodeInvalidArgument, "can't create node under pyxis node")
		cl.fails(create("no slash", big), pyxistest.CodeInvalidArgument, "node size exceed")
		cl.fails(create("/ /", ""), pyxistest.CodeInvalidArgument, "/ /")
		cl.fails(create("/none/b c", ""), pyxistest.CodeInvalidArgument, "/none/b c") // checked before the parent
		cl.ok(create("/a", ""))
		cl.fails(create("/a", ""), pyxistest.CodeExist, "/a")
	})
}

func TestFlagsAreStoredUntouched(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		for path, flags := range map[string]int32{"/two": 2, "/max": math.MaxInt32 - 1, "/all": -1} {
			req := create(path, "")
			req.Create.Flags = proto.Int32(flags)
			cl.ok(req)
			if got := cl.stat(path).GetFlags(); got != uint32(flags) {
				t.Errorf("%s has flags %d, want %d", path, got, uint32(flags))
			}
		}
		cl.fails(create("/all/child", ""), pyxistest.CodeInvalidArgument, "parent not persistent node")
		cl.ok(unregister())
		if _, ok := c.Get("/all"); ok {
			t.Error("-1 is not ephemeral")
		}
		if _, ok := c.Get("/two"); !ok {
			t.Error("2 is ephemeral")
		}
	})
}

func TestVersionCountsWritesByAnyone(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		one, two := join(t, c, 0), join(t, c, 0)
		one.ok(createEphemeral("/e"))
		one.ok(write("/e", "same"))
		two.ok(write("/e", "same"))
		one.ok(create("/p", "data"))
		one.ok(create("/p/child", ""))
		one.ok(deleteNode("/p/child"))
		if e := one.stat("/e"); e.GetVersion() != 2 || string(e.GetData()) != "same" || e.GetSid() != one.sid {
			t.Errorf("/e is %v", e)
		}
		if p := one.stat("/p"); p.GetVersion() != 0 || string(p.GetData()) != "data" {
			t.Errorf("/p is %v after changes of its children", p)
		}
	})
}

func TestDeleteMovesTheLastChildIntoTheHole(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.ok(create("/p", ""))
		for _, name := range []string{"b", "c", "a", "_h"} {
			cl.ok(create("/p/"+name, ""))
		}
		cl.fails(deleteNode("/p"), pyxistest.CodeInvalidArgument, "children not empty")
		cl.empty(cl.ok(deleteNode("/p/b")))
		if children := cl.stat("/p").Children; !slices.Equal(children, []string{"_h", "c", "a"}) {
			t.Errorf("children %q", children)
		}
		for _, name := range []string{"a", "c", "_h"} {
			cl.ok(deleteNode("/p/" + name))
		}
		cl.ok(deleteNode("/p"))
		cl.fails(deleteNode("/p"), pyxistest.CodeNotFound, "/p")
		cl.fails(deleteNode("/"), pyxistest.CodeInvalidArgument, "/")
	})
}

func TestReadAndWrite(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		for _, data := range []string{"some", ""} {
			cl.empty(cl.ok(write("/", data)))
			resp := cl.ok(read("/"))
			if resp.Data == nil || string(resp.Data) != data {
				t.Errorf("read %v, want data %q", resp, data)
			}
		}
		for _, req := range []*pyxiswire.Request{read("/none"), stat("/none"), write("/none", "")} {
			cl.fails(req, pyxistest.CodeNotFound, "/none")
		}
	})
}

func TestSizeOfData(t *testing.T) {
	const mebi = 1 << 20
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.fails(create("/big", strings.Repeat("x", mebi+1)), pyxistest.CodeInvalidArgument, "node size exceed")
		cl.ok(create("/big", strings.Repeat("x", mebi)))
		cl.fails(write("/big", strings.Repeat("x", mebi)), pyxistest.CodeInvalidArgument, "node size exceed")
		cl.fails(create("/big/child", ""), pyxistest.CodeInvalidArgument, "node size exceed")
		cl.fails(write("/big", strings.Repeat("x", 1048560)), pyxistest.CodeInvalidArgument, "node size exceed")
		cl.ok(write("/big", strings.Repeat("x", 1048559)))
		cl.ok(write("/big", strings.Repeat("x", 1048559-12)))
		cl.ok(create("/big/1234567890", ""))
		cl.fails(create("/big/x", ""), pyxistest.CodeInvalidArgument, "node size exceed")
		cl.ok(deleteNode("/big/1234567890"))
		cl.ok(create("/big/x", ""))
	})
}

func TestReadsOfLargeDirectories(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		for i := range 2000 {
			if err := c.Create(fmt.Sprintf("/n%d", i), nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(join(t, c, 0).stat("/").Children); n != 2001 {
			t.Errorf("%d children, want 2001", n)
		}
	})
}
