package doctor

import (
	"errors"
	"net/http"

	"github.com/pinfleet/pinfleet/client"
)

// unauthorized returns the finding for a call that was refused for its credentials, or
// that could not be made for lack of a token.
func (e *endpoint) unauthorized(failed *client.Error) Finding {
	cfg := e.cfg
	given := cfg.Username != "" || cfg.Token != "" || cfg.TokenFunc != nil
	f := Finding{ID: CredentialsRefused, Severity: Error, What: "the credentials are refused: " + text(failed),
		Why: "Nothing but the sign of life can be asked of this endpoint.",
		Do:  "Correct the user name and password, or the token. A token is refused as well if the clock of the peer is wrong, or after the password has changed."}
	switch {
	case errors.Is(failed, client.ErrCredentials):
		f.What = "there is no bearer token: " + failed.Err.Error()
		f.Do = "Use user name and password themselves, or a token."
	case !given:
		f.ID, f.What = CredentialsMissing, "it asks for credentials, and none are set"
		f.Do = "Set PINFLEET_BASIC_AUTH or PINFLEET_TOKEN, or store the credentials in the configuration file."
	case failed.Status == http.StatusForbidden:
		f.What = "the credentials are accepted, but do not permit this: " + text(failed)
		f.Do = "Ask for the permission, or use other credentials. A cluster peer never answers 403, so that a proxy in front of it has decided this."
	}
	return f
}
