package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/tlo-run/tlo/host/image"
	"github.com/tlo-run/tlo/host/instrument"
	"github.com/tlo-run/tlo/host/memory"
	"github.com/tlo-run/tlo/host/module"
)

// instance is a guest: a module's code with a memory of its own. It serves one
// attempt at a time.
type instance struct {
	module  api.Module
	meter   *instrument.Meter
	globals []api.MutableGlobal // those that an image has
	memory  *memory.Linear      // nil if the module has none
	image   *image.Image        // what it started from; nil if it started empty
	mapping *image.Mapping      // of its memory over that
	slot    *slot
}

// slot connects what the runtime fixes at instantiation to the attempt that the
// instance serves now.
type slot struct {
	out, err io.Writer
	asked    <-chan struct{} // closed when the attempt is asked to stop
	forced   <-chan struct{} // closed when force is used
}

type outlet struct{ to *io.Writer }

func (o outlet) Write(b []byte) (int, error) { return (*o.to).Write(b) }

func (s *slot) sleep(ns int64) { sleep(s.asked, s.forced, time.Duration(ns)) }

// over is base with the streams and the sleep of the slot.
func (s *slot) over(base wazero.ModuleConfig) wazero.ModuleConfig {
	return base.WithStdout(outlet{&s.out}).WithStderr(outlet{&s.err}).WithNanosleep(s.sleep)
}

// newInstance makes a guest of p with up to limit bytes of memory, which starts
// as im, if that is not nil. None of its code runs: its start function became an
// export, and without fuel it would trap.
func (h *Host) newInstance(ctx context.Context, p *program, limit int64, im *image.Image, configure func(*slot) wazero.ModuleConfig) (i *instance, err error) {
	i = &instance{slot: &slot{}}
	half := i
	defer func() {
		if err != nil {
			i, err = nil, errors.Join(err, half.close())
		}
	}()
	if im != nil {
		i.image = im.Retain()
	}
	if p.Memory != nil {
		own := uint64(memory.MaxLimit)
		if p.Memory.HasMax {
			own = p.Memory.Max * module.PageSize
		}
		if i.memory, err = memory.New(uint64(limit), own); err != nil {
			return nil, err
		}
		if im != nil {
			if i.mapping, err = i.memory.Map(im); err != nil {
				return nil, err
			}
		}
		ctx = experimental.WithMemoryAllocator(ctx, i.memory)
	}
	if i.module, err = h.runtime.InstantiateModule(ctx, p.compiled, configure(i.slot)); err != nil {
		return nil, err
	}
	i.meter = p.code.Meter(i.module)
	for _, name := range p.code.Globals {
		i.globals = append(i.globals, i.module.ExportedGlobal(name).(api.MutableGlobal))
	}
	return i, i.adopt()
}

// adopt brings the size and the globals to what the image has.
func (i *instance) adopt() error {
	if i.image == nil {
		return nil
	}
	if i.memory != nil {
		have := uint64(i.module.Memory().Size())
		if want := i.image.Size(); want > have {
			if _, ok := i.module.Memory().Grow(uint32((want - have) / memory.Page)); !ok {
				return fmt.Errorf("grow the memory to the %d bytes of its image", want)
			}
		}
	}
	i.setGlobals()
	return nil
}

// setGlobals sets the globals to those of the image, if it has some: the image
// of what a module declares has none.
func (i *instance) setGlobals() {
	for n, v := range i.image.Globals {
		i.globals[n].Set(v)
	}
}

// capture makes an image of the guest as it is.
func (i *instance) capture() (*image.Image, error) {
	var bytes []byte
	if i.memory != nil {
		bytes = i.memory.Bytes()
	}
	globals := make([]uint64, len(i.globals))
	for n, g := range i.globals {
		globals[n] = g.Get()
	}
	return image.New(bytes, globals)
}

// wipe brings the guest back to the image that it started from. It reports
// false where that cannot be: a memory that grew cannot shrink.
func (i *instance) wipe() (bool, error) {
	if i.memory != nil {
		if i.memory.Size() != i.image.Size() {
			return false, nil
		}
		if err := i.mapping.Restore(); err != nil {
			return false, err
		}
		i.memory.Forgive()
	}
	i.setGlobals()
	*i.slot = slot{}
	return true, nil
}

// close ends the guest and gives its memory back. It may be called for one that
// is half made. It waits for nothing.
func (i *instance) close() error {
	var errs []error
	if i.module != nil {
		errs = append(errs, i.module.Close(context.Background()))
	}
	if i.memory != nil {
		errs = append(errs, i.memory.Release())
	}
	if i.mapping != nil {
		errs = append(errs, i.mapping.Release())
	}
	if i.image != nil {
		errs = append(errs, i.image.Release())
	}
	return errors.Join(errs...)
}
