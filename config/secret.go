package config

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// secretWords are the words that mark a header field as a credential. A field is a
// credential if its name has one of these words, except in a phrase of
// harmlessPhrases. A word is matched as a whole: "auth" does not match X-Author.
var secretWords = wordSet(`
	auth authn authz authorization authentication oauth oidc saml sso sasl
	bearer jwt jws jwe assertion token tokens macaroon dpop kerberos negotiate ntlm
	cookie cookies session sessions sessid sid csrf xsrf
	secret secrets password passwords passwd passphrase passcode pass pwd pw otp totp
	credential credentials cred creds key keys
	signature signatures sig hmac
`)

// companions are words that are often written together with one of secretWords, as
// in apikey and sessionid.
var companions = wordSet(`x access api app client data header id private refresh shared signing user value`)

// harmlessPhrases are phrases in which a word of secretWords does not mark a
// credential. They name what is looked up or repeated, not what grants access.
var harmlessPhrases = []string{
	"idempotency key", "cache key", "surrogate key", "partition key", "routing key", "shard key", "sort key", "dedup key", "correlation key",
	"public key", "public keys", "key id", "keyid", "websocket key", "socket key",
	"pass through", "max tokens", "session affinity", "token type",
}

// secretHeader reports whether the named header field counts as a credential. The
// values of such a field are masked wherever a Config is printed, and are not sent
// in clear text to another machine without AllowCleartextAuth.
func secretHeader(name string) bool {
	// Spelling matters in neither direction: XApiKey has the words of X-Api-Key,
	// and its canonical form is Xapikey.
	return hasSecretWord(words(name)) || hasSecretWord(words(strings.ToLower(name)))
}

func hasSecretHeader(h http.Header) bool {
	for name := range h {
		if secretHeader(name) {
			return true
		}
	}
	return false
}

// hasSecretWord reports whether a word marks a credential.
func hasSecretWord(words []string) bool {
	text := " " + strings.Join(words, " ") + " "
	for _, phrase := range harmlessPhrases {
		text = strings.ReplaceAll(text, " "+phrase+" ", " ")
	}
	return slices.ContainsFunc(strings.Fields(text), isSecretWord)
}

// isSecretWord reports whether word is one of secretWords, or a compound of it with
// others of secretWords and companions.
func isSecretWord(word string) bool {
	if secretWords[word] {
		return true
	}
	for i := 1; i < len(word); i++ {
		first, rest := word[:i], word[i:]
		if secretWords[first] && (companions[rest] || isSecretWord(rest)) || companions[first] && isSecretWord(rest) {
			return true
		}
	}
	return false
}

// words splits the name of a header field at every character that is not a
// letter, and where a capital letter begins a word. The words are in lower case.
func words(name string) []string {
	var split strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			r = ' '
		case i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			split.WriteByte(' ')
		}
		split.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(split.String())
}

func wordSet(text string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}
