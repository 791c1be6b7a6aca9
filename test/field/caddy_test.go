package field

// caddy is caddy with its defaults. It stops reading a request when the response
// begins (B1).
func caddy() proxy {
	p := program{name: "caddy", template: "Caddyfile", args: func(file, _ string) []string {
		return []string{"run", "--adapter", "caddyfile", "--config", file}
	}}
	return proxy{name: "caddy", start: p.start}
}
