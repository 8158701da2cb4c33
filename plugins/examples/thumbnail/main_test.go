package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlo-run/tlo/sdk/go/tlotest"
)

// photographs returns the folder of pictures that package image is tested with.
func photographs(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src", "image", "testdata")
}

func photograph(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(photographs(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// folder writes files by their paths below a new folder.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func archive(t *testing.T, res tlotest.Result) *zip.Reader {
	t.Helper()
	if err := res.Err(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(res.Output), int64(len(res.Output)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func names(r *zip.Reader) []string {
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
	}
	return names
}

// warnings returns path: error of each file that was skipped.
func warnings(res tlotest.Result) []string {
	var out []string
	for _, line := range res.Logs {
		if line.Level == slog.LevelWarn {
			out = append(out, fmt.Sprintf("%v: %v", line.Fields["path"], line.Fields["error"]))
		}
	}
	return out
}

func TestEveryPhotograph(t *testing.T) {
	for _, width := range []int{64, 100, 150} { // of 150: by much, by little, not at all
		t.Run(fmt.Sprint(width), func(t *testing.T) { everyPhotograph(t, width) })
	}
}

func everyPhotograph(t *testing.T, width int) {
	root := photographs(t)
	res := tlotest.Run(tlotest.Attempt{Input: In{Root: root, Width: width}})
	r := archive(t, res)

	sources, err := fs.Glob(os.DirFS(root), "*.*")
	if err != nil {
		t.Fatal(err)
	}
	if skipped := warnings(res); len(r.File) != len(sources) || len(r.File) < 30 || len(skipped) > 0 {
		t.Errorf("%d thumbnails of %d files, skipped %q", len(r.File), len(sources), skipped)
	}
	if want := fmt.Sprintf("%d thumbnails, 0 skipped", len(r.File)); r.Comment != want {
		t.Errorf("the archive's comment is %q, want %q", r.Comment, want)
	}
	if n := len(res.Progress); n != len(sources)+1 || res.Progress[n-1].Fraction != 1 {
		t.Errorf("got %d reports of progress, want one for each of %d files and the end", n, len(sources))
	}
	for _, entry := range r.File {
		checkThumbnail(t, root, entry, width)
	}
	again := tlotest.Run(tlotest.Attempt{Input: In{Root: root, Width: width}})
	if !bytes.Equal(res.Output, again.Output) {
		t.Error("two runs over one folder differ")
	}
}

// checkThumbnail compares with the source: format, shape, and what is to be seen.
func checkThumbnail(t *testing.T, root string, entry *zip.File, width int) {
	t.Helper()
	f, err := entry.Open()
	if err != nil {
		t.Fatal(err)
	}
	thumb, format, err := image.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", entry.Name, err)
	}
	source := strings.TrimSuffix(entry.Name, ".gif.png")
	if source != entry.Name {
		source += ".gif"
	}
	if want := map[bool]string{true: "jpeg", false: "png"}[strings.HasSuffix(source, ".jpeg")]; format != want {
		t.Errorf("%s is a %s, want a %s", entry.Name, format, want)
	}
	data, err := os.ReadFile(filepath.Join(root, source))
	if err != nil {
		t.Fatal(err)
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	got := thumb.Bounds()
	if got.Dx() != min(w, width) || math.Abs(float64(got.Dy())-float64(h*got.Dx())/float64(w)) > 0.5 {
		t.Errorf("%s: %d x %d became %d x %d", entry.Name, w, h, got.Dx(), got.Dy())
	}
	for i := range 4 {
		a, b := quarterMean(src, i), quarterMean(thumb, i)
		for c := range 4 {
			if math.Abs(a[c]-b[c]) > 8 { // halves of odd sizes differ a little
				t.Errorf("%s: quarter %d is %.0f, in the source %.0f", entry.Name, i, b, a)
				break
			}
		}
	}
}

// quarterMean is the mean colour of quarter i, 0 to 255, left to right, top to bottom.
func quarterMean(m image.Image, i int) (mean [4]float64) {
	b := m.Bounds()
	w, h := b.Dx()/2, b.Dy()/2
	for y := range h {
		for x := range w {
			r, g, bl, a := m.At(b.Min.X+x+i%2*w, b.Min.Y+y+i/2*h).RGBA()
			for c, v := range []uint32{r, g, bl, a} {
				mean[c] += float64(v) / 257 / float64(w*h)
			}
		}
	}
	return mean
}

func TestNeverEnlarges(t *testing.T) {
	root := folder(t, map[string][]byte{"a/b.PNG": photograph(t, "video-001.png")})
	r := archive(t, tlotest.Run(tlotest.Attempt{Input: In{Root: root, Width: 2000}}))
	if !slices.Equal(names(r), []string{"a/b.PNG"}) {
		t.Fatalf("got %v", names(r))
	}
	f, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := image.DecodeConfig(f); err != nil || c.Width != 150 || c.Height != 103 {
		t.Errorf("got %d x %d, %v, want 150 x 103", c.Width, c.Height, err)
	}
}

func TestNamesFollowTheContent(t *testing.T) {
	root := folder(t, map[string][]byte{
		"x.gif":     photograph(t, "video-001.gif"),
		"x.gif.png": photograph(t, "video-001.png"), // the name x.gif takes
		"y.png":     photograph(t, "video-001.jpeg"),
		"notes.txt": []byte("not a picture, and not called one"),
	})
	res := tlotest.Run(tlotest.Attempt{Input: In{Root: root, Width: 10}})
	if got, want := names(archive(t, res)), []string{"x.gif.png", "y.png.jpg"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := warnings(res); len(got) != 1 || !strings.HasPrefix(got[0], "x.gif.png: another") {
		t.Errorf("got warnings %v, want one about x.gif.png", got)
	}
}

// bomb is a PNG of a few bytes that says it is large.
func bomb(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 6, 0, 0, 0)
	out := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(header)-4))
	out = append(out, header...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(header))
}

func TestBombsAndBrokenFilesAreSkipped(t *testing.T) {
	root := folder(t, map[string][]byte{
		"bomb.png":  bomb(30_000, 30_000),
		"empty.jpg": nil,
		"good.jpg":  photograph(t, "video-001.jpeg"),
		"text.gif":  []byte("GIF? no"),
	})
	res := tlotest.Run(tlotest.Attempt{Input: In{Root: root, Width: 10}})
	r := archive(t, res)
	if !slices.Equal(names(r), []string{"good.jpg"}) || r.Comment != "1 thumbnails, 3 skipped" {
		t.Errorf("got %v, %q", names(r), r.Comment)
	}
	got := warnings(res)
	if len(got) != 3 || !strings.Contains(got[0], "bomb.png: 30000 x 30000 pixels are over the limit of 25000000") {
		t.Errorf("got warnings %q", got)
	}

	// The limit is the product, and it is configurable.
	for limit, want := range map[string]int{"15450": 1, "15449": 0} {
		res := tlotest.Run(tlotest.Attempt{
			Input:  In{Root: folder(t, map[string][]byte{"150x103.png": photograph(t, "video-001.png")}), Width: 10},
			Config: map[string]string{"max_pixels": limit},
		})
		if got := 1 - len(warnings(res)); got != want {
			t.Errorf("max_pixels %s: got %d thumbnails of 15450 pixels, want %d", limit, got, want)
		}
	}
}

func TestFailures(t *testing.T) {
	good := folder(t, map[string][]byte{"a.png": photograph(t, "video-001.png")})
	bad := folder(t, map[string][]byte{"a.png": nil})
	for _, c := range []struct {
		name   string
		in     In
		config string
		kind   tlotest.Kind
		want   string
	}{
		{"no root", In{Width: 10}, "1", tlotest.Permanent, "input"},
		{"no width", In{Root: good}, "1", tlotest.Permanent, "width from 1"},
		{"wide", In{Root: good, Width: maxWidth + 1}, "1", tlotest.Permanent, "to 2048"},
		{"not there", In{Root: filepath.Join(good, "no"), Width: 10}, "1", tlotest.Retry, "grant"},
		{"limit", In{Root: good, Width: 10}, "many", tlotest.Permanent, `max_pixels "many"`},
		{"nothing but broken files", In{Root: bad, Width: 10}, "1", tlotest.Permanent, "none of 1 files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := tlotest.Run(tlotest.Attempt{Input: c.in, Config: map[string]string{"max_pixels": c.config}})
			if res.Failure == nil || res.Failure.Kind != c.kind || !strings.Contains(res.Failure.Message, c.want) {
				t.Errorf("got %+v, want %s with %q", res.Failure, c.kind, c.want)
			}
		})
	}
}

func TestEmptyFolderGivesAnEmptyArchive(t *testing.T) {
	if r := archive(t, tlotest.Run(tlotest.Attempt{Input: In{Root: t.TempDir(), Width: 10}})); len(r.File) != 0 {
		t.Errorf("got %v", names(r))
	}
}

func TestCancelledBetweenFiles(t *testing.T) {
	data := photograph(t, "video-001.png")
	root := folder(t, map[string][]byte{"a.png": data, "b.png": data, "c.png": data})
	// Listing polls four times: the folder and three files.
	res := tlotest.Run(tlotest.Attempt{Input: In{Root: root, Width: 10}, CancelAtPoll: 6})
	if res.Failure == nil || res.Failure.Message != "context canceled" || len(res.Progress) != 1 {
		t.Errorf("got %+v after %d files, want a cancellation after one", res.Failure, len(res.Progress))
	}
}

// quarters is a picture of four colours: red and green above blue and white.
func quarters(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	colours := []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}}
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, colours[x*2/w+y*2/h*2])
		}
	}
	return m
}

// seen names the colours of the quarters, left to right, top to bottom.
func seen(m image.Image) string {
	var b strings.Builder
	for i := range 4 {
		c := quarterMean(m, i)
		switch {
		case c[0] > 128 && c[1] > 128:
			b.WriteByte('W')
		case c[0] > 128:
			b.WriteByte('R')
		case c[1] > 128:
			b.WriteByte('G')
		default:
			b.WriteByte('B')
		}
	}
	return b.String()
}
