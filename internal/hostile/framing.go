package hostile

import "strings"

// headers are answers with wrong or too many headers.
func headers() []Answer {
	ok := func(lines ...string) string {
		return head("200 OK", append(lines, "Content-Length: 2")...) + "{}"
	}
	page := []string{"BandwidthByProtocol", "Health", "PeerRm"} // the methods that accept {}
	return []Answer{
		{Name: "a header without a colon", Wire: ok("nonsense"), End: Close},
		{Name: "a header without a name", Wire: ok(": value"), End: Close},
		{Name: "a blank before the colon", Wire: ok("Content-Type : text/html"), End: Close, May: page},
		{Name: "a NUL in a header", Wire: ok("X-A: a\x00b"), End: Close, May: page},
		{Name: "a name that is not ASCII", Wire: ok("X-Ä: a"), End: Close, May: page},
		{Name: "a folded header", Wire: ok("X-A: a\r\n b"), End: Close, May: page},
		{Name: "line feeds alone", Wire: "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", End: Close, May: page},
		{Name: "carriage returns alone", Wire: "HTTP/1.1 200 OK\rContent-Length: 2\r\r{}", End: Close},
		{Name: "half a header, and the end", Wire: "HTTP/1.1 200 OK\r\nContent-Le", End: Close},
		{Name: "half a header, then silence", Wire: "HTTP/1.1 200 OK\r\nContent-Le", End: Hold},
		{Name: "a header of 200 kB", Wire: ok("X-Long: " + strings.Repeat("a", 200<<10)), May: page},
		{Name: "a header of 1 MB", Wire: ok("X-Long: " + strings.Repeat("a", 1<<20)), End: Close},
		{Name: "10,000 headers", Wire: ok(strings.Repeat("X-A: b\r\n", 9_999) + "X-A: b"), May: page},
		{Name: "10,000 cookies", Wire: ok(strings.Repeat("Set-Cookie: a=b\r\n", 9_999) + "Set-Cookie: a=b"), May: page},
		{Name: "headers for ever", Wire: "HTTP/1.1 200 OK\r\n", Repeat: "X-A: b\r\n", Size: Endless},
		{Name: "other headers for ever", Wire: "HTTP/1.1 200 OK\r\n", Repeat: "X-########: b\r\n", Size: Endless},
		{Name: "headers slowly for ever", Wire: "HTTP/1.1 200 OK\r\n", Repeat: "X-A: b\r\n", Size: Endless, Slow: true},
		{Name: "a header's value for ever", Wire: "HTTP/1.1 200 OK\r\nX-A: ", Repeat: "value ", Size: Endless},
		{Name: "a header's name for ever", Wire: "HTTP/1.1 200 OK\r\n", Repeat: "X-Name-", Size: Endless},
		{Name: "gzip that was not asked for", Wire: sized("200 OK", "application/json", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00", "Content-Encoding: gzip"), May: bodiless},
		{Name: "gzip that is none", Wire: sized("200 OK", "application/json", "{}", "Content-Encoding: gzip"), May: page},
		{Name: "brotli", Wire: sized("200 OK", "application/json", "\x0b\x00\x80{}\x03", "Content-Encoding: br"), May: bodiless},
		{Name: "deflated for ever", Wire: head("200 OK", "Content-Encoding: deflate"), Repeat: "\x00\x00\x00\xff\xff", Size: Endless, May: bodiless},
		{Name: "a charset of UTF-7", Wire: sized("200 OK", "application/json; charset=utf-7", "+AHsAfQ-"), May: bodiless},
	}
}

// lengths are answers with a wrong or unusual length.
func lengths() []Answer {
	with := func(lines ...string) string { return head("200 OK", lines...) }
	return []Answer{
		{Name: "cut", Wire: with("Content-Length: 100") + id[:20], End: Close, May: bodiless},
		{Name: "cut by a reset", Wire: with("Content-Length: 100") + id[:20], End: Reset, May: bodiless},
		{Name: "a head, then silence", Wire: with("Content-Length: 100"), End: Hold, May: bodiless},
		{Name: "half a body, then silence", Wire: with("Content-Length: 100") + id[:20], End: Hold, May: bodiless},
		{Name: "silence without a length", Wire: with(), End: Hold, May: bodiless},
		{Name: "a stream of silence", Wire: streamed(), End: Hold, May: bodiless},
		{Name: "blanks slowly for ever", Wire: with(), Repeat: " ", Size: Endless, Slow: true, May: bodiless},
		{Name: "a document slowly for ever", Wire: with() + `{"a":"`, Repeat: "a", Size: Endless, Slow: true, May: bodiless},
		{Name: "a length of 0 and a body", Wire: with("Content-Length: 0") + id, May: bodiless},
		{Name: "bytes behind {}", Wire: object("{}") + "more of it\r\n\x1b[2J", May: append([]string{"BandwidthByProtocol"}, bodiless...)},
		{Name: "two answers", Wire: object("{}") + object("{}"), May: append([]string{"BandwidthByProtocol"}, bodiless...)},
		{Name: "a length of 2^63", Wire: with("Content-Length: 9223372036854775808") + "{}", End: Close},
		{Name: "a length just below 2^63", Wire: with("Content-Length: 9223372036854775807") + "{}", End: Close, May: bodiless},
		{Name: "a length of 2^64", Wire: with("Content-Length: 18446744073709551616") + "{}", End: Close},
		{Name: "a length of -1", Wire: with("Content-Length: -1") + "{}", End: Close},
		{Name: "a length of +2", Wire: with("Content-Length: +2") + "{}", End: Close},
		{Name: "a length in words", Wire: with("Content-Length: two") + "{}", End: Close},
		{Name: "a length of nothing", Wire: with("Content-Length: ") + "{}", End: Close, May: append([]string{"BandwidthByProtocol"}, bodiless...)},
		{Name: "two lengths", Wire: with("Content-Length: 2", "Content-Length: 3") + "{} ", End: Close},
		{Name: "a list of lengths", Wire: with("Content-Length: 2, 3") + "{} ", End: Close},
		{Name: "a length and chunks", Wire: with("Content-Length: 2", "Transfer-Encoding: chunked") + chunk("{}") + "0\r\n\r\n", May: append([]string{"BandwidthByProtocol"}, bodiless...)},
		{Name: "chunked twice", Wire: with("Transfer-Encoding: chunked, chunked") + chunk("{}") + "0\r\n\r\n", End: Close},
		{Name: "an unknown encoding", Wire: with("Transfer-Encoding: gzip") + "{}", End: Close},
		{Name: "the identity encoding", Wire: with("Transfer-Encoding: identity", "Content-Length: 2") + "{}", End: Close},
		{Name: "HTTP/1.0 and chunks", Wire: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("{}") + "0\r\n\r\n", End: Close, May: bodiless},
	}
}

// chunks are answers with malformed or endless chunks.
func chunks() []Answer {
	with := head("200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked")
	wrong := func(name, body string) Answer {
		return Answer{Name: name, Wire: with + body, End: Close, May: bodiless}
	}
	return []Answer{
		wrong("a chunk of size xyz", "xyz\r\n{}\r\n0\r\n\r\n"),
		wrong("a chunk of size -2", "-2\r\n{}\r\n0\r\n\r\n"),
		wrong("a chunk of size 0x2", "0x2\r\n{}\r\n0\r\n\r\n"),
		wrong("a chunk without a size", "\r\n{}\r\n0\r\n\r\n"),
		wrong("a chunk of 2^64", "10000000000000000\r\n{}\r\n0\r\n\r\n"),
		wrong("a chunk of 2^64-1, cut", "ffffffffffffffff\r\n{}"),
		wrong("a chunk that is longer than it says", "1\r\n{}\r\n0\r\n\r\n"),
		wrong("a chunk that is shorter than it says", "9\r\n{}\r\n0\r\n\r\n"),
		wrong("a chunk with line feeds alone", "2\n{}\n0\n\n{"),
		wrong("no last chunk", chunk("{}")),
		wrong("half a last chunk", chunk("{}")+"0\r"),
		wrong("a chunk's size of 100 digits", strings.Repeat("0", 99)+"2\r\n{}\r\n0\r\n\r\n"),
		wrong("a chunk's size for long", strings.Repeat("0", 200<<10)),
		wrong("a chunk's extension of 100 kB", "2;"+strings.Repeat("a", 100<<10)+"\r\n{}\r\n0\r\n\r\n"),
		{Name: "no last chunk, then silence", Wire: with + chunk(id+"\n"), End: Hold, May: bodiless},
		{Name: "half a chunk, then silence", Wire: with + "100\r\n" + id[:30], End: Hold, May: bodiless},
		{Name: "a chunk's extension for ever", Wire: with + "2;", Repeat: "name=value;", Size: Endless, May: bodiless},
		{Name: "chunks with extensions for ever", Wire: with, Repeat: "1;" + strings.Repeat("x", 1000) + "\r\n \r\n", Size: Endless, May: bodiless},
		{Name: "chunks of a blank for ever", Wire: with, Repeat: "1\r\n \r\n", Size: Endless, May: bodiless},
		{Name: "chunks of a blank slowly", Wire: with, Repeat: "1\r\n \r\n", Size: Endless, Slow: true, May: bodiless},
	}
}

// trailers are answers whose trailer is malformed or endless, or reports an error.
func trailers() []Answer {
	with := streamed()
	wrong := func(name, trailer string) Answer {
		return Answer{Name: name, Wire: with + chunk(pin+"\n") + "0\r\n" + trailer, End: Close, May: ofPin}
	}
	reported := func(name, trailer string) Answer {
		a := wrong(name, trailer)
		a.Means = Reported
		return a
	}
	return []Answer{
		wrong("a trailer without a colon", "nonsense\r\n\r\n"),
		wrong("a trailer, cut", "X-Stream-Err"),
		wrong("a trailer without an end", "X-Stream-Error: \r\n"),
		wrong("a trailer of 100 kB", "X-Stream-Error: "+strings.Repeat("why ", 25<<10)+"\r\n\r\n"),
		reported("a trailer of 8 kB", "X-Stream-Error: "+strings.Repeat("why ", 2<<10)+"\r\n\r\n"),
		wrong("a trailer with escapes", "X-Stream-Error: \x1b[2J\x07\x9b2J\u202e\r\n\r\n"),
		reported("a trailer of no UTF-8", "X-Stream-Error: \xff\xfe\r\n\r\n"),
		reported("200 trailers", strings.Repeat("X-Stream-Error: no\r\n", 200)+"\r\n"),
		reported("200 different trailers", "X-Stream-Error: 1\r\n"+strings.Repeat("X-Stream-Error: a\r\nX-Stream-Error: b\r\n", 100)+"\r\n"),
		{Name: "a trailer, then silence", Wire: with + chunk(pin+"\n") + "0\r\nX-Stream-Err", End: Hold, May: ofPin},
		{Name: "trailers for ever", Wire: with + chunk(pin+"\n") + "0\r\n", Repeat: "X-Stream-Error: \r\n", Size: Endless, May: ofPin},
		{Name: "trailers slowly for ever", Wire: with + chunk(pin+"\n") + "0\r\n", Repeat: "X-Stream-Error: \r\n", Size: Endless, Slow: true, May: ofPin},
	}
}
