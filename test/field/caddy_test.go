package field

// caddy is caddy with its defaults. Like a plain Go proxy, it stops reading a request
// when the response begins, if the connection is to be used again (B1).
func caddy() proxy {
	p := program{name: "caddy", template: "Caddyfile", args: func(file, _ string) []string {
		return []string{"run", "--adapter", "caddyfile", "--config", file}
	}}
	return proxy{name: "caddy", start: p.start}
}
