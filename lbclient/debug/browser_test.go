package debug

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// browse loads a page in Chromium, lets it run for some seconds of the page's time, and
// returns the document, a screenshot and the console's messages.
func browse(t *testing.T, url string, flags ...string) (dom string, shot image.Image, console []string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "page.png")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium(t), append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir=" + filepath.Join(dir, "profile"),
		"--enable-logging=stderr", "--hide-scrollbars",
		"--virtual-time-budget=3500", "--screenshot=" + file, "--dump-dom",
	}, append(flags, url)...)...)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, stderr.String())
	}
	for line := range strings.Lines(stderr.String()) {
		if strings.Contains(line, ":CONSOLE") {
			console = append(console, strings.TrimSpace(line))
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("no screenshot: %v\n%s", err, stderr.String())
	}
	if shot, err = png.Decode(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("PINFLEET_SCREENSHOTS"); keep != "" {
		name := filepath.Join(keep, strings.ReplaceAll(t.Name(), "/", "-")+".png")
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Error(err)
		}
	}
	return stdout.String(), shot, console
}

// browseFrame loads the page in a frame of this width, because the windows of Chromium
// have at least 500 pixels, and returns the outer document and a screenshot of the frame.
// The page's own policy would not permit the frame. The script runs in the outer document
// when the page has been updated.
func browseFrame(t *testing.T, h http.Handler, width int, script string, flags ...string) (dom string, shot image.Image) {
	t.Helper()
	const height = 4200
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("frame") {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<!doctype html><title>no script</title><body style="margin: 0">
				<iframe src="?" style="border: 0; width: %dpx; height: %dpx"></iframe>
				<script>setTimeout(() => { %s }, 2500)</script>`, width, height, script)
			return
		}
		h.ServeHTTP(framed{w}, r)
	}))
	dom, shot, _ = browse(t, url+"?frame", append(flags, fmt.Sprintf("--window-size=600,%d", height))...)
	return dom, shot.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(image.Rect(0, 0, width, height))
}

// framed is a ResponseWriter that lets its page be framed.
type framed struct{ http.ResponseWriter }

func (w framed) Write(p []byte) (int, error) {
	header := w.Header()
	header.Del("X-Frame-Options")
	header.Set("Content-Security-Policy", strings.ReplaceAll(header.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors *"))
	return w.ResponseWriter.Write(p)
}

// chromium returns the path of the browser: the value of CHROMIUM, or the first one
// found, or "".
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// needsBrowser reports whether there is a browser. In CI, it fails the test if there is
// none.
func needsBrowser(t *testing.T) bool {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds to start")
	}
	switch {
	case chromium(t) != "":
		return true
	case os.Getenv("CI") == "true" && runtime.GOOS == "linux":
		t.Error("no chromium, chromium-browser or google-chrome: install chromium, or name it in CHROMIUM")
	default:
		t.Log("NOT RUN: no chromium, chromium-browser or google-chrome; install one, or name it in CHROMIUM")
	}
	return false
}

// serve starts a server with h below a prefix, and returns its URL.
func serve(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/debug/lb/", h)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/debug/lb/"
}

// E15, in a real browser: a name that resolves to this machine does not lead to the page.
func TestReboundNameInBrowser(t *testing.T) {
	if !needsBrowser(t) {
		return
	}
	h := New()
	h.Watch(fixed{{Endpoint: "secret-endpoint"}})
	url := strings.Replace(serve(t, h), "127.0.0.1", "evil.example", 1) + "?format=json"
	rules := "--host-resolver-rules=MAP evil.example 127.0.0.1"
	dom, _, _ := browse(t, url, rules)
	if strings.Contains(dom, "secret") || !strings.Contains(dom, "this page is not for the host") {
		t.Errorf("the browser shows %s", dom)
	}
	if err := h.AllowHosts("evil.example"); err != nil {
		t.Fatal(err)
	}
	if dom, _, _ := browse(t, url, rules); !strings.Contains(dom, "secret-endpoint") {
		t.Errorf("an allowed name: the browser shows %s", dom)
	}
}

// near returns the number of pixels that have the colour, within a tolerance for colour
// compression and smoothing.
func near(shot image.Image, want color.RGBA) int {
	count := 0
	off := func(a uint32, b uint8) bool { d := int(a>>8) - int(b); return d < -3 || d > 3 }
	bounds := shot.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := shot.At(x, y).RGBA()
			if !off(r, want.R) && !off(g, want.G) && !off(b, want.B) {
				count++
			}
		}
	}
	return count
}

// The colours of the states, as in style.css.
var (
	green  = color.RGBA{0x1a, 0x7f, 0x37, 0xff}
	amber  = color.RGBA{0x9a, 0x67, 0x00, 0xff}
	red    = color.RGBA{0xcf, 0x22, 0x2e, 0xff}
	grey   = color.RGBA{0x57, 0x60, 0x6a, 0xff}
	light  = color.RGBA{0xf6, 0xf8, 0xfa, 0xff}
	dark   = color.RGBA{0x0d, 0x11, 0x17, 0xff}
	marker = color.RGBA{0xff, 0x00, 0xff, 0xff} // shown if a hostile text was interpreted
)

// sparklines returns the label of each sparkline and the path of its mean.
func sparklines(dom string) (labels, paths []string) {
	pattern := regexp.MustCompile(`(?s)<svg[^>]*class="spark"[^>]*aria-label="([^"]*)"[^>]*>.*?<path class="mean" d="([^"]*)"`)
	for _, m := range pattern.FindAllStringSubmatch(dom, -1) {
		labels, paths = append(labels, m[1]), append(paths, m[2])
	}
	return labels, paths
}
