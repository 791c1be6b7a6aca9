package discovery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/regularfile"
)

const (
	// DefaultFileInterval is the default interval between checks of a file.
	DefaultFileInterval = 2 * time.Second

	// maxFile limits the size of the file, in bytes.
	maxFile = 8 << 20
	// youngFile is how long after a change the file is read at every check, even if
	// its time and size are unchanged: a second change within the granularity of
	// the file system's clock does not change the time. The age of a change is
	// measured with the local clock, because the file's time may come from another
	// machine whose clock is wrong.
	youngFile = 3 * time.Second
)

// File reads endpoints from a JSON file. The file holds a list whose elements are
// addresses (a multiaddr, URL, or host:port) or objects with the keys of
// config.Load:
//
//	["/ip4/10.0.0.1/tcp/9094", {"api_addr": "/dns4/b.example/tcp/443/https", "weight": 2}]
//
// The settings of the template apply to addresses, but not to objects. The file
// may be rewritten or replaced at any time. While it is missing, unreadable or
// invalid, the endpoints read last stay. To avoid such a moment, write another
// file and rename it. Make a file with a password or token readable only by its
// user.
type File struct {
	Path string
	// Template holds the settings of the elements that are addresses; nil means
	// the defaults.
	Template *config.Config
	// Interval is the time between checks of the file's time and size, ± 10 %. 0
	// means DefaultFileInterval.
	Interval time.Duration
	// Logger receives failures; nil logs nothing.
	Logger *slog.Logger
}

var _ Source = (*File)(nil)

// Watch implements [Source]. It returns an error at once if the settings are
// invalid; otherwise it returns only when ctx is done.
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

// fileReader is the state of one Watch of a File.
type fileReader struct {
	*File
	info    os.FileInfo // of the file when it was read; nil after a failure
	since   time.Time   // when the file was first seen with the time and size of info
	young   bool        // the file may have changed since, with the same time and size
	content []byte
	cfgs    []*config.Config // parsed from content
	err     error            // why content could not be parsed
}

func (r *fileReader) look(_ context.Context, publish func([]*config.Config)) error {
	if err := r.update(); err != nil {
		return err
	}
	publish(r.cfgs)
	return nil
}

// update reads the file if it may have changed.
func (r *fileReader) update() error {
	info, err := os.Stat(r.Path)
	if err != nil {
		r.info = nil
		return err
	}
	now := time.Now()
	switch {
	case r.info == nil || !os.SameFile(info, r.info) || !info.ModTime().Equal(r.info.ModTime()) || info.Size() != r.info.Size():
		r.since = now
	case !r.young:
		return r.err
	}
	r.young = now.Sub(r.since) < youngFile
	content, err := regularfile.Read(r.Path, maxFile)
	if err != nil {
		r.info = nil
		return err
	}
	if r.info == nil || !bytes.Equal(content, r.content) {
		r.cfgs, r.err = r.parse(content)
	}
	r.info, r.content = info, content
	return r.err
}

// parse returns the endpoints of a list, or the errors of all its elements. It
// rejects the whole list if one element is bad: without that element, the list
// would remove an endpoint that is in use.
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
	parsed, err := config.ParseAddrs(text, r.Template)
	if err != nil {
		return nil, err
	}
	if len(parsed) != 1 {
		return nil, errors.New("several addresses: make each an element of its own")
	}
	return parsed[0], nil
}
