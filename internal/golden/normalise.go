package golden

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// varying holds the patterns of texts that vary from run to run.
var varying = []struct {
	pattern *regexp.Regexp
	shape   string
}{
	{regexp.MustCompile(`12D3KooW[1-9A-HJ-NP-Za-km-z]{44}`), "<peer>"},
	{regexp.MustCompile(`/ip4/[\d.]+/(tcp|udp)/\d+`), "/ip4/<host>/$1/<port>"},
	{regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+:\d+`), "<host>:<port>"},
}

var (
	timePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)
	jwtPattern  = regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]*$`)
)

const zeroTime = "0001-01-01T00:00:00Z"

// Normalise replaces what varies from run to run by placeholders: peer IDs and
// names, addresses, times, lists of allocations, figures of metrics and
// bandwidth, tokens, and the keys that a garbage collection removed. Times with
// and without fractions have different placeholders. If the text is a sequence
// of JSON documents, the result has one line for each. The order of fields is
// kept, but objects whose keys are peer IDs are sorted.
func Normalise(body []byte) string {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var lines []string
	for {
		line, err := normaliseValue(dec, "")
		if errors.Is(err, io.EOF) {
			return strings.Join(lines, "\n")
		}
		if err != nil {
			return shape(string(body))
		}
		lines = append(lines, line)
	}
}

func shape(text string) string {
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.shape)
	}
	return text
}

// normaliseValue normalises the next value, which belongs to key.
func normaliseValue(dec *json.Decoder, key string) (string, error) {
	token, err := dec.Token()
	if err != nil {
		return "", err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return normaliseObject(dec)
		}
		return normaliseArray(dec, key)
	case string:
		return strconv.Quote(normaliseString(key, v)), nil
	case json.Number:
		switch key {
		case "expire", "received_at", "weight", "total_in", "total_out", "rate_in", "rate_out":
			return "<number>", nil
		}
		return v.String(), nil
	case bool:
		return map[bool]string{true: "true", false: "false"}[v], nil
	default:
		return "null", nil
	}
}

func normaliseString(key, text string) string {
	switch {
	case key == "peername", key == "value":
		return "<" + key + ">"
	case key == "token" && jwtPattern.MatchString(text):
		return "<token>"
	case text == zeroTime:
		return text
	}
	if m := timePattern.FindStringSubmatch(text); m != nil {
		if m[1] == "" {
			return "<seconds>"
		}
		return "<nanoseconds>"
	}
	return shape(text)
}

func normaliseObject(dec *json.Decoder) (string, error) {
	var members []string
	byPeer := false
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return "", err
		}
		key := token.(string)
		under := shape(key)
		byPeer = byPeer || under != key
		if byPeer {
			// The strings in such an object are names or other peer IDs.
			key = "peername"
		}
		value, err := normaliseValue(dec, key)
		if err != nil {
			return "", err
		}
		members = append(members, strconv.Quote(under)+":"+value)
	}
	if _, err := dec.Token(); err != nil {
		return "", err
	}
	if byPeer {
		slices.Sort(members)
	}
	return "{" + strings.Join(members, ",") + "}", nil
}

func normaliseArray(dec *json.Decoder, key string) (string, error) {
	var items []string
	for dec.More() {
		item, err := normaliseValue(dec, "")
		if err != nil {
			return "", err
		}
		items = append(items, item)
	}
	if _, err := dec.Token(); err != nil {
		return "", err
	}
	if len(items) > 0 {
		switch key {
		case "allocations":
			return "[<allocations>]", nil
		case "keys":
			return "[<keys>]", nil
		}
	}
	return "[" + strings.Join(items, ",") + "]", nil
}
