package config

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/multiformats/go-multiaddr"
)

// document is the JSON form of a Config.
type document struct {
	APIAddr                string       `json:"api_addr,omitempty"`
	URL                    string       `json:"url,omitempty"`
	Host                   string       `json:"host,omitempty"`
	Port                   string       `json:"port,omitempty"`
	SSL                    bool         `json:"ssl,omitempty"`
	BasePath               string       `json:"base_path,omitempty"`
	TLS                    *tlsDocument `json:"tls,omitempty"`
	Username               string       `json:"username,omitempty"`
	Password               string       `json:"password,omitempty"`
	Token                  string       `json:"token,omitempty"`
	FetchToken             bool         `json:"fetch_token,omitempty"`
	MintTTL                duration     `json:"mint_ttl,omitempty"`
	AllowCleartextAuth     bool         `json:"allow_cleartext_auth,omitempty"`
	Headers                http.Header  `json:"headers,omitempty"`
	UserAgent              string       `json:"user_agent,omitempty"`
	MaxHeaderBytes         int          `json:"max_header_bytes,omitempty"`
	ProtectorKey           string       `json:"protector_key,omitempty"`
	ProxyAddr              string       `json:"proxy_addr,omitempty"`
	Proxy                  string       `json:"proxy,omitempty"`
	DialTimeout            duration     `json:"dial_timeout,omitempty"`
	HeaderTimeout          duration     `json:"header_timeout,omitempty"`
	IdleTimeout            duration     `json:"idle_timeout,omitempty"`
	Timeout                duration     `json:"timeout,omitempty"`
	DisableKeepAlives      bool         `json:"disable_keep_alives,omitempty"`
	Web                    webDocument  `json:"web,omitzero"`
	MaxConnAge             duration     `json:"max_conn_age,omitempty"`
	TCPUserTimeout         duration     `json:"tcp_user_timeout,omitempty"`
	Weight                 int          `json:"weight,omitempty"`
	AllowUnverifiedStreams bool         `json:"allow_unverified_streams,omitempty"`
	BufferedAdds           bool         `json:"buffered_adds,omitempty"`
	SkipVerify             bool         `json:"skip_verify,omitempty"`
}

// tlsDocument is the JSON form of TLS. PEM data are strings.
type tlsDocument struct {
	CAFile     string `json:"ca_file,omitempty"`
	CA         string `json:"ca,omitempty"`
	CertFile   string `json:"cert_file,omitempty"`
	KeyFile    string `json:"key_file,omitempty"`
	Cert       string `json:"cert,omitempty"`
	Key        string `json:"key,omitempty"`
	ServerName string `json:"server_name,omitempty"`
	Insecure   bool   `json:"insecure,omitempty"`
}

// webDocument is the JSON form of a WebPolicy.
type webDocument struct {
	Refuse     bool     `json:"refuse,omitempty"`
	Hosts      []string `json:"hosts,omitempty"`
	PublicOnly bool     `json:"public_only,omitempty"`
	MaxBytes   int64    `json:"max_bytes,omitempty"`
}

// document returns the JSON form of c with its secrets masked.
func (c *Config) document() *document {
	d := &document{
		APIAddr:                c.APIAddr.String(),
		URL:                    maskURL(c.URL),
		Host:                   maskHost(c.Host),
		Port:                   c.Port,
		SSL:                    c.SSL,
		BasePath:               c.BasePath,
		Username:               c.Username,
		Password:               masked(c.Password != ""),
		Token:                  masked(c.Token != ""),
		FetchToken:             c.FetchToken,
		MintTTL:                duration(c.MintTTL),
		AllowCleartextAuth:     c.AllowCleartextAuth,
		Headers:                maskHeaders(c.Headers),
		UserAgent:              c.UserAgent,
		MaxHeaderBytes:         c.MaxHeaderBytes,
		ProtectorKey:           masked(len(c.ProtectorKey) > 0),
		ProxyAddr:              c.ProxyAddr.String(),
		Proxy:                  maskURL(c.Proxy),
		DialTimeout:            duration(c.DialTimeout),
		HeaderTimeout:          duration(c.HeaderTimeout),
		IdleTimeout:            duration(c.IdleTimeout),
		Timeout:                duration(c.Timeout),
		DisableKeepAlives:      c.DisableKeepAlives,
		Web:                    webDocument(c.Web),
		MaxConnAge:             duration(c.MaxConnAge),
		TCPUserTimeout:         duration(c.TCPUserTimeout),
		Weight:                 c.Weight,
		AllowUnverifiedStreams: c.AllowUnverifiedStreams,
		BufferedAdds:           c.BufferedAdds,
		SkipVerify:             c.SkipVerify,
	}
	if len(c.APIAddr) == 0 {
		d.APIAddr = ""
	}
	if len(c.ProxyAddr) == 0 {
		d.ProxyAddr = ""
	}
	if !c.TLS.isZero() {
		d.TLS = c.TLS.document()
	}
	return d
}

