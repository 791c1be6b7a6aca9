package field

// haproxy is haproxy with the settings of its manual.
func haproxy() proxy {
	p := program{name: "haproxy", template: "haproxy.cfg", args: func(file, _ string) []string {
		return []string{"-db", "-f", file} // in the foreground
	}}
	return proxy{name: "haproxy", start: p.start}
}
