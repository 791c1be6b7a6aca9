package wirejson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
)

// Decode accepts every document that a real server sent. Otherwise listings
// would become slow without notice.
func TestGoldenDocumentsAreTaken(t *testing.T) {
	for typ := range newOf {
		var d Decoder
		for _, doc := range goldenDocuments(t, typ) {
			if !check(t, &d, typ, doc) {
				t.Errorf("%s %s is not taken", typ, doc)
			}
		}
	}
}

// fill sets every encoded field of v to a value other than zero.
func fill(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *api.Cid:
		c, err := api.DecodeCid(textCid)
		if err != nil {
			panic(err)
		}
		*x = c
		return
	case *api.PinType:
		*x = api.MetaType
		return
	case *api.PinMode:
		*x = api.PinModeDirect
		return
	case *api.TrackerStatus:
		*x = api.TrackerStatusPinned
		return
	case interface{ UnmarshalText([]byte) error }: // times and peer IDs
		if x.UnmarshalText([]byte("2026-05-11T10:11:12.5+05:30")) != nil && x.UnmarshalText([]byte(textPeer)) != nil {
			panic("neither a time nor a peer ID")
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		elem := reflect.New(v.Type().Elem()).Elem()
		fill(elem)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), elem)
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(-3)
	case reflect.Uint64:
		v.SetUint(3)
	default:
		panic("fill: " + v.Type().String())
	}
}

