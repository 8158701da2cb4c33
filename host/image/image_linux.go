package image

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const page = 4096

// file is where the memory is kept.
type file struct{ *os.File }

// keep writes the pages that are not zero to a new file in memory.
func (im *Image) keep(memory []byte) error {
	if len(memory) == 0 {
		return nil
	}
	fd, err := unix.MemfdCreate("tlo-image", unix.MFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "tlo-image")
	err = write(f, memory)
	if err == nil {
		im.bytes, err = unix.Mmap(fd, 0, len(memory), unix.PROT_READ, unix.MAP_SHARED)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	im.file = file{f}
	return nil
}

func write(f *os.File, memory []byte) error {
	if err := f.Truncate(int64(len(memory))); err != nil {
		return err
	}
	var zeros [page]byte
	for at := 0; at < len(memory); {
		end := at
		for end < len(memory) && string(memory[end:min(end+page, len(memory))]) != string(zeros[:min(page, len(memory)-end)]) {
			end += page
		}
		if end = min(end, len(memory)); end > at {
			if _, err := f.WriteAt(memory[at:end], int64(at)); err != nil {
				return err
			}
		}
		at = end + page
	}
	return nil
}

func (im *Image) drop() error {
	if im.file.File == nil {
		return nil
	}
	return errors.Join(unix.Munmap(im.bytes), im.file.Close())
}

// attach maps the file over the memory, copy on write.
func (m *Mapping) attach() error {
	if len(m.memory) == 0 {
		return nil
	}
	_, err := unix.MmapPtr(int(m.image.file.Fd()), 0, unsafe.Pointer(&m.memory[0]), uintptr(len(m.memory)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	runtime.KeepAlive(m.image)
	return os.NewSyscallError("mmap", err)
}

// scanner asks the kernel which pages of a private mapping are no longer the
// file's. See PAGEMAP_SCAN in Documentation/admin-guide/mm/pagemap.rst.
type scanner struct {
	arg     scanArg
	regions [64]pageRegion
}

type scanArg struct {
	size, flags, start, end, walkEnd, regions, regionsLen, maxPages, inverted, mask, anyOf, returned uint64
}

type pageRegion struct{ start, end, categories uint64 }

const (
	pagemapScan   = 0xc0606610
	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
)

// pagemap is the file that takes the request; nil where the kernel, or who
// confines this process, does not allow it.
var pagemap = sync.OnceValue(func() *os.File {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	probe := scanArg{size: uint64(unsafe.Sizeof(scanArg{})), mask: pageIsPresent, returned: pageIsPresent}
	if ioctl(f, &probe) < 0 {
		f.Close()
		return nil
	}
	return f
})

func ioctl(f *os.File, arg *scanArg) int {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), pagemapScan, uintptr(unsafe.Pointer(arg)))
	if errno != 0 {
		return -1
	}
	return int(n)
}

// restore copies back what was written. The pages stay the guest's own, so that
// the next run finds them without a fault.
func (m *Mapping) restore() error {
	f := pagemap()
	if f == nil {
		m.compare()
		return nil
	}
	base := uint64(uintptr(unsafe.Pointer(&m.memory[0])))
	end := base + uint64(len(m.memory))
	s := &m.scan
	for at := base; at < end; {
		s.arg = scanArg{
			size: uint64(unsafe.Sizeof(s.arg)), start: at, end: end,
			regions: uint64(uintptr(unsafe.Pointer(&s.regions[0]))), regionsLen: uint64(len(s.regions)),
			inverted: pageIsFile, mask: pageIsFile, anyOf: pageIsPresent | pageIsSwapped, returned: pageIsPresent,
		}
		n := ioctl(f, &s.arg)
		if n < 0 || s.arg.walkEnd <= at {
			m.compare()
			return nil
		}
		for _, r := range s.regions[:n] {
			copy(m.memory[r.start-base:r.end-base], m.image.bytes[r.start-base:])
		}
		at = s.arg.walkEnd
	}
	runtime.KeepAlive(m)
	return nil
}
