package debug

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"
	"sync"
)

var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/style.css
	pageStyle string
	//go:embed page/script.js
	pageScript string
)

// document is the page and its content security policy.
type document struct {
	html   []byte
	policy string
}

// page assembles the page. It contains no data: its script fetches the snapshot.
var page = sync.OnceValue(func() document {
	html := strings.NewReplacer("{{style}}", pageStyle, "{{script}}", pageScript).Replace(pageHTML)
	return document{[]byte(html), strings.Join([]string{
		"default-src 'none'",
		"script-src " + digest(pageScript),
		"style-src " + digest(pageStyle),
		"connect-src 'self'",
		"img-src data:", // the icon
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'", // no text is ever parsed as HTML
		"trusted-types 'none'",
	}, "; ")}
})

// digest returns the source expression that allows an inline text in the policy.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
