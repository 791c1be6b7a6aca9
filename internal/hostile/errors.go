package hostile

import "strings"

// clientErrors are answers with status 4xx, from the API and from other servers.
func clientErrors() []Answer {
	const (
		nginx = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
		json  = "application/json"
	)
	refused := func(name, wire string) Answer {
		return Answer{Name: name, Wire: wire, Means: Refusal, Unexecuted: true}
	}
	unjudged := func(status string) Answer {
		return Answer{Name: status, Wire: refusal(status, "no"), Means: Unjudged}
	}
	return []Answer{
		refused("400 of the API", refusal("400 Bad Request", "error decoding Cid")),
		refused("401 of the API", refusal("401 Unauthorized", "unauthorized: no auth provided", `WWW-Authenticate: Basic realm="Restricted IPFS Cluster API"`)),
		refused("401 of nginx", sized("401 Unauthorized", "text/html", "<h1>401 Authorization Required</h1>", "WWW-Authenticate: Basic")),
		refused("403 of the API", refusal("403 Forbidden", "no")),
		refused("403 of a firewall", sized("403 Forbidden", "text/html", "<title>Attention Required!</title>")),
		refused("404 of the API", refusal("404 Not Found", "pin is not part of the pinset")),
		refused("404 of the API, streamed", head("404 Not Found", "Content-Type: application/json", "Transfer-Encoding: chunked")+chunk(`{"code":404,"message":"not found"}`+"\n")+"0\r\n\r\n"),
		refused("405 of the API", head("405 Method Not Allowed", "Content-Length: 0")),
		refused("413 of a proxy", sized("413 Request Entity Too Large", "text/html", "<h1>413</h1>")),
		refused("431 of the API", sized("431 Request Header Fields Too Large", "text/plain", "431 Request Header Fields Too Large")),

		{Name: "404 of an ingress", Wire: sized("404 Not Found", "text/plain", "default backend - 404")},
		{Name: "404 of Go", Wire: sized("404 Not Found", "text/plain; charset=utf-8", "404 page not found\n")},
		{Name: "404 of nginx", Wire: sized("404 Not Found", "text/html", nginx)},
		{Name: "404 of Kong", Wire: sized("404 Not Found", json, `{"message":"no Route matched with those values"}`)},
		{Name: "404 of a gateway", Wire: sized("404 Not Found", json, `{"code":5,"message":"Not Found","details":[]}`)},
		{Name: "404 of a framework", Wire: sized("404 Not Found", json, `{"timestamp":"2026-01-01","status":404,"error":"Not Found","path":"/id"}`)},
		{Name: "404 and {}", Wire: sized("404 Not Found", json, `{}`)},
		{Name: "404 and null", Wire: sized("404 Not Found", json, `null`)},
		{Name: "404 and an array", Wire: sized("404 Not Found", json, `[{"code":404,"message":"not found"}]`)},
		{Name: "404 and a text as code", Wire: sized("404 Not Found", json, `{"code":"404","message":"not found"}`)},
		{Name: "404 with another code", Wire: sized("404 Not Found", json, `{"code":500,"message":"not found"}`)},
		{Name: "404 without a message", Wire: sized("404 Not Found", json, `{"code":404}`)},
		{Name: "404 without a body", Wire: head("404 Not Found", "Content-Length: 0")},
		{Name: "404 and half of the body", Wire: head("404 Not Found", "Content-Type: application/json", "Content-Length: 100") + `{"code":404,"mess`, End: Close},
		{Name: "404 and silence", Wire: head("404 Not Found", "Content-Type: application/json", "Content-Length: 100"), End: Hold},
		{Name: "404 and blanks for ever", Wire: head("404 Not Found", "Content-Type: application/json"), Repeat: " ", Size: Endless},
		{Name: "404 of the API and blanks for ever", Wire: head("404 Not Found", "Content-Type: application/json") + `{"code":404,"message":"not found"}`,
			Repeat: " ", Size: Endless, Means: Unjudged},

		{Name: "429", Wire: refusal("429 Too Many Requests", "slow down"), Means: Busy, Unexecuted: true},
		{Name: "429 for ages", Wire: refusal("429 Too Many Requests", "slow down", "Retry-After: 99999999999999999999"), Means: Busy, Unexecuted: true},
		{Name: "429 until 1970", Wire: refusal("429 Too Many Requests", "slow down", "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"), Means: Busy, Unexecuted: true},
		{Name: "407 of a forward proxy", Wire: refusal("407 Proxy Authentication Required", "no"), Means: Busy, Unexecuted: true},
		{Name: "408 of a proxy", Wire: refusal("408 Request Timeout", "no"), Means: Busy},
		{Name: "421", Wire: refusal("421 Misdirected Request", "no"), Means: Busy, Unexecuted: true},
		{Name: "425", Wire: refusal("425 Too Early", "no"), Means: Busy, Unexecuted: true},
		unjudged("402 Payment Required"), unjudged("406 Not Acceptable"), unjudged("409 Conflict"), unjudged("410 Gone"), unjudged("411 Length Required"),
		unjudged("414 URI Too Long"), unjudged("415 Unsupported Media Type"), unjudged("417 Expectation Failed"),
		unjudged("418 I'm a teapot"),
		unjudged("426 Upgrade Required"), unjudged("428 Precondition Required"), unjudged("451 Unavailable For Legal Reasons"),
		unjudged("499 Client Closed Request"),
	}
}