func (t *TLS) document() *tlsDocument {
	return &tlsDocument{
		CAFile:     t.CAFile,
		CA:         string(t.CA),
		CertFile:   t.CertFile,
		KeyFile:    t.KeyFile,
		Cert:       string(t.Cert),
		Key:        masked(len(t.Key) > 0),
		ServerName: t.ServerName,
		Insecure:   t.Insecure,
	}
}

// config returns the Config that d describes. A masked secret is an error.
func (d *document) config() (*Config, error) {
	var errs []error
	apiAddr, err := optionalMultiaddr("api_addr", d.APIAddr)
	errs = append(errs, err)
	proxyAddr, err := optionalMultiaddr("proxy_addr", d.ProxyAddr)
	errs = append(errs, err)
	key, err := parseProtectorKey(d.ProtectorKey)
	if err != nil {
		err = fmt.Errorf("protector_key: %w", err)
	}
	errs = append(errs, err, d.checkMasks())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c := &Config{
		APIAddr:                apiAddr,
		URL:                    d.URL,
		Host:                   d.Host,
		Port:                   d.Port,
		SSL:                    d.SSL,
		BasePath:               d.BasePath,
		Username:               d.Username,
		Password:               d.Password,
		Token:                  d.Token,
		FetchToken:             d.FetchToken,
		MintTTL:                time.Duration(d.MintTTL),
		AllowCleartextAuth:     d.AllowCleartextAuth,
		Headers:                d.Headers,
		UserAgent:              d.UserAgent,
		MaxHeaderBytes:         d.MaxHeaderBytes,
		ProtectorKey:           key,
		ProxyAddr:              proxyAddr,
		Proxy:                  d.Proxy,
		DialTimeout:            time.Duration(d.DialTimeout),
		HeaderTimeout:          time.Duration(d.HeaderTimeout),
		IdleTimeout:            time.Duration(d.IdleTimeout),
		Timeout:                time.Duration(d.Timeout),
		DisableKeepAlives:      d.DisableKeepAlives,
		Web:                    WebPolicy(d.Web),
		MaxConnAge:             time.Duration(d.MaxConnAge),
		TCPUserTimeout:         time.Duration(d.TCPUserTimeout),
		Weight:                 d.Weight,
		AllowUnverifiedStreams: d.AllowUnverifiedStreams,
		BufferedAdds:           d.BufferedAdds,
		SkipVerify:             d.SkipVerify,
	}
	if d.TLS != nil {
		c.TLS = d.TLS.tls()
	}
	return c, nil
}

func (d *tlsDocument) tls() TLS {
	return TLS{
		CAFile:     d.CAFile,
		CA:         optionalBytes(d.CA),
		CertFile:   d.CertFile,
		KeyFile:    d.KeyFile,
		Cert:       optionalBytes(d.Cert),
		Key:        optionalBytes(d.Key),
		ServerName: d.ServerName,
		Insecure:   d.Insecure,
	}
}

// checkMasks returns an error if a secret is the mask, as in a printed Config.
func (d *document) checkMasks() error {
	secrets := map[string]string{"password": d.Password, "token": d.Token}
	if d.TLS != nil {
		secrets["tls.key"] = d.TLS.Key
	}
	for name, values := range d.Headers {
		for _, v := range values {
			if secretHeader(name) && v == mask {
				secrets["headers."+name] = v
			}
		}
	}
	if u, err := url.Parse(d.Proxy); err == nil && u.User != nil {
		secrets["proxy"] = u.User.Username()
	}
	var wrong problems
	for key, value := range secrets {
		if value == mask {
			wrong.addf("%s is %q, as a Config is printed: put in the secret itself", key, mask)
		}
	}
	return errors.Join(wrong...)
}

func optionalBytes(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

func optionalMultiaddr(key, text string) (multiaddr.Multiaddr, error) {
	if text == "" {
		return nil, nil
	}
	m, err := multiaddr.NewMultiaddr(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return m, nil
}

// parseProtectorKey decodes a key of 64 hexadecimal digits, the form in which
// cluster configurations hold their secret. Its error does not quote the text.
func parseProtectorKey(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != protectorKeyLen {
		return nil, fmt.Errorf("the key must have %d hexadecimal digits", 2*protectorKeyLen)
	}
	return key, nil
}

// duration is a time.Duration whose JSON form is a string such as "10s".
type duration time.Duration

func (d duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

func (d *duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("a duration must be a string such as \"10s\", not %s", b)
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"10s\"", text)
	}
	*d = duration(v)
	return nil
}
