package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Load reads a Config from JSON. The keys are the names of the fields in
// snake_case (api_addr, dial_timeout, tls.ca_file …). Addresses and PEM data are
// strings, durations are strings such as "10s", and protector_key is a string of
// hexadecimal digits. An unknown key is an error. Load does not call Validate.
func Load(r io.Reader) (*Config, error) {
	if r == nil {
		return nil, errors.New("config: nothing to read: the reader is nil")
	}
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var d document
	if err := dec.Decode(&d); err != nil {
		return nil, loadError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("config: there is more after the JSON object")
	}
	c, err := d.config()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return c, nil
}

// UnmarshalJSON replaces c with the Config that Load reads from b.
func (c *Config) UnmarshalJSON(b []byte) error {
	n, err := Load(bytes.NewReader(b))
	if err != nil {
		return err
	}
	*c = *n
	return nil
}

// UnmarshalJSON replaces t with the TLS that Load reads from b under the key tls.
func (t *TLS) UnmarshalJSON(b []byte) error {
	c, err := Load(io.MultiReader(strings.NewReader(`{"tls":`), bytes.NewReader(b), strings.NewReader(`}`)))
	if err != nil {
		return err
	}
	*t = c.TLS
	return nil
}

func loadError(err error) error {
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("config: the key %s is not known: keys are the names of Config's fields in snake_case", field)
	}
	return fmt.Errorf("config: %w", err)
}
