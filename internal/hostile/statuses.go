package hostile

import "strings"

// statusLines are answers with a wrong or missing status line.
func statusLines() []Answer {
	return []Answer{
		{Name: "nothing, and the end", End: Close},
		{Name: "nothing, and a reset", End: Reset},
		{Name: "silence", End: Hold},
		{Name: "half a status line, and the end", Wire: "HTTP/1.1 20", End: Close},
		{Name: "half a status line, then silence", Wire: "HTTP/1.1 20", End: Hold},
		{Name: "a body without a head", Wire: `{"version":"1.1.6"}` + "\n", End: Close},
		{Name: "ICY", Wire: "ICY 200 OK\r\n\r\n", End: Close},
		{Name: "HTTP/9.9", Wire: "HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}", End: Close, May: append([]string{"BandwidthByProtocol"}, bodiless...)},
		{Name: "the preface of HTTP/2", Wire: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", End: Close},
		{Name: "frames of HTTP/2", Wire: "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", End: Hold},
		{Name: "a status that is no number", Wire: "HTTP/1.1 OK\r\n\r\n", End: Close},
		{Name: "status 0", Wire: "HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n"},
		{Name: "status 42", Wire: "HTTP/1.1 42 Short\r\nContent-Length: 0\r\n\r\n", End: Close},
		{Name: "status 1000", Wire: "HTTP/1.1 1000 Long\r\nContent-Length: 0\r\n\r\n", End: Close},
		{Name: "status -1", Wire: "HTTP/1.1 -01 Minus\r\nContent-Length: 0\r\n\r\n", End: Close},
		{Name: "status 999", Wire: head("999 Go Away", "Content-Length: 0"), Means: Unjudged},
		{Name: "an alert of TLS", Wire: "\x15\x03\x01\x00\x02\x02\x46", End: Close},
		{Name: "the banner of SSH", Wire: "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", End: Hold},
		{Name: "the banner of SMTP", Wire: "220 mail.example.com ESMTP Postfix\r\n", End: Hold},
		{Name: "an error of Redis", Wire: "-ERR unknown command 'GET'\r\n", End: Keep},
		{Name: "NUL bytes", Wire: strings.Repeat("\x00", 64<<10), End: Close},
		{Name: "the request sent back", Wire: "GET /id HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", End: Hold},
		{Name: "a reason of 200 kB", Wire: head("500 "+strings.Repeat("why ", 50_000), "Content-Length: 0"), Means: Fault},
		{Name: "a reason with escapes", Wire: head("500 \x1b[2Jwhy\x07", "Content-Length: 0"), Means: Fault},
		{Name: "a status line without an end", Wire: "HTTP/1.1 200 ", Repeat: "OK ", Size: Endless},
	}
}

// informational are answers with status 1xx. They announce another answer or, with
// 101, hand over the connection.
func informational() []Answer {
	switching := head("101 Switching Protocols", "Connection: Upgrade", "Upgrade: h2c")
	return []Answer{
		{Name: "101, then silence", Wire: head("101 Switching Protocols"), End: Hold},
		{Name: "101 with Upgrade, then silence", Wire: switching, End: Hold},
		{Name: "101 to a websocket, then silence", Wire: head("101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), End: Hold},
		{Name: "101 with a length, then silence", Wire: head("101 Switching Protocols", "Content-Length: 20") + id[:10], End: Hold},
		{Name: "101, then the right answer", Wire: switching + object(id), End: Hold},
		{Name: "101, then the end", Wire: switching, End: Close},
		{Name: "101, then a reset", Wire: switching, End: Reset},
		{Name: "101, then bytes for ever", Wire: switching, Repeat: "bytes ", Size: Endless},
		{Name: "101, then bytes slowly", Wire: switching, Repeat: "b", Size: Endless, Slow: true},
		{Name: "100, then silence", Wire: head("100 Continue"), End: Hold},
		{Name: "100 for ever", Repeat: head("100 Continue"), Size: Endless},
		{Name: "100 slowly for ever", Repeat: head("100 Continue"), Size: Endless, Slow: true},
		{Name: "102 for ever", Repeat: head("102 Processing"), Size: Endless},
		{Name: "103 with headers for ever", Repeat: head("103 Early Hints", "Link: </"+strings.Repeat("a", 1000)+">; rel=preload"), Size: Endless},
		{Name: "103 slowly for ever", Repeat: head("103 Early Hints", "Link: </a>; rel=preload"), Size: Endless, Slow: true},
		{Name: "199 for ever", Repeat: head("199 Almost"), Size: Endless},
		{Name: "100 and half a status line", Wire: head("100 Continue") + "HTTP/1.1 2", End: Close},
		{Name: "100 with a length", Wire: head("100 Continue", "Content-Length: 5") + "hello", End: Close},
	}
}

// successes are answers with a status 2xx that the API does not use, or with an
// unexpected body.
func successes() []Answer {
	page := "<html><body>done</body></html>"
	return []Answer{
		{Name: "200 without a body", Wire: head("200 OK", "Content-Length: 0"), May: bodiless},
		{Name: "200 without a length", Wire: head("200 OK"), End: Close, May: bodiless},
		{Name: "201 and {}", Wire: sized("201 Created", "application/json", "{}"), May: append([]string{"BandwidthByProtocol"}, bodiless...)},
		{Name: "202 without a body", Wire: head("202 Accepted", "Content-Length: 0"), May: append([]string{"Pin", "PinPath", "Unpin", "UnpinPath"}, bodiless...)},
		{Name: "203 and a page", Wire: sized("203 Non-Authoritative Information", "text/html", page), May: bodiless},
		{Name: "204", Wire: head("204 No Content"), May: nothing},
		{Name: "204 and bytes behind it", Wire: head("204 No Content") + page, May: nothing},
		{Name: "204 with a length", Wire: head("204 No Content", "Content-Length: 30") + page, May: nothing},
		{Name: "205", Wire: head("205 Reset Content", "Content-Length: 0"), May: bodiless},
		{Name: "206 of an ID", Wire: sized("206 Partial Content", "application/json", id, "Content-Range: bytes 0-5/6")},
		{Name: "207 and XML", Wire: sized("207 Multi-Status", "application/xml", "<multistatus/>"), May: bodiless},
		{Name: "226 and a page", Wire: sized("226 IM Used", "text/html", page), May: bodiless},
		{Name: "299 and a page", Wire: sized("299 Odd", "text/html", page), May: bodiless},
	}
}

// redirects are answers with a status 3xx that a client must not or cannot follow.
func redirects() []Answer {
	to := func(status, location string) string {
		return sized(status, "text/html", "<a href=\"/login\">Found</a>.\n", "Location: "+location)
	}
	moved := func(name, wire string) Answer {
		return Answer{Name: name, Wire: wire, Means: Moved, Unexecuted: true}
	}
	return []Answer{
		moved("301 to another host", to("301 Moved Permanently", "http://other.invalid/")),
		moved("302 to a login page elsewhere", to("302 Found", "https://login.invalid/?next=%2Fid")),
		moved("307 to another host", to("307 Temporary Redirect", "http://other.invalid:9094/id")),
		moved("308 to another host", to("308 Permanent Redirect", "http://other.invalid:9094/id")),
		moved("307 to a host without a scheme", to("307 Temporary Redirect", "//other.invalid/id")),
		moved("307 to user and password", to("307 Temporary Redirect", "http://a:b@other.invalid/")),
		moved("307 to a file", to("307 Temporary Redirect", "file:///etc/passwd")),
		moved("307 to a script", to("307 Temporary Redirect", "javascript:alert(1)")),
		moved("307 to a malformed URL", to("307 Temporary Redirect", "http://[::1")),
		moved("307 to escapes", to("307 Temporary Redirect", "http://%1b[2J.invalid/")),
		moved("307 to 100 kB", to("307 Temporary Redirect", "http://"+strings.Repeat("long.", 20_000)+"invalid/")),
		moved("307 without a location", head("307 Temporary Redirect", "Content-Length: 0")),
		moved("302 without a location", head("302 Found", "Content-Length: 0")),
		moved("308 in a circle", to("308 Permanent Redirect", "/again")),
		moved("307 to itself", to("307 Temporary Redirect", "?")),
		moved("301 to itself", to("301 Moved Permanently", "/login")),
		moved("307 and then silence", head("307 Temporary Redirect", "Location: /elsewhere", "Content-Length: 100")),
		{Name: "300", Wire: to("300 Multiple Choices", "/a")},
		{Name: "303 to another host", Wire: to("303 See Other", "http://other.invalid/")},
		{Name: "304", Wire: head("304 Not Modified")},
		{Name: "305", Wire: to("305 Use Proxy", "http://other.invalid/")},
		{Name: "306", Wire: to("306 Switch Proxy", "/")},
		{Name: "399", Wire: to("399 Odd", "/")},
	}
}
