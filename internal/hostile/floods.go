package hostile

import "strings"

// flood is the size of an answer that is far too large, in bytes.
const flood = 64 << 20

// floods are answers of many megabytes. Some consist of many small elements, which
// take more memory than their text.
func floods() []Answer {
	much := func(name, begin, element, end string, may ...string) Answer {
		return Answer{Name: name, Wire: head("200 OK", "Content-Type: application/json") + begin, Repeat: element, Size: flood, Tail: end, End: Close,
			May: append(may, bodiless...)}
	}
	stream := func(name, element string, may ...string) Answer {
		return Answer{Name: name, Wire: streamed(), Repeat: chunk(element), Size: Endless, May: append(may, bodiless...)}
	}
	const number = counter
	return []Answer{
		much("an array of {}", "[{}", ",{}", "]"),
		much("an array of null", "[null", ",null", "]"),
		much("an array of []", "[[]", ",[]", "]"),
		much("an array of 0", "[0", ",0", "]"),
		much(`an array of ""`, `[""`, `,""`, "]"),
		much("an array of names", `["ping"`, `,"ping"`, "]"),
		much("an array of short metrics", `[{"name":"a"}`, `,{"name":"a"}`, "]"),
		much("an array of metrics", `[{"name":"a","peer":"`+Peer+`"}`, `,{"name":"a","peer":"`+Peer+`","value":"`+number+`"}`, "]"),
		much("an array of pins", "["+pin, ","+pin, "]", "Allocations", "StatusAll", "RecoverAll", "StatusCids"),
		much("an array of IDs", "["+id, ","+id, "]"),
		much("an array of blanks", "[", "    \n", "]"),
		much("an object of numbers", `{"a":0`, `,"`+number+`":0`, "}"),
		much("a report of short keys", `{"peer_map":{"`+Peer+`":{"keys":[{}`, `,{}`, "]}}}", "RepoGC"),
		much("a report of null keys", `{"peer_map":{"`+Peer+`":{"keys":[null`, `,null`, "]}}}", "RepoGC"),
		much("a report of keys", `{"peer_map":{"`+Peer+`":{"peer":"`+Peer+`","keys":[{"key":"`+CID+`"}`, `,{"key":"`+CID+`"}`, "]}}}", "RepoGC"),
		much("a report of errors", `{"peer_map":{"`+Peer+`":{"keys":[{"key":null}`, `,{"key":null,"error":"`+number+`"}`, "]}}}", "RepoGC"),
		much("a report of peers", `{"peer_map":{"`+Peer+`":{"peername":"a"}`, `,"`+number+`":{}`, "}}"),
		much("a status of peers", `{"cid":"`+CID+`","peer_map":{"`+Peer+`":{}`, `,"`+number+`":{}`, "}}"),
		much("a status of one peer", `{"cid":"`+CID+`","peer_map":{"`+Peer+`":{}`, `,"`+Peer+`":{}`, "}}"),
		much("a pin of allocations", `{"cid":"`+CID+`","allocations":[""`, `,""`, "]}"),
		much("a pin of origins", `{"cid":"`+CID+`","origins":[""`, `,""`, "]}"),
		much("a pin of metadata", `{"cid":"`+CID+`","metadata":{"a":""`, `,"`+number+`":""`, "}}"),
		much("an ID of addresses", `{"id":"`+Peer+`","addresses":[""`, `,""`, "]}"),
		much("an ID of different addresses", `{"id":"`+Peer+`","addresses":["/a"`, `,"/`+number+`"`, "]}"),
		much("an ID of peers", `{"id":"`+Peer+`","cluster_peers":[""`, `,""`, "]}"),
		much("a graph of names", `{"cluster_id":"`+Peer+`","id_to_peername":{"a":""`, `,"`+number+`":""`, "}}"),
		much("a graph of links", `{"cluster_id":"`+Peer+`","cluster_links":{"a":[""`, `,""`, "]}}"),
		much("a graph of lists", `{"cluster_id":"`+Peer+`","ipfs_links":{"a":[]`, `,"`+number+`":[]`, "}}"),
		much("traffic of protocols", `{"/a":{}`, `,"/`+number+`":{}`, "}"),
		much("a version", `{"version":"`, "1.1.6.", `"}`),
		much("a token", `{"token":"`, "abcdefgh", `"}`),
		much("an unknown field", `{"id":"`+Peer+`","cid":"`+CID+`","a":"`, "aaaaaaaa", `"}`),
		much("a number", `{"size":`, "99999999", "}"),
		much("brackets", "", "[", ""),
		much("braces that open", "", `{"a":`, ""),
		much("line ends", "", "\n", ""),
		much("NULs", "", "\x00\x00\x00\x00", ""),
		much("a page", "<html>", "<p>text</p>", "</html>"),
		stream("items of {} for ever", strings.Repeat("{}\n", 1000)),
		stream("IDs for ever", strings.Repeat(id+"\n", 50)),
		stream("IDs of many addresses for ever", `{"id":"`+Peer+`","addresses":[`+strings.Repeat(`"",`, 20_000)+`""]}`+"\n"),
		stream("IDs of long addresses for ever", `{"id":"`+Peer+`","addresses":["`+strings.Repeat("a", 60_000)+`########"]}`+"\n"),
		stream("pins for ever", strings.Repeat(pin+"\n", 50), "StatusCids"),
		stream("pins of many allocations for ever", `{"cid":"`+CID+`","allocations":[`+strings.Repeat(`"",`, 20_000)+`""]}`+"\n", "StatusCids"),
		stream("statuses for ever", strings.Repeat(status+"\n", 50), "StatusCids"),
		stream("progress for ever", strings.Repeat(`{"name":"f","bytes":8}`+"\n", 50)),
		stream("outputs for ever", strings.Repeat(`{"name":"f","cid":"`+CID+`","size":8}`+"\n", 50)),
		stream("white space for ever", strings.Repeat(" ", 1000)),
	}
}
