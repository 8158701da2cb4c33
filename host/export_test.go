package host

import "bytes"

// Idle is what tests see of a guest that waits.
type Idle struct {
	Pristine bool // its memory and globals are those of its image
	Size     int  // bytes of memory
}

// IdleOf returns the guests of the plugin at path that wait, the next first.
func (h *Host) IdleOf(path string) []Idle {
	var found []Idle
	p := h.loaded(path)
	p.images.mu.Lock()
	defer p.images.mu.Unlock()
	for _, im := range p.images.byLimit {
		var taken []*instance
		for {
			i, ok := h.idle.Take(im.Image)
			if !ok {
				break
			}
			taken = append(taken, i)
		}
		for n := len(taken) - 1; n >= 0; n-- {
			i := taken[n]
			idle := Idle{Pristine: true}
			if i.memory != nil {
				idle.Size = len(i.memory.Bytes())
				idle.Pristine = bytes.Equal(i.memory.Bytes(), im.Bytes())
			}
			for g, v := range im.Globals {
				idle.Pristine = idle.Pristine && i.globals[g].Get() == v
			}
			found = append(found, idle)
			h.idle.Put(im.Image, i)
		}
	}
	return found
}
