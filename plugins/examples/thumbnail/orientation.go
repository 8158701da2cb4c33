package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
)

// orientation says how a camera was held, as Exif numbers it, 1 to 8.
type orientation uint16

// upright is also what a picture without a usable orientation is.
const upright orientation = 1

// swapsSides is true of the four that lie on a side.
func (o orientation) swapsSides() bool { return o >= 5 && o <= 8 }

// apply turns and mirrors a picture so that it is seen upright.
func (o orientation) apply(src *image.RGBA) *image.RGBA {
	if o <= upright || o > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if o.swapsSides() {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			dx, dy := o.place(x, y, w-1, h-1)
			dst.SetRGBA(dx, dy, src.RGBAAt(x, y))
		}
	}
	return dst
}

// place says where the pixel at x, y belongs; right and bottom are the last ones.
func (o orientation) place(x, y, right, bottom int) (int, int) {
	switch o {
	case 2:
		return right - x, y
	case 3:
		return right - x, bottom - y
	case 4:
		return x, bottom - y
	case 5:
		return y, x
	case 6:
		return bottom - y, x
	case 7:
		return bottom - y, right - x
	case 8:
		return y, right - x
	default:
		return x, y
	}
}

// The parts of a JPEG file that matter here.
const (
	markerSOI  = 0xD8
	markerSOS  = 0xDA
	markerAPP1 = 0xE1

	tagOrientation = 0x0112
	typeShort      = 3
)

// readOrientation looks for the Exif segment of a JPEG file. Whatever is broken
// on the way there means upright: the picture itself may still be good.
func readOrientation(r io.Reader) orientation {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil || head[0] != 0xFF || head[1] != markerSOI {
		return upright
	}
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil || head[0] != 0xFF || head[1] == markerSOS {
			return upright
		}
		size := int(binary.BigEndian.Uint16(head[2:])) - 2
		if size < 0 {
			return upright
		}
		segment := make([]byte, size)
		if _, err := io.ReadFull(r, segment); err != nil {
			return upright
		}
		if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && head[1] == markerAPP1 {
			return tiffOrientation(tiff)
		}
	}
}

// tiffOrientation finds the tag in the first directory of a TIFF structure.
func tiffOrientation(tiff []byte) orientation {
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return upright
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return upright
		}
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == typeShort {
			if o := orientation(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return upright
		}
		entries = entries[12:]
	}
	return upright
}
