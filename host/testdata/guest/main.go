// Command guest does what the lines of its input say and answers each with a
// line. It is an ordinary Go program, built for WASI by the tests; it imports
// little, because each import takes time to compile under the race detector.
package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(input), "\n") {
		verb, arg, _ := strings.Cut(line, " ")
		answer, err := do(verb, arg)
		if err != nil {
			answer = "error"
			os.Stderr.WriteString(err.Error() + "\n")
		}
		os.Stdout.WriteString(verb + " " + answer + "\n")
	}
}

func do(verb, arg string) (string, error) {
	switch verb {
	case "args":
		return strings.Join(os.Args, " "), nil
	case "env":
		return strings.Join(os.Environ(), " "), nil
	case "read":
		b, err := os.ReadFile(arg)
		return string(b), err
	case "list":
		entries, err := os.ReadDir(arg)
		names := []string{}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " "), err
	case "write":
		return "done", os.WriteFile(arg, []byte("written"), 0o600)
	case "append":
		f, err := os.OpenFile(arg, os.O_RDWR|os.O_APPEND, 0)
		if err != nil {
			return "", err
		}
		_, err = f.WriteString("written")
		return "done", err
	case "truncate":
		return "done", os.Truncate(arg, 0)
	case "mkdir":
		return "done", os.Mkdir(arg, 0o700)
	case "remove":
		return "done", os.RemoveAll(arg)
	case "rename":
		return "done", os.Rename(arg, arg+".new")
	case "symlink":
		return "done", os.Symlink("/", arg)
	case "chtimes":
		return "done", os.Chtimes(arg, time.Unix(1, 0), time.Unix(1, 0))
	case "hoard": // opens until it may not
		for n := 0; ; n++ {
			if _, err := os.Open(arg); err != nil {
				return strconv.Itoa(n), nil
			}
		}
	case "allocate":
		blocks := [][]byte{}
		for {
			blocks = append(blocks, make([]byte, 1<<20))
		}
	case "panic":
		panic("as told")
	case "exit":
		os.Exit(len(arg))
	}
	return "", os.ErrInvalid
}
