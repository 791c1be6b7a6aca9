package field

import (
	"os"
	"path/filepath"
	"testing"
)

// nginx is a configuration of nginx. The zero value is nginx as it is installed,
// but for the limit of a body: 1 MiB is less than most adds need.
type nginx struct {
	Base       string   // path of the API, such as /cluster
	MaxBody    string   // as in nginx's configuration; empty means no limit
	Directives []string // of the location
	Password   bool     // ask for proxyUser and proxyPassword
}

const (
	proxyUser     = "operator"
	proxyPassword = "let me through"
)

// unbuffered makes nginx pass on requests and responses as they arrive.
var unbuffered = []string{"proxy_http_version 1.1", "proxy_buffering off", "proxy_request_buffering off"}

// nginxProxies returns the configurations of nginx through which everything must
// work. nginx 1.22 drops all trailers. By default it reads the whole request and
// then speaks HTTP/1.0 to the peer.
func nginxProxies() []proxy {
	return []proxy{
		{name: "nginx", start: nginx{}.start, dropsTrailers: true},
		{name: "nginx-unbuffered", start: nginx{Directives: unbuffered}.start, dropsTrailers: true},
		{
			name:          "nginx-base-auth",
			start:         nginx{Base: "/cluster", Password: true}.start,
			dropsTrailers: true,
			base:          "/cluster",
			username:      proxyUser,
			password:      proxyPassword,
		},
	}
}

func (n nginx) start(t *testing.T, peers []string) []string {
	t.Helper()
	if n.MaxBody == "" {
		n.MaxBody = "0"
	}
	p := program{name: "nginx", template: "nginx.conf", options: n, args: func(file, dir string) []string {
		// The path in nginx.conf is relative to the configuration file.
		users := []byte(proxyUser + ":{PLAIN}" + proxyPassword + "\n")
		if err := os.WriteFile(filepath.Join(filepath.Dir(file), "users"), users, 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"-e", "stderr", "-p", dir, "-c", file}
	}}
	return p.start(t, peers)
}
