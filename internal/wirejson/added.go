package wirejson

import "github.com/pinfleet/pinfleet/api"

var addedOutputKeys = []string{"name", "cid", "bytes", "size", "allocations"}

func (d *Decoder) addedOutput(a *api.AddedOutput) {
	*a = api.AddedOutput{}
	for o := d.object(addedOutputKeys); o.next(); {
		switch o.key {
		case "name":
			a.Name = d.text()
		case "cid":
			a.Cid = d.cid()
		case "bytes":
			a.Bytes = d.unsigned()
		case "size":
			a.Size = d.unsigned()
		case "allocations":
			a.Allocations = d.peerIDs()
		}
	}
}
