package clustertest

import "github.com/pinfleet/pinfleet/api"

// legacyCid is a CID in the encoding of servers before v1.0.0.
type legacyCid struct {
	Text string `json:"/"`
}

func newLegacyCid(c api.Cid) *legacyCid {
	if !c.Defined() {
		return nil
	}
	return &legacyCid{Text: c.String()}
}

// Documents that contain CIDs. Their fields hide those of the embedded value.
type (
	legacyPin struct {
		api.Pin
		Cid       any `json:"cid"`
		PinUpdate any `json:"pin_update"`
		Reference any `json:"reference"`
		Type      any `json:"type"`
	}
	legacyPinInfo struct {
		api.GlobalPinInfo
		Cid *legacyCid `json:"cid"`
	}
	legacyAdded struct {
		api.AddedOutput
		Cid *legacyCid `json:"cid"`
	}
	legacyGCKey struct {
		api.IPFSRepoGC
		Key *legacyCid `json:"key"`
	}
	legacyGC struct {
		api.RepoGC
		Keys []legacyGCKey `json:"keys"`
	}
)

// convert returns v as a server with these behaviours encodes it.
func (l Legacy) convert(v any) any {
	if l&(LegacyCids|LegacyTypes) == 0 {
		return v
	}
	switch v := v.(type) {
	case api.Pin:
		return l.convertPin(v)
	case api.GlobalPinInfo:
		if l&LegacyCids != 0 {
			return legacyPinInfo{GlobalPinInfo: v, Cid: newLegacyCid(v.Cid)}
		}
	case api.AddedOutput:
		if l&LegacyCids != 0 {
			return legacyAdded{AddedOutput: v, Cid: newLegacyCid(v.Cid)}
		}
	case api.GlobalRepoGC:
		if l&LegacyCids != 0 {
			return convertGC(v)
		}
	case []api.AddedOutput:
		all := make([]any, len(v))
		for i, o := range v {
			all[i] = l.convert(o)
		}
		return all
	}
	return v
}

func (l Legacy) convertPin(pin api.Pin) any {
	out := legacyPin{Pin: pin, Cid: pin.Cid, PinUpdate: pin.PinUpdate, Reference: pin.Reference, Type: pin.Type}
	if l&LegacyCids != 0 {
		out.Cid, out.PinUpdate = newLegacyCid(pin.Cid), newLegacyCid(pin.PinUpdate)
		if pin.Reference != nil {
			out.Reference = newLegacyCid(*pin.Reference)
		}
	}
	if l&LegacyTypes != 0 {
		out.Type = uint64(pin.Type)
	}
	return out
}

func convertGC(gc api.GlobalRepoGC) any {
	peers := make(map[string]legacyGC)
	for id, info := range gc.PeerMap {
		converted := legacyGC{RepoGC: info}
		for _, key := range info.Keys {
			converted.Keys = append(converted.Keys, legacyGCKey{IPFSRepoGC: key, Key: newLegacyCid(key.Key)})
		}
		peers[id] = converted
	}
	return map[string]any{"peer_map": peers}
}
