// Package golden holds transcripts of what a real cluster of three ipfs-cluster
// v1.1.6 peers sent, byte for byte, and what is needed to replay them: against a
// server, which must answer alike, and against a client, which must understand
// every answer.
//
// Each file is one cluster, its cases in the order in which they were recorded,
// sharing state. What differs from run to run is to be compared by its shape
// only; [Diff] does so.
package golden

import (
	"bufio"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed *.jsonl
var transcripts embed.FS

// File is one transcript.
type File struct {
	Name  string // without directory and extension
	Cases []Case
}

// Case is one request and what was answered.
type Case struct {
	Name     string   `json:"case"`
	Note     string   `json:"note"`
	Request  Request  `json:"request"`
	Response Response `json:"response"`

	// allocations stands for those of the file, see Diff.
	allocations string
}

// Field is a header or trailer line.
type Field [2]string

// Request is what was sent.
type Request struct {
	Method  string  `json:"method"`
	Target  string  `json:"target"`
	Headers []Field `json:"headers"`
	Body    Body    `json:"body"`
	// Parts is what the body of an add was made of.
	Parts Parts `json:"parts"`
}

// Response is what came back.
type Response struct {
	Proto   string  `json:"proto"`
	Status  int     `json:"status"`
	Reason  string  `json:"reason"`
	Headers []Field `json:"headers"`
	Body    Body    `json:"body"`
	// Framing is "length", "chunked", "close" for a body that ends with the
	// connection, or "cut" for one that should have gone on.
	Framing string `json:"framing"`
	// Chunks are the sizes of the chunks; nil if there were none, or if they were
	// not recorded.
	Chunks []int `json:"chunks"`
	// Trailers are all trailer lines, empty values included.
	Trailers []Field `json:"trailers"`
	// Closed means that the connection was closed and nothing came back.
	Closed bool `json:"closed_without_response"`
}

// Get returns the first header with a name, empty if there is none.
func (r Request) Get(name string) string { return get(r.Headers, name) }

// Get returns the first header with a name, empty if there is none.
func (r Response) Get(name string) string { return get(r.Headers, name) }

func get(fields []Field, name string) string {
	for _, f := range fields {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// Files returns the transcripts of this package, by name.
func Files() ([]File, error) { return load(transcripts) }

// LoadDir returns the transcripts in a directory: every *.jsonl file, by name.
func LoadDir(dir string) ([]File, error) {
	files, err := load(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	ours, err := Files()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(ours, func(f File) bool { return f.Name == "crdt" })
	for _, f := range files {
		for n := range f.Cases {
			// All transcripts are of the same peers.
			f.Cases[n].allocations = cmp.Or(f.Cases[n].allocations, ours[i].Cases[0].allocations)
		}
	}
	return files, nil
}

func load(dir fs.FS) ([]File, error) {
	names, err := fs.Glob(dir, "*.jsonl")
	if err != nil {
		return nil, err
	}
	var files []File
	for _, name := range names {
		f, err := dir.Open(name)
		if err != nil {
			return nil, err
		}
		cases, err := read(f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("transcript %s: %w", name, err)
		}
		files = append(files, File{Name: strings.TrimSuffix(path.Base(name), ".jsonl"), Cases: cases})
	}
	return files, nil
}

func read(r io.Reader) ([]Case, error) {
	var cases []Case
	lines := bufio.NewReader(r)
	allocations := ""
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 1 {
			var c Case
			if err := json.Unmarshal(line, &c); err != nil {
				return nil, fmt.Errorf("line %d: %w", len(cases)+1, err)
			}
			cases = append(cases, c)
			if sample := allocationsPattern.Find(c.Response.Body.data); len(sample) > len(allocations) {
				allocations = string(sample)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	for i := range cases {
		cases[i].allocations = allocations
	}
	return cases, nil
}

var allocationsPattern = regexp.MustCompile(`"allocations":\["[^\]]*\]`)

// Peers of the recorded clusters listened on these ports; the next one on a port
// that is 100 higher.
const (
	restPort  = 9094
	swarmPort = 9096
)

// Endpoint returns the index of the peer that was asked.
func (c Case) Endpoint() int {
	_, port, _ := strings.Cut(c.Request.Get("Host"), ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return (n - restPort) / 100
}

var swarmPattern = regexp.MustCompile(`/tcp/(\d+)/p2p/(\w+)`)

// Peers returns the index of each cluster peer by its ID, as far as the
// transcript tells.
func (f File) Peers() map[string]int {
	peers := make(map[string]int)
	for _, c := range f.Cases {
		for _, m := range swarmPattern.FindAllSubmatch(c.Response.Body.data, -1) {
			if port, err := strconv.Atoi(string(m[1])); err == nil && port >= swarmPort {
				peers[string(m[2])] = (port - swarmPort) / 100
			}
		}
	}
	return peers
}

// Find returns the case with a name.
func (f File) Find(name string) (Case, bool) {
	i := slices.IndexFunc(f.Cases, func(c Case) bool { return c.Name == name })
	if i < 0 {
		return Case{}, false
	}
	return f.Cases[i], true
}
