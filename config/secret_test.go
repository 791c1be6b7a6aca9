package config

import (
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

// secretNames are header fields whose values are masked and not sent in clear text to
// another machine.
var secretNames = []string{
	"Cookie", "Set-Cookie", "X-Auth-Token", "X-Api-Key", "Api-Key", "Apikey", "X-ApiKey", "XApiKey", "x_api_key", "X-API-KEY",
	"Cf-Access-Jwt-Assertion", "X-Goog-Iap-Jwt-Assertion", "X-Jwt", "X-Jwt-Assertion", "X-Bearer", "X-Passphrase", "X-Signature",
	"X-Amzn-Oidc-Data", "X-Amzn-Oidc-Accesstoken", "X-Amz-Security-Token", "X-Vault-Token", "X-Csrf-Token", "X-Xsrf", "Dpop", "DPoP",
	"X-Hub-Signature-256", "Signature", "X-Slack-Signature", "X-Hmac", "X-Sig", "X-Session-Id", "X-Sessionid", "Mcp-Session-Id",
	"X-Client-Secret", "Cf-Access-Client-Secret", "X-Shared-Secret", "X-Password", "X-Passwd", "X-Pwd", "X-User-Pass", "X-Passcode",
	"X-Credential", "X-Credentials", "X-Amz-Credential", "Proxy-Authorization", "X-Forwarded-Authorization", "X-Authentication",
	"X-OAuth", "X-Oauth2", "X-Saml-Response", "X-Macaroon", "X-Otp", "X-Functions-Key", "Ocp-Apim-Subscription-Key", "X-Private-Key",
	"X-Key", "X-Key2", "X-Auth", "X.Auth.User", "X-Accesskey", "X-Id-Token", "X-IDToken", "X-JWTAssertion", "X-Auth-Idempotency-Key",
}

// openNames are header fields that are shown and may be sent in clear text.
var openNames = []string{
	"Idempotency-Key", "X-Idempotency-Key", "IdempotencyKey", "X-Author", "X-Authors", "X-AUTHOR", "Author", "X-Authority", "X-Authored-By",
	"Traceparent", "Tracestate", "Baggage", "X-Request-Id", "X-Correlation-Id", "X-Correlation-Key", "X-B3-Traceid", "X-Cloud-Trace-Context",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Client-Cert", "Forwarded", "Via", "Accept", "Accept-Language",
	"Cache-Control", "X-Cache-Key", "Surrogate-Key", "X-Partition-Key", "X-Routing-Key", "X-Shard-Key", "X-Sort-Key", "X-Public-Key",
	"X-Key-Id", "Sec-Websocket-Key", "Sec-WebSocket-Key", "X-Cluster", "X-Tenant", "X-Tenant-Id", "X-Monkey", "X-Keyboard", "X-Keynote", "X-Keyspace",
	"X-Turkey", "X-Secretary", "X-Tokenizer", "X-Cookieless", "X-Compass", "X-Bypass-Cache", "X-Pass-Through", "X-Obsession", "X-Design",
	"X-Assignment", "X-Sidecar", "X-Pinned", "X-Pin", "X-Forwarded-User", "X-Client-Id", "X-Open", "Origin", "Referer", "Date", "X-Amz-Date",
	"X-Amz-Content-Sha256", "X-Max-Tokens", "X-Session-Affinity", "Priority", "Dnt",
}

// E8: secret headers were recognised by parts of words. So X-Jwt, X-Bearer,
// X-Passphrase, X-Signature, …-Jwt-Assertion and X-Amzn-Oidc-Data were printed and sent
// in clear text, and Idempotency-Key and X-Author were not. Now the words of the name
// count, in every spelling.
func TestE8SecretHeaders(t *testing.T) {
	for _, list := range []struct {
		names  []string
		secret bool
	}{{secretNames, true}, {openNames, false}} {
		for _, name := range list.names {
			for _, name := range []string{name, strings.ToLower(name), strings.ToUpper(name), textproto.CanonicalMIMEHeaderKey(name)} {
				c := Config{URL: "http://192.0.2.1:9094", Headers: http.Header{name: {"shown"}}}
				if got := !strings.Contains(c.String(), "shown"); got != list.secret {
					t.Errorf("%s: masked is %t", name, got)
				}
				if err := c.Validate(); (err != nil) != list.secret {
					t.Errorf("%s in clear text: %v", name, err)
				}
				c.AllowCleartextAuth = true
				if err := c.Validate(); err != nil {
					t.Errorf("%s, allowed: %v", name, err)
				}
			}
		}
	}
}
