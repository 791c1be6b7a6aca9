package hostile

import "strings"

// pages are answers with status 200 that do not come from a cluster peer.
func pages() []Answer {
	page := func(name, contentType, body string) Answer {
		return Answer{Name: name, Wire: sized("200 OK", contentType, body), May: bodiless}
	}
	login := "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form action=\"/login\"><input name=\"password\"></form></body></html>\n"
	return []Answer{
		page("a login page", "text/html", login),
		page("a login page that claims to be JSON", "application/json", login),
		page("a page of 200 kB", "text/html", strings.Repeat(login, 1500)),
		{Name: "a login page in chunks", Wire: head("200 OK", "Content-Type: text/html", "Transfer-Encoding: chunked") + chunk(login) + "0\r\n\r\n", May: bodiless},
		{Name: "a login page, and the end", Wire: head("200 OK", "Content-Type: text/html") + login, End: Close, May: bodiless},
		page("OK", "text/plain", "OK"),
		page("pong", "text/plain", "pong\n"),
		page("XML", "application/xml", `<?xml version="1.0"?><version>1.1.6</version>`),
		page("YAML", "text/yaml", "version: 1.1.6\n"),
		page("a script", "application/javascript", `callback({"version":"1.1.6"})`),
		page("metrics of Prometheus", "text/plain", "# HELP up\n# TYPE up gauge\nup 1\n"),
		page("a bitmap", "image/png", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),
		page("events", "text/event-stream", "data: {\"version\":\"1.1.6\"}\n\n"),
		page("a multipart body", "multipart/mixed; boundary=a", "--a\r\n\r\n{}\r\n--a--\r\n"),
		page("a byte order mark", "application/json", "\ufeff"+id),
		page("UTF-16", "application/json", "\xff\xfe{\x00}\x00"),
		page("NUL bytes with 200", "application/json", strings.Repeat("\x00", 4096)),
		page("blanks", "application/json", strings.Repeat(" \n\t\r", 4096)),
	}
}

// documents are JSON documents that are malformed, or not those of a cluster peer.
func documents() []Answer {
	wrong := func(name, body string, may ...string) Answer {
		return Answer{Name: name, Wire: object(body), May: append(may, bodiless...)}
	}
	return []Answer{
		wrong("{}", "{}", "BandwidthByProtocol"),
		{Name: "[]", Wire: object("[]"), May: none},
		{Name: "null", Wire: object("null"), May: append([]string{"BandwidthByProtocol"}, none...)},
		wrong("[null]", "[null]"),
		wrong("[[]]", "[[]]"),
		wrong("[{}]", "[{}]"),
		wrong("[{},{}]", "[{},{}]"),
		wrong(`[""]`, `[""]`, "MetricNames"),
		wrong("[0]", "[0]"),
		wrong("true", "true"),
		wrong("false", "false"),
		wrong("0", "0"),
		wrong("a text", `"ok"`),
		wrong("an empty text", `""`),
		wrong("a status", `{"status":"ok"}`),
		wrong("a status in a stream", `{"status":"ok"}`+"\n"+`{"status":"ok"}`+"\n"),
		wrong("a message", `{"message":"welcome"}`),
		wrong("an error with 200", `{"code":500,"message":"boom"}`),
		wrong("an error of GraphQL", `{"errors":[{"message":"boom"}],"data":null}`),
		wrong("a kind of Kubernetes", `{"kind":"Status","apiVersion":"v1","status":"Failure","code":404}`),
		wrong("half a document", id[:len(id)/2]),
		wrong("half an array", "["+pin+",", "StatusCids"),
		wrong("a trailing comma", `{"id":"`+Peer+`",}`),
		wrong("a comment", `{"id":"`+Peer+`"/* me */}`),
		wrong("single quotes", `{'id':'`+Peer+`'}`),
		wrong("no quotes", `{id:1}`),
		wrong("NaN", `{"id":NaN}`),
		wrong("a number of 1e999", `{"size":1e999,"bytes":1e999,"max_depth":1e999,"a":1e999}`),
		wrong("a number of 100 kB", `{"size":`+strings.Repeat("9", 100_000)+`,"max_depth":`+strings.Repeat("9", 100_000)+`}`),
		wrong("brackets 100,000 deep", strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)),
		wrong("objects 100,000 deep", strings.Repeat(`{"a":`, 100_000)+"1"+strings.Repeat("}", 100_000)),
		wrong("an unknown field 9,000 deep", `{"a":`+strings.Repeat("[", 9_000)+strings.Repeat("]", 9_000)+`}`),
		wrong("a key of 500 kB", `{"`+strings.Repeat("k", 500<<10)+`":1}`),
		wrong("a text without an end", `{"id":"`+strings.Repeat("a", 100<<10)),
		wrong("a line end in a text", "{\"id\":\"a\nb\"}"),
		wrong("invalid escapes", `{"id":"\x41\u12"}`),
		wrong("half a surrogate", `{"status":"\ud800"}`),
		wrong("no UTF-8 in a text", "{\"status\":\"\xff\xfe\"}"),
	}
}

