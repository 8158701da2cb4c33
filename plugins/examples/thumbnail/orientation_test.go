package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"testing"
)

// exif is an Exif segment that holds an orientation and one tag before it.
func exif(order binary.AppendByteOrder, o uint16) []byte {
	tiff := []byte("II*\x00")
	if order.String() == binary.BigEndian.String() {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 10) // two bytes of padding before the directory
	tiff = append(tiff, 0, 0)
	tiff = order.AppendUint16(tiff, 2)
	for _, tag := range []struct{ id, value uint16 }{{0x0100, 9}, {tagOrientation, o}} {
		tiff = order.AppendUint16(tiff, tag.id)
		tiff = order.AppendUint16(tiff, typeShort)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, tag.value)
		tiff = append(tiff, 0, 0)
	}
	segment := append([]byte("Exif\x00\x00"), tiff...)
	return append(binary.BigEndian.AppendUint16([]byte{0xFF, markerAPP1}, uint16(len(segment)+2)), segment...)
}

// held is a JPEG of the four quarters, 60 x 40, with an Exif segment.
func held(t testing.TB, order binary.AppendByteOrder, o uint16) []byte {
	t.Helper()
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, quarters(60, 40), nil); err != nil {
		t.Fatal(err)
	}
	out := append([]byte{0xFF, markerSOI}, exif(order, o)...)
	return append(out, plain.Bytes()[2:]...)
}

func TestOrientation(t *testing.T) {
	for o, want := range map[uint16]string{
		0: "RGBW", 1: "RGBW", 2: "GRWB", 3: "WBGR", 4: "BWRG",
		5: "RBGW", 6: "BRWG", 7: "WGBR", 8: "GWRB", 9: "RGBW",
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			thumb, err := scaler{width: 20, maxPixels: 1 << 20}.make(bytes.NewReader(held(t, order, o)))
			if err != nil {
				t.Fatal(err)
			}
			m, _, err := image.Decode(bytes.NewReader(thumb.data))
			if err != nil {
				t.Fatal(err)
			}
			size := image.Pt(20, 13)
			if o >= 5 && o <= 8 {
				size = image.Pt(20, 30)
			}
			if got := seen(m); got != want || m.Bounds().Size() != size {
				t.Errorf("orientation %d, %s: got %s, %v; want %s, %v", o, order, got, m.Bounds().Size(), want, size)
			}
		}
	}
}

func FuzzReadOrientation(f *testing.F) {
	whole := held(f, binary.LittleEndian, 6)
	for _, n := range []int{0, 1, 2, 5, 12, 18, 24, 40, 60, len(whole)} {
		f.Add(whole[:n])
	}
	f.Add(held(f, binary.BigEndian, 3))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := readOrientation(bytes.NewReader(data)); o < 1 || o > 8 {
			t.Errorf("got orientation %d", o)
		}
	})
}
