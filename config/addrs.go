package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/multiformats/go-multiaddr"
)

// ParseAddrs returns a Config for each element of a comma-separated list. An
// element is a multiaddress, a URL, a host or a host:port. An empty list is an
// error. The error names every faulty element.
//
// Each Config has the settings of template, if one is given, and the address from
// the list instead of APIAddr, URL, Host and Port. User name and password in a URL
// become the Config's credentials, instead of the user name and password of template.
// More than one template is an error.
func ParseAddrs(list string, template ...*Config) ([]*Config, error) {
	settings := &Config{}
	switch {
	case len(template) > 1:
		return nil, fmt.Errorf("config: ParseAddrs takes one template, and %d are given", len(template))
	case len(template) == 1 && template[0] != nil:
		settings = template[0]
	}
	cfgs, err := parseAddrs(list, settings)
	if err != nil {
		return nil, prefixed([]error{err})
	}
	return cfgs, nil
}

func parseAddrs(list string, template *Config) ([]*Config, error) {
	var (
		cfgs []*Config
		errs []error
	)
	for i, text := range strings.Split(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		at, err := parseAddr(text)
		if err == nil {
			_, err = at.Address()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("element %d of the address list: %w", i+1, err))
		}
		cfgs = append(cfgs, at.with(template))
	}
	if len(cfgs) == 0 {
		errs = append(errs, errors.New("the address list is empty"))
	}
	return cfgs, errors.Join(errs...)
}

// parseAddr returns a Config that has only the address and credentials of an element.
func parseAddr(text string) (*Config, error) {
	if strings.HasPrefix(text, "/") {
		m, err := multiaddr.NewMultiaddr(text)
		return &Config{APIAddr: m}, err
	}
	if !strings.Contains(text, "://") {
		return &Config{Host: text}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return &Config{URL: text}, nil //nolint:nilerr // Address says what is wrong with it
	}
	c := &Config{Username: u.User.Username()}
	c.Password, _ = u.User.Password()
	u.User = nil
	c.URL = u.String()
	return c, nil
}

// with returns the Config of an element with the other settings of template.
func (c *Config) with(template *Config) *Config {
	n := template.Clone()
	n.APIAddr, n.URL, n.Host, n.Port = c.APIAddr, c.URL, c.Host, c.Port
	if c.Username != "" || c.Password != "" {
		n.Username, n.Password = c.Username, c.Password
	}
	return n
}
