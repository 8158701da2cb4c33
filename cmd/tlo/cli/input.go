package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// maxInput is the most that a verb reads as input, in bytes: it holds all of it.
const maxInput = 64 << 20

// inputFlags are where a job's input comes from.
type inputFlags struct{ text, file string }

func (f *inputFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.text, "input", "", "the input, as `text`")
	cmd.Flags().StringVar(&f.file, "input-file", "", "the `file` with the input, up to 64 MiB; - is standard input")
}

// read returns the input's exact bytes.
func (f *inputFlags) read(cmd *cobra.Command) ([]byte, error) {
	if err := exclusive(cmd, "input", "input-file"); err != nil {
		return nil, err
	}
	switch f.file {
	case "":
		return []byte(f.text), nil
	case "-":
		data, err := readAll(cmd.Context(), cmd.InOrStdin())
		if err != nil {
			return nil, fmt.Errorf("--input-file -: standard input: %w", err)
		}
		return f.bounded(data)
	}
	file, err := os.Open(f.file)
	if err != nil {
		return nil, namedFile(fmt.Errorf("--input-file: %w", err))
	}
	defer file.Close()
	data, err := readAll(cmd.Context(), file) // it may be a pipe
	if err != nil {
		return nil, fmt.Errorf("--input-file: %w", err)
	}
	return f.bounded(data)
}

func (f *inputFlags) bounded(data []byte) ([]byte, error) {
	if len(data) > maxInput {
		return nil, usageError(fmt.Errorf("--input-file %s has more than %s: pass the path of a file that the task is granted instead", f.file, bytesText(maxInput)))
	}
	return data, nil
}

// readAll reads until the end, one byte over the limit, or until Ctrl-C: nothing interrupts the read of
// a terminal, so that one is left to the end of the process.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
