package unixfs

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"github.com/ipfs/go-cid"
)

// errNotFile reports that a node is not a file. Its text is that of the IPFS daemon.
var errNotFile = errors.New("this dag node is a directory")

// Read writes the content of a file to w. It supports the blocks that [Import]
// makes of files. Errors of get and of w are wrapped.
func Read(get Getter, file cid.Cid, w io.Writer) error {
	todo := []cid.Cid{file}
	for len(todo) > 0 {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		block, err := get(c)
		if err != nil {
			return fmt.Errorf("block %s: %w", c, err)
		}
		data, links, err := fileParts(c, block)
		if err != nil {
			return fmt.Errorf("block %s: %w", c, err)
		}
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("content of %s: %w", c, err)
		}
		slices.Reverse(links)
		todo = append(todo, links...)
	}
	return nil
}

// fileParts returns the content in a block of a file, and the links to the blocks
// with the content that follows.
func fileParts(c cid.Cid, block []byte) (data []byte, links []cid.Cid, err error) {
	switch c.Type() {
	case cid.Raw:
		return block, nil, nil
	case cid.DagProtobuf:
	default:
		return nil, nil, errCodec
	}
	nodes, fs, err := decodeNode(block)
	if err != nil {
		return nil, nil, err
	}
	d, err := decodeFS(fs)
	if err != nil {
		return nil, nil, err
	}
	if t := d.GetType(); t != pb.Data_File && t != pb.Data_Raw {
		return nil, nil, errNotFile
	}
	for _, l := range nodes {
		links = append(links, l.cid)
	}
	return d.GetData(), links, nil
}
