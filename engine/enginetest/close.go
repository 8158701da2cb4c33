package enginetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/tlo-run/tlo/engine"
)

var closeTests = []test{
	{"every method of a closed store says so", func(k *kit) {
		k.submit(job("a"))
		k.start(epoch)
		k.ok(k.Close())
		for name, err := range k.callAll(k.ctx) {
			if !errors.Is(err, engine.ErrClosed) {
				k.Errorf("%s returns %v after Close", name, err)
			}
		}
		k.ok(k.Close())
	}},
	{"close waits for calls under way", func(k *kit) {
		const callers = 8
		accepted := make([][]string, callers)
		var begun, done sync.WaitGroup
		for c := range callers {
			begun.Add(1)
			done.Go(func() {
				for n := 0; ; n++ {
					id := fmt.Sprintf("%d-%d", c, n)
					err := k.Submit(k.ctx, job(id))
					if n == 0 {
						begun.Done()
					}
					if err != nil {
						if !errors.Is(err, engine.ErrClosed) {
							k.Errorf("submit while closing: %v", err)
						}
						return
					}
					accepted[c] = append(accepted[c], id)
				}
			})
		}
		begun.Wait()
		k.ok(k.Close())
		done.Wait()
		if !k.place.Durable {
			return
		}
		k.Store = k.must(k.place.Open())
		for _, mine := range accepted {
			for _, id := range mine {
				k.get(id)
			}
		}
	}},
}
