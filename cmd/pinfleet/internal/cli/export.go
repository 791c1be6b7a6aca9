package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/pinset"
)

func (a *app) exportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the pinset as a backup",
		Long: `Export writes a line of JSON for each pin, in the form of ipfs-cluster-service state
export. Pinfleet import, pinfleet sync and ipfs-cluster-service state import read it.
With --output, the file is written only when the export is complete.`,
		Example: `  pinfleet export --output backup.ndjson
  pinfleet export | gzip > backup.ndjson.gz`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			if file == "" {
				_, err := pinset.Export(ctx, s.client, textWriter{s})
				return err
			}
			return replaceFile(file, func(w io.Writer) error {
				_, err := pinset.Export(ctx, s.client, w)
				return err
			})
		}),
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "write to this `file`")
	return cmd
}

// textWriter writes to the output of a session.
type textWriter struct{ s *session }

func (w textWriter) Write(b []byte) (int, error) {
	if err := w.s.out.Text(string(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// reasonOfPath returns the cause of an error about a path, which has another name than
// the user knows.
func reasonOfPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// replaceFile writes a file of the given name, or the target of a symlink of that name.
// If write fails, the file stays as it was. Anything else of that name, such as a device,
// is never replaced.
func replaceFile(name string, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return exitcode.Usage("%s is not a file: name one, or redirect the output", name)
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".export-*")
	if err != nil {
		return exitcode.Usage("%s cannot be written: %w", name, reasonOfPath(err))
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
