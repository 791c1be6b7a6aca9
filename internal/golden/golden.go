// Package golden contains byte-exact transcripts of the answers of a real
// cluster of three ipfs-cluster v1.1.6 peers. Tests replay the requests to a
// server, which must give the same answers, and the answers to a client, which
// must understand each of them.
//
// Each file is about one cluster. Its cases are in the order in which they were
// recorded, and share the cluster's state. [Case.Diff] ignores what varies from
// run to run.
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
	Name  string // file name without directory and extension
	Cases []Case
}

// Case is a request and its answer.
type Case struct {
	Name     string   `json:"case"`
	Note     string   `json:"note"`
	Request  Request  `json:"request"`
	Response Response `json:"response"`

	// allocations is a sample of the file's lists of allocations; see Diff.
	allocations string
}

// Field is the name and the value of a header or trailer line.
type Field [2]string

// Request is a recorded request.
type Request struct {
	Method  string  `json:"method"`
	Target  string  `json:"target"`
	Headers []Field `json:"headers"`
	Body    Body    `json:"body"`
	// Parts are the parts of the body of an add.
	Parts Parts `json:"parts"`
}

// Response is a recorded answer.
type Response struct {
	Proto   string  `json:"proto"`
	Status  int     `json:"status"`
	Reason  string  `json:"reason"`
	Headers []Field `json:"headers"`
	Body    Body    `json:"body"`
	// Framing is "length", "chunked", "close" for a body that ends with the
	// connection, or "cut" for an incomplete body.
	Framing string `json:"framing"`
	// Chunks are the sizes of the chunks. It is nil if there were none or they were
	// not recorded.
	Chunks []int `json:"chunks"`
	// Trailers are all trailer lines, including those with empty values.
	Trailers []Field `json:"trailers"`
	// Closed reports whether the connection was closed without an answer.
	Closed bool `json:"closed_without_response"`
}

// Get returns the value of the first header with the given name, or "" if there
// is none.
func (r Request) Get(name string) string { return get(r.Headers, name) }

// Get returns the value of the first header with the given name, or "" if there
// is none.
func (r Response) Get(name string) string { return get(r.Headers, name) }

func get(fields []Field, name string) string {
	for _, f := range fields {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// Files returns the transcripts of this package, sorted by name.
func Files() ([]File, error) { return load(transcripts) }

// LoadDir returns the transcripts in the *.jsonl files of a directory, sorted
// by name.
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

// Ports of peer 0 of the recorded clusters. Those of peer i are higher by 100*i.
const (
	restPort  = 9094
	swarmPort = 9096
)

// Endpoint returns the index of the peer that received the request.
func (c Case) Endpoint() int {
	_, port, _ := strings.Cut(c.Request.Get("Host"), ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return (n - restPort) / 100
}

var swarmPattern = regexp.MustCompile(`/tcp/(\d+)/p2p/(\w+)`)

// Peers returns the index of each cluster peer by its ID. It finds the peers
// whose addresses occur in the transcript, and takes the index from the port.
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

// Find returns the case with the given name, if there is one.
func (f File) Find(name string) (Case, bool) {
	i := slices.IndexFunc(f.Cases, func(c Case) bool { return c.Name == name })
	if i < 0 {
		return Case{}, false
	}
	return f.Cases[i], true
}
