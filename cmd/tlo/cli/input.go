package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// inputFlags are where a job's input comes from.
type inputFlags struct{ text, file string }

func (f *inputFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.text, "input", "", "the input, as `text`")
	cmd.Flags().StringVar(&f.file, "input-file", "", "the `file` with the input; - is standard input")
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
		return data, nil
	}
	data, err := os.ReadFile(f.file)
	if err != nil {
		return nil, namedFile(fmt.Errorf("--input-file: %w", err))
	}
	return data, nil
}

// readAll reads until the end, or until Ctrl-C: nothing interrupts the read of
// a terminal, so that one is left to the end of the process.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(r)
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
