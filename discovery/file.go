package discovery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

const (
	// DefaultFileInterval is how often a file is looked at.
	DefaultFileInterval = 2 * time.Second

	// maxFile bounds the file, in bytes.
	maxFile = 8 << 20
	// Two changes within the granularity of a file system's clock cannot be told
	// apart by time; so for this long after a change was seen the file is read
	// again. Its own time may be that of another machine, whose clock is wrong.
	youngFile = 3 * time.Second
)

// File is the source of the endpoints in a JSON file, which is a list. Each
// element is an address (a multiaddress, URL, or host:port) or an object with
// the keys of config.Load:
//
//	["/ip4/10.0.0.1/tcp/9094", {"api_addr": "/dns4/b.example/tcp/443/https", "weight": 2}]
//
// An object is taken as it is; an address gets the settings of the template.
// The file may be rewritten or replaced at any time: while it is missing,
// unreadable or no such list, what was read last stays. To change it without
// such a moment, write another file and rename it. A file that holds a password
// or token should be readable by its user only.
type File struct {
	Path string
	// Template holds the settings of the elements that are addresses; nil are
	// the defaults.
	Template *config.Config
	// Interval is the time between two looks at the file's time and size, give
	// or take a tenth. 0 means DefaultFileInterval.
	Interval time.Duration
	// Logger is told of failures; nil is silent.
	Logger *slog.Logger
}

var _ Source = (*File)(nil)

// Watch is that of [Source]. It fails at once if the settings cannot be used,
// and otherwise goes on until ctx ends.
func (f *File) Watch(ctx context.Context, update func([]*config.Config)) error {
	interval, err := intervalOr(f.Interval, DefaultFileInterval)
	if f.Path == "" {
		err = errors.Join(err, errors.New("no path: give that of a JSON list"))
	}
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	r := &fileReader{File: f}
	return poll(ctx, interval, silent(f.Logger), update, r.look)
}

// fileReader is a File under watch.
type fileReader struct {
	*File
	info    os.FileInfo // of the file as it was read
	since   time.Time   // when it was first seen with this time and size
	young   bool        // it may have changed since without a trace
	content []byte
	cfgs    []*config.Config // what the content says
	err     error            // why it says nothing
}

func (r *fileReader) look(context.Context) ([]*config.Config, error) {
	info, err := os.Stat(r.Path)
	if err != nil {
		r.info = nil
		return nil, err
	}
	now := time.Now()
	switch {
	case r.info == nil || !os.SameFile(info, r.info) || !info.ModTime().Equal(r.info.ModTime()) || info.Size() != r.info.Size():
		r.since = now
	case !r.young:
		return r.cfgs, r.err
	}
	r.young = now.Sub(r.since) < youngFile
	content, err := r.read()
	if err != nil {
		r.info = nil
		return nil, err
	}
	if r.info == nil || !bytes.Equal(content, r.content) {
		r.cfgs, r.err = r.parse(content)
	}
	r.info, r.content = info, content
	return r.cfgs, r.err
}

func (r *fileReader) read() ([]byte, error) {
	file, err := os.Open(r.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%s has over %d bytes", r.Path, maxFile)
	}
	return content, err
}

// parse returns what a list says, or everything that is wrong with it: half a
// list would take endpoints away.
func (r *fileReader) parse(content []byte) ([]*config.Config, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(content, &elements); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Path, err)
	}
	var cfgs []*config.Config
	var errs []error
	for i, element := range elements {
		cfg, err := r.endpoint(element)
		if err == nil {
			err = cfg.Validate()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: element %d: %w", r.Path, i, err))
		}
		cfgs = append(cfgs, cfg)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cfgs, nil
}

func (r *fileReader) endpoint(element []byte) (*config.Config, error) {
	var text string
	switch element[0] {
	case '{':
		return config.Load(bytes.NewReader(element))
	case '"':
		if err := json.Unmarshal(element, &text); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("it is neither an address nor an object")
	}
	parsed, err := config.ParseAddrs(text)
	if err != nil {
		return nil, err
	}
	if len(parsed) != 1 {
		return nil, errors.New("several addresses: make each an element of its own")
	}
	cfg := templateOr(r.Template).Clone()
	one := parsed[0]
	cfg.APIAddr, cfg.URL, cfg.Host, cfg.Port = one.APIAddr, one.URL, one.Host, one.Port
	if one.Username != "" || one.Password != "" {
		cfg.Username, cfg.Password = one.Username, one.Password
	}
	return cfg, nil
}