// A field that is added to package api but not here would be skipped as
// unknown, and lost.
func TestEveryFieldIsDecoded(t *testing.T) {
	for typ, target := range newOf {
		v := target()
		fill(reflect.ValueOf(v).Elem())
		doc, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if !check(t, new(Decoder), typ, doc) {
			t.Errorf("%s %s is not taken", typ, doc)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(doc, &fields); err != nil {
			t.Fatal(err)
		}
		for name, value := range fields {
			if zero := string(value); zero == "null" || zero == `""` || zero == "0" || zero == "false" {
				t.Errorf("%s: %s is not filled", typ, name)
			}
		}
	}
}

// ordinary are documents that Decode accepts, besides those of today's servers.
var ordinary = map[string][]string{
	"GlobalPinInfo": {
		`{}`,
		" \t\r\n{ \"cid\" : null , \"peer_map\" : { } } \n",
		`{"cid":{"/":"` + textCid + `"},"allocations":["",null,"no peer!","é"],"origins":[null,"/x/y",""],"metadata":{"":"","a":null,"é":"\u00e9"}}`,
		`{"peer_map":{"` + textPeer + `":null,"":{},"other":{"cid":{"/":"` + textCid + `"},"peer":"` + textPeer + `","status":"pinned","peername":"p"}}}`,
		`{"peer_map":null,"metadata":null,"created":null,"origins":null,"allocations":null,"name":null,"cid":null}`,
		`{"peer_map":{"a":{"status":"levitating"},"b":{"status":"undefined"},"c":{"status":null},"d":{"status":"pin_error, remote"},"e":{"status":""}}}`,
		`{"peer_map":{"a":{"peername":null,"ipfs_peer_id":null,"ipfs_peer_addresses":null,"status":null,"timestamp":null,"error":null,"attempt_count":null,"priority_pin":null}}}`,
		`{"new":{"x":[1,-2.5e+7,0.1E-3,true,false,null,"\"\\\/\b\f\n\r\t\u00aF",{}],"y":[]},"name":"n","newer":0}`,
		`{"name":"a\"b\\c\u003cd\ud83d\ude00\ud83d","new":"é"}`,
		"{\"name\":\"\x7f\u2028é\"}",
		"{\"name\":\"\xff\\n\",\"new\":\"\xff\"}",
		`{"created":"2026-05-11T10:11:12.123456789+05:30","peer_map":{"a":{"timestamp":"2026-05-11T10:11:12-02:00"},"b":{"priority_pin":true,"attempt_count":-12}}}`,
		`{"cid":"` + textCidV1 + `"}`, `{"cid":"zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA"}`, `{"cid":""}`, `{"cid":"\u0051` + textCid[1:] + `"}`,
		`{"created":"2026-05-11T10:11:12,5Z"}`, `{"created":"2026-05-11T1:11:12Z"}`, `{"peer_map":{"a":{"status":"\u0070inned"}}}`,
		`{"new":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`,
		`{"cid":"bafkqaaa"}`, `{"cid":"F01551220` + strings.Repeat("AB", 32) + `"}`,
	},
	"Pin": {
		`{}`,
		`{"replication_factor_min":-1,"cid":{"/":"` + textCid + `"},"type":2,"allocations":null,"max_depth":-1,"reference":{"/":"` + textCidV1 + `"},"pin_update":null}`,
		`{"type":null,"mode":null,"max_depth":null,"reference":null,"shard_size":null,"replication_factor_min":null}`,
		`{"type":"all","mode":"sideways"}`, `{"type":"future-pin"}`, `{"type":""}`, `{"type":0}`, `{"type":30}`, `{"type":"\u0070in"}`,
		`{"reference":"","max_depth":-0,"shard_size":999999999999999999}`,
		`{"timestamp":"2026-05-11T10:11:12Z","cid":"` + textCid + `"}`,
	},
	"ID": {
		`{}`, `{"id":null,"ipfs":null,"addresses":null,"cluster_peers":null}`,
		`{"id":"","addresses":["/future-proto/9",null,"","/ip4/1.2.3.4/tcp/1"],"cluster_peers":["` + textPeer + `","",null,"not a peer!","\u0031"],"ipfs":{"id":null,"addresses":["/quic-v9/x"],"new":1}}`,
	},
	"AddedOutput": {
		`{}`, `{"name":"a","cid":{"/":"` + textCid + `"},"size":13}`, `{"name":"a","bytes":262144}`, `{"bytes":null,"allocations":[]}`,
	},
}

func TestOrdinaryDocumentsAreTaken(t *testing.T) {
	for typ, docs := range ordinary {
		var d Decoder
		for range 2 { // the second time with remembered texts
			for _, doc := range docs {
				if !check(t, &d, typ, []byte(doc)) {
					t.Errorf("%s %s is not taken", typ, doc)
				}
			}
		}
	}
}

// extraordinary are documents that Decode leaves to encoding/json, which
// accepts some and rejects others.
var extraordinary = map[string][]string{
	"GlobalPinInfo": {
		``, ` `, `null`, `[]`, `"a"`, `5`, `true`, `{`, `{}{}`, `{}x`, "{}\x00", "\x00", `{"a"}`, `{"a":}`, `{,}`, `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`, `{"a":1]`,
		`{"name":"a","name":"b"}`, `{"name":"a","Name":"b"}`, `{"NAME":"a"}`, `{"peer_map":{"a":{"Status":"pinned"}}}`, `{"na\u006de":"a"}`, `{"created":null,"é":1}`,
		"{\"\u017ftatus\":1}", "{\"a\nb\":1}", `{"peer_map":{"a":{},"a":{}}}`, `{"metadata":{"a":"b","a":"c"}}`, `{"metadata":{null:"b"}}`, `{"peer_map":{null:{}}}`,
		`{"name":5}`, `{"name":"a`, "{\"name\":\"a\nb\"}", `{"name":"\x"}`, `{"name":"\u12"}`, `{"name":"\u12g4"}`, `{"name":"\`, `{"name":"a\"}`,
		`{"cid":5}`, `{"cid":"nope"}`, `{"cid":"Qm` + strings.Repeat("z", 44) + `"}`, `{"cid":"Qm` + strings.Repeat("0", 44) + `"}`, `{"cid":"` + textCidV1 + `a"}`, `{"cid":"bafk0"}`, `{"cid":{"/":5}}`, `{"cid":[]}`, `{"cid":"b"}`,
		`{"peer_map":[]}`, `{"peer_map":{"a":5}}`, `{"peer_map":{"a":{"attempt_count":1.0}}}`, `{"peer_map":{"a":{"attempt_count":01}}}`, `{"peer_map":{"a":{"attempt_count":-}}}`, `{"peer_map":{"a":{"attempt_count":1e3}}}`,
		`{"peer_map":{"a":{"attempt_count":9999999999999999999}}}`, `{"peer_map":{"a":{"attempt_count":"1"}}}`, `{"peer_map":{"a":{"attempt_count":00}}}`, `{"peer_map":{"a":{"attempt_count":--1}}}`,
		`{"peer_map":{"a":{"priority_pin":1}}}`, `{"peer_map":{"a":{"priority_pin":tru}}}`, `{"peer_map":{"a":{"priority_pin":truex}}}`, `{"peer_map":{"a":{"status":5}}}`,
		`{"created":"yesterday"}`, `{"created":5}`, `{"created":"2026-13-11T10:11:12Z"}`, `{"created":"\u0032026-05-11T10:11:12Z"}`, `{"created":"2026-05-11T10:11:12Z`,
		`{"new":nul}`, `{"new":+1}`, `{"new":01}`, `{"new":1.}`, `{"new":.5}`, `{"new":1e}`, `{"new":-}`, `{"new":[1,]}`, `{"new":[1 2]}`, `{"new":{"a":1,}}`, `{"new":{1:2}}`, `{"new":"` + "\x01" + `"}`, `{"new":"\q"}`, `{"new":`, `{"new":[`, `{"new":undefined}`,
		`{"new":` + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1) + `}`, `{"new":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, `{"new":` + strings.Repeat(`{"a":`, 1000),
		`{"allocations":{}}`, `{"allocations":[5]}`, `{"allocations":"a"}`, `{"allocations":[,]}`, `{"origins":[["a"]]}`, `{"metadata":[]}`, `{"metadata":{"a":5}}`,
	},
	"Pin":         {`{"type":true}`, `{"type":{}}`, `{"type":-2}`, `{"type":2.5}`, `{"type":99999999999999999999}`, `{"mode":1}`, `{"shard_size":-1}`, `{"shard_size":18446744073709551615}`, `{"max_depth":1e2}`, `{"reference":5}`, `{"MAX_DEPTH":1}`},
	"ID":          {`{"ipfs":5}`, `{"ipfs":[]}`, `{"ipfs":{"ID":"x"}}`, `{"ipfs":{},"ipfs":{}}`, `{"Id":"x"}`, `{"version":5}`},
	"AddedOutput": {`{"bytes":-5}`, `{"bytes":-0}`, `{"size":1.5}`, `{"Hash":"x","CID":null}`},
}

func TestExtraordinaryDocumentsAreLeft(t *testing.T) {
	for typ, docs := range extraordinary {
		for _, doc := range docs {
			if check(t, new(Decoder), typ, []byte(doc)) {
				t.Errorf("%s %.200s is taken", typ, doc)
			}
		}
	}
}

// Decode does not accept a truncated document.
func TestCutDocumentsAreLeft(t *testing.T) {
	for typ := range newOf {
		var d Decoder
		doc := goldenDocuments(t, typ)[0]
		for cut := range doc {
			if check(t, &d, typ, doc[:cut]) {
				t.Fatalf("%s %s is taken", typ, doc[:cut])
			}
		}
	}
}

func TestOtherTypesAreLeft(t *testing.T) {
	var d Decoder
	for _, v := range []any{nil, new(api.Version), new(int), api.Pin{}} {
		if d.Decode([]byte(`{}`), v) {
			t.Errorf("%T is taken", v)
		}
	}
}

// The decoded form of a string with escapes can equal the raw bytes of a later
// string that has another meaning, so it must not be a key of the table.
func TestEscapesAreNotRemembered(t *testing.T) {
	var d Decoder
	for _, doc := range []string{`{"peername":"a\\b"}`, `{"peername":"a\b"}`, `{"peername":"a\\"}`, `{"peername":"a\"}`, `{"id":"a\\b"}`, `{"id":"a\b"}`} {
		check(t, &d, "ID", []byte(doc))
	}
}

// Decoded values share no writable memory with each other or with the document.
func TestValuesShareNothing(t *testing.T) {
	for typ := range newOf {
		var d Decoder
		doc := goldenDocuments(t, typ)[0]
		first, second := newOf[typ](), newOf[typ]()
		buffer := []byte(string(doc))
		if !d.Decode(buffer, first) {
			t.Fatal("not taken")
		}
		clear(buffer)
		if !d.Decode(doc, second) {
			t.Fatal("not taken")
		}
		scribble(reflect.ValueOf(first).Elem())
		want := newOf[typ]()
		if err := json.Unmarshal(doc, want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(second, want) {
			t.Errorf("%s: writing to a value changed another one:\n got %+v\nwant %+v", typ, second, want)
		}
	}
}

// scribble overwrites the elements of all lists and maps, also beyond their
// length.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scribble(v.Field(i))
			}
		}
	case reflect.Slice:
		all := v.Slice(0, v.Cap())
		for i := range all.Len() {
			all.Index(i).SetZero()
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			elem := reflect.New(v.Type().Elem()).Elem()
			elem.Set(v.MapIndex(key))
			scribble(elem)
		}
		v.Clear()
	}
}
