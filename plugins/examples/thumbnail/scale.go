package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // decodes the first frame
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"runtime"

	"golang.org/x/image/draw"
)

// scaler makes thumbnails of a width.
type scaler struct {
	width     int
	maxPixels int
}

// thumb is an encoded thumbnail and the extensions that fit it.
type thumb struct {
	data       []byte
	extensions []string
}

// file reads a picture and makes its thumbnail.
func (s scaler) file(name string) (_ thumb, err error) {
	f, err := os.Open(name)
	if err != nil {
		return thumb{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return s.make(f)
}

func (s scaler) make(f io.ReadSeeker) (thumb, error) {
	// The header first: a small file can unpack to any size.
	config, format, err := image.DecodeConfig(bufio.NewReader(f))
	if err != nil {
		return thumb{}, err
	}
	if config.Width < 1 || config.Height < 1 || config.Width > s.maxPixels/config.Height {
		return thumb{}, fmt.Errorf("%d x %d pixels are over the limit of %d: raise max_pixels, and the memory with it",
			config.Width, config.Height, s.maxPixels)
	}
	turn := upright
	if format == "jpeg" {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return thumb{}, err
		}
		turn = readOrientation(bufio.NewReader(f))
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return thumb{}, err
	}
	src, _, err := image.Decode(bufio.NewReader(f))
	if err != nil {
		return thumb{}, err
	}
	// Memory that a plugin has grown to stays: collect what the decoder used
	// before scaling, so that the peak is that of one of them.
	runtime.GC()
	small := turn.apply(s.scale(src, turn.swapsSides()))

	var out bytes.Buffer
	if format == "jpeg" {
		err = jpeg.Encode(&out, small, &jpeg.Options{Quality: 85})
		return thumb{out.Bytes(), []string{".jpg", ".jpeg"}}, err
	}
	err = png.Encode(&out, small)
	return thumb{out.Bytes(), []string{".png"}}, err
}

// scale keeps the aspect ratio and never enlarges. The width is that of the
// picture as it is seen, so for one that lies on its side it is the height.
func (s scaler) scale(src image.Image, onSide bool) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	if onSide {
		h, w = fit(h, w, s.width)
	} else {
		w, h = fit(w, h, s.width)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	switch b := src.Bounds(); {
	case b.Size() == dst.Bounds().Size():
		draw.Draw(dst, dst.Bounds(), src, b.Min, draw.Src)
	case w*2 > b.Dx():
		// Good enough for less than half, where the better filter would take
		// up to 32 bytes for each pixel of the source.
		draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, b, draw.Src, nil)
	default:
		draw.CatmullRom.Scale(dst, dst.Bounds(), src, b, draw.Src, nil)
	}
	return dst
}

func fit(w, h, width int) (int, int) {
	if w <= width {
		return w, h
	}
	return width, max(1, (h*width+w/2)/w)
}
