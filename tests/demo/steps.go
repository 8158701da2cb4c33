package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlo-run/tlo/server"
)

// codeStats counts Go's own sources in the sandbox and, to compare, natively.
func (d *demo) codeStats() (expected, got string, err error) {
	d.say("code-stats counts Go's own source tree, which it may read and not write.")
	var out bytes.Buffer
	exit, err := d.tlo("", &out, "schedule", "code-stats", "--input", `{"root":"/src"}`, "--wait")
	if err != nil || exit != 0 {
		return "exit 0", fmt.Sprintf("exit %d", exit), err
	}
	var stats struct {
		Languages []struct {
			Name               string
			Files, Lines, Todo int
		}
	}
	if err := json.Unmarshal(out.Bytes(), &stats); err != nil {
		return "", "", err
	}
	for _, l := range stats.Languages[:min(len(stats.Languages), 5)] {
		fmt.Printf("   %-12s %6d files %9d lines %5d TODOs\n", l.Name, l.Files, l.Lines, l.Todo)
	}
	files, lines, err := d.countGo()
	if err != nil {
		return "", "", err
	}
	expected = fmt.Sprintf("%d lines in %d Go files", lines, files)
	for _, l := range stats.Languages {
		if l.Name == "Go" {
			got = fmt.Sprintf("%d lines in %d Go files", l.Lines, l.Files)
		}
	}
	return expected, got, nil
}

func (d *demo) countGo() (files, lines int, err error) {
	err = filepath.WalkDir(d.source, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || filepath.Ext(path) != ".go" {
			return err
		}
		data, err := os.ReadFile(path)
		files++
		lines += bytes.Count(data, []byte("\n"))
		if len(data) > 0 && data[len(data)-1] != '\n' {
			lines++
		}
		return err
	})
	return files, lines, err
}

const thumbWidth = 96

// thumbnail makes a zip archive of small pictures.
func (d *demo) thumbnail() (expected, got string, err error) {
	d.say("thumbnail resizes the photographs of Go's image tests; its output is a zip archive.")
	var out bytes.Buffer
	exit, err := d.tlo("", &out, "schedule", "thumbnail", "--input", fmt.Sprintf(`{"root":"/photos","width":%d}`, thumbWidth), "--wait")
	if err != nil || exit != 0 {
		return "exit 0", fmt.Sprintf("exit %d", exit), err
	}
	archive, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		return "", "", err
	}
	good := 0
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			return "", "", err
		}
		c, _, err := image.DecodeConfig(r)
		if err != nil {
			return "", "", errors.Join(fmt.Errorf("%s: %w", f.Name, err), r.Close())
		}
		if c.Width <= thumbWidth {
			good++
		}
		if err := r.Close(); err != nil {
			return "", "", err
		}
	}
	pictures, err := d.countPictures()
	fmt.Printf("   %d thumbnails in %d bytes\n", len(archive.File), out.Len())
	return fmt.Sprintf("%d thumbnails", pictures), fmt.Sprintf("%d thumbnails", good), err
}

// countPictures counts the files that Go itself can decode.
func (d *demo) countPictures() (n int, err error) {
	err = filepath.WalkDir(d.photos, func(path string, e fs.DirEntry, err error) error {
		ext := strings.ToLower(filepath.Ext(path))
		if err != nil || !e.Type().IsRegular() || ext != ".jpeg" && ext != ".jpg" && ext != ".png" && ext != ".gif" {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, _, err := image.Decode(f); err == nil {
			n++
		}
		return nil
	})
	return n, err
}

// csvToJSON pipes a file through an unmodified C program.
func (d *demo) csvToJSON() (expected, got string, err error) {
	d.say("csv-to-json is a plain C program: standard input, standard output, no SDK.")
	var out bytes.Buffer
	_, err = d.tlo("name,born\n\"Lovelace, Ada\",1815\n", &out, "schedule", "csv-to-json", "--input-file", "-", "--wait")
	got = strings.Join(strings.Fields(out.String()), "")
	fmt.Println("   " + got)
	return `[{"name":"Lovelace,Ada","born":"1815"}]`, got, err
}

// flaky fails twice and then succeeds.
func (d *demo) flaky() (expected, got string, err error) {
	d.say("flaky fails until its third attempt.")
	var out bytes.Buffer
	exit, err := d.tlo("", &out, "schedule", "flaky", "--wait", "--output", "json")
	if err != nil {
		return "", "", err
	}
	var job server.Job
	if err := json.Unmarshal(out.Bytes(), &job); err != nil {
		return "", "", err
	}
	return "exit 0: retried retried succeeded", fmt.Sprintf("exit %d: %s", exit, verdicts(job)), nil
}

// runaway never ends by itself.
func (d *demo) runaway() (expected, got string, err error) {
	d.say("runaway never ends; its timeout of 2 s and grace of 0.5 s end it.")
	var out bytes.Buffer
	exit, err := d.tlo("", &out, "schedule", "runaway", "--wait", "--output", "json")
	if err != nil {
		return "", "", err
	}
	var job server.Job
	if err := json.Unmarshal(out.Bytes(), &job); err != nil {
		return "", "", err
	}
	return "exit 3: failed by timeout", fmt.Sprintf("exit %d: %s by %s", exit, verdicts(job), job.Cause), nil
}

func verdicts(job server.Job) string {
	words := make([]string, len(job.History))
	for i, a := range job.History {
		words[i] = string(a.Verdict)
	}
	return strings.Join(words, " ")
}

// ticks looks at what the schedule did meanwhile.
func (d *demo) ticks() (expected, got string, err error) {
	d.say("Meanwhile the schedule of csv-to-json ticked every two seconds.")
	var out bytes.Buffer
	if _, err := d.tlo("", &out, "jobs", "--schedule", "csv-to-json", "--output", "json"); err != nil {
		return "", "", err
	}
	var page server.Page
	if err := json.Unmarshal(out.Bytes(), &page); err != nil {
		return "", "", err
	}
	seen := map[string]int{}
	doubled, off := 0, 0
	for _, j := range page.Jobs {
		seen[j.Tick.String()]++
		if seen[j.Tick.String()] > 1 {
			doubled++
		}
		if j.Tick.Unix()%2 != 0 || j.Tick.Nanosecond() != 0 {
			off++
		}
	}
	if _, err := d.tlo("", os.Stdout, "jobs", "--limit", "12"); err != nil {
		return "", "", err
	}
	several := "fewer than 2 ticks"
	if len(page.Jobs) >= 2 {
		several = "2 ticks or more"
	}
	return "2 ticks or more, 0 doubled, 0 off time", fmt.Sprintf("%s, %d doubled, %d off time", several, doubled, off), nil
}

// drain ends the engine as a person would.
func (d *demo) drain() (expected, got string, err error) {
	d.say("Ctrl-C drains the engine.")
	if err := d.stop(); err != nil {
		return "exit 0", "", err
	}
	return "exit 0", "exit 0", nil
}