// serverErrors are answers with status 5xx.
func serverErrors() []Answer {
	const page = "<html><head><title>error</title></head><body><h1>error</h1></body></html>"
	fault := func(name, wire string) Answer { return Answer{Name: name, Wire: wire, Means: Fault} }
	busy := func(name, wire string) Answer { return Answer{Name: name, Wire: wire, Means: Busy} }
	return []Answer{
		fault("500 of the API", refusal("500 Internal Server Error", "boom")),
		fault("500 and a page", sized("500 Internal Server Error", "text/html", page)),
		fault("500 without a body", head("500 Internal Server Error", "Content-Length: 0")),
		fault("500 with a message of 200 kB", refusal("500 Internal Server Error", strings.Repeat("long ", 40_000))),
		fault("500 with escapes", refusal("500 Internal Server Error", `line\nline\r\u001b[2J\u0000\u202eright to left`)),
		fault("500 with raw escapes", sized("500 Internal Server Error", "text/plain", "line\nlevel=error msg=forged\r\n\x1b]0;title\x07\x00\x9b2J")),
		fault("500 of no UTF-8", sized("500 Internal Server Error", "text/plain", "\xff\xfe\xfd\xc3\x28")),
		fault("500 with an error in an error", sized("500 Internal Server Error", "application/json", `{"error":{"code":"x","reason":"y"}}`)),
		fault("500 of many documents", sized("500 Internal Server Error", "application/json", strings.Repeat(`{"code":500,"message":"no"}`+"\n", 2000))),
		fault("500 deeply nested", sized("500 Internal Server Error", "application/json", strings.Repeat(`[`, 60_000))),
		fault("500 cut", head("500 Internal Server Error", "Content-Length: 1000")+`{"code":500,"messa`).with(Close),
		fault("500 with a wrong chunk", head("500 Internal Server Error", "Transfer-Encoding: chunked")+"zz\r\nno\r\n").with(Close),
		fault("500, then silence", head("500 Internal Server Error", "Content-Length: 1000")+`{"code":500,"messa`).with(Hold),
		{Name: "500 and text for ever", Wire: head("500 Internal Server Error"), Repeat: "no ", Size: Endless, Means: Fault},
		{Name: "500 and text slowly for ever", Wire: head("500 Internal Server Error"), Repeat: "no ", Size: Endless, Slow: true, Means: Fault},
		busy("501", sized("501 Not Implemented", "text/html", page)),
		busy("505", sized("505 HTTP Version Not Supported", "text/html", page)),
		busy("511 of a captive portal", sized("511 Network Authentication Required", "text/html", page)),
		busy("502 of nginx", sized("502 Bad Gateway", "text/html", page)),
		busy("502 of a proxy that speaks JSON", sized("502 Bad Gateway", "application/json", `{"error":"bad gateway"}`)),
		busy("503", sized("503 Service Unavailable", "text/html", page)),
		busy("503 of the API's form", refusal("503 Service Unavailable", "later", "Retry-After: soon")),
		busy("503 for -1 seconds", refusal("503 Service Unavailable", "later", "Retry-After: -1")),
		busy("504", sized("504 Gateway Time-out", "text/html", page)),
		busy("503, then silence", head("503 Service Unavailable", "Content-Length: 1000")).with(Hold),
		{Name: "507", Wire: sized("507 Insufficient Storage", "text/html", page), Means: Busy},
		{Name: "520 of a CDN", Wire: sized("520 Web Server Returned an Unknown Error", "text/html", page), Means: Busy},
		{Name: "522 of a CDN", Wire: sized("522 Connection Timed Out", "text/html", page), Means: Busy},
		{Name: "530 of a CDN", Wire: sized("530", "text/html", page), Means: Busy},
		{Name: "599", Wire: sized("599 Network Connect Timeout", "text/html", page), Means: Busy},
	}
}

func (a Answer) with(end End) Answer {
	a.End = end
	return a
}