// things are documents of a valid form that have no content or impossible values.
func things() []Answer {
	wrong := func(name, body string, may ...string) Answer {
		return Answer{Name: name, Wire: object(body), May: append(may, bodiless...)}
	}
	return []Answer{
		wrong("an ID of nobody", `{"id":"","version":"","error":""}`),
		wrong("an ID that is none", `{"id":"not a peer"}`, "ID", "PeerAdd", "Peers"),
		wrong("an ID that is a number", `{"id":5}`),
		wrong("a version of nothing", `{"version":""}`),
		wrong("a version that is a number", `{"version":1}`),
		wrong("a version in an array", `[{"version":"1.1.6"}]`),
		wrong("a token of nothing", `{"token":""}`),
		wrong("a pin of nothing", `{"cid":null,"type":"pin"}`),
		wrong("a pin of an empty text", `{"cid":""}`),
		wrong("a pin of rubbish", `{"cid":"not a cid"}`),
		wrong("a pin of a number", `{"cid":5}`),
		wrong("a pin of a list", `{"cid":["`+CID+`"]}`),
		wrong("a pin of an object", `{"cid":{"/":{"/":"`+CID+`"}}}`),
		wrong("a pin of a CID that is cut", `{"cid":"`+CID[:40]+`"}`),
		wrong("a pin without a type of its own", `{"cid":"`+CID+`","type":[]}`, notOfPins...),
		wrong("a pin with a wrong date", `{"cid":"`+CID+`","timestamp":"yesterday"}`, notOfPins...),
		wrong("a pin in the year 10000", `{"cid":"`+CID+`","timestamp":"10000-01-01T00:00:00Z"}`, notOfPins...),
		wrong("a status with a list of peers", `{"cid":"`+CID+`","peer_map":[]}`, "Pin", "PinPath", "Unpin", "UnpinPath", "Allocation", "Allocations"),
		wrong("a report of nothing", `{"peer_map":null}`),
		wrong("a report of no peers", `{"peer_map":{}}`),
		wrong("a report of keys of nothing", `{"peer_map":{"x":{"keys":[{}]}}}`),
		wrong("a report of lists", `{"peer_map":{"x":[]}}`),
		wrong("a graph of nobody", `{"cluster_id":""}`),
		wrong("a graph of texts", `{"cluster_id":"`+Peer+`","cluster_links":""}`),
		wrong("an output without a CID", `{"name":"f","bytes":8}`),
		wrong("an output of size 8 without a CID", `{"name":"f","cid":null,"size":8}`),
		wrong("a metric of nobody", `[{"name":"","peer":"","value":"1"}]`),
		wrong("traffic of texts", `{"/a":"1"}`),
		wrong("metric names that are numbers", `[1,2]`),
		wrong("a field twice", `{"id":"`+Peer+`","id":5}`),
	}
}

// streams are listings that break off, report an error, or never end.
func streams() []Answer {
	broken := func(name, wire string, end End) Answer {
		return Answer{Name: name, Wire: streamed() + wire, End: end, May: ofPin}
	}
	reported := func(a Answer) Answer {
		a.Means = Reported
		return a
	}
	one := chunk(pin + "\n")
	return []Answer{
		broken("an item, and the end", one, Close),
		broken("an item, and a reset", one, Reset),
		broken("an item, then silence", one, Hold),
		broken("an item and half of another", one+chunk(pin[:20]), Close),
		broken("an item and half of another, properly ended", one+chunk(pin[:20])+last, Keep),
		reported(broken("an item and an error", one+"0\r\nX-Stream-Error: \r\nX-Stream-Error: boom\r\n\r\n", Keep)),
		broken("an item and a null", one+chunk("null\n")+last, Keep),
		broken("an item and a page", one+chunk("<html>oops</html>")+last, Keep),
		broken("an item and an array", one+chunk("[]\n")+last, Keep),
		broken("a status, then silence", chunk(status+"\n"), Hold),
		reported(broken("an error before the first item", "0\r\nX-Stream-Error: boom\r\n\r\n", Keep)),
		broken("an array without an end", chunk("["+pin)+last, Keep),
		broken("an array of arrays", chunk("[["+pin+"]]")+last, Keep),
		broken("braces", chunk("{}{}{}")+last, Keep),
		{Name: "items slowly for ever", Wire: streamed(), Repeat: chunk(`{"name":"f","bytes":8}` + "\n"), Size: Endless, Slow: true, May: bodiless},
	}
}
