package pyxistest_test

import (
	"fmt"

	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func Example() {
	c, err := pyxistest.Start(pyxistest.Options{Nodes: 3, Network: pyxistest.Memory})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println("leader:", c.Addrs()[c.Leader()])

	if err := c.MoveLeader(2); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("leader:", c.Addrs()[c.Leader()])
	// Output:
	// leader: pyxis0:7000
	// leader: pyxis2:7000
}

func ExampleNode_Inject() {
	c, err := pyxistest.Start(pyxistest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	// The second write is applied, but not answered.
	remove := c.Node(0).Inject(pyxistest.Fault{
		Ops:    pyxistest.Write,
		Skip:   1,
		Times:  1,
		Effect: pyxistest.CutAfter(),
	})
	defer remove()
	// … run clients against c.Addrs() …
	fmt.Println("writes:", c.Count(pyxistest.Write))
	// Output: writes: 0
}
