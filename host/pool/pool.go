// Package pool keeps things that are ready for use until somebody takes them.
package pool

import (
	"container/list"
	"sync"
)

// Pool keeps idle things by key. Where it holds too many, it discards what was
// idle the longest. It is safe for concurrent use.
type Pool[K comparable, T any] struct {
	discard func(T)
	limit   int

	mu     sync.Mutex
	idle   list.List // of entry[K, T], the newest first
	byKey  map[K][]*list.Element
	closed bool
}

type entry[K comparable, T any] struct {
	key   K
	thing T
}

// New returns a Pool of at most limit things. It calls discard, from within its
// own methods, with each thing that nobody will take.
func New[K comparable, T any](limit int, discard func(T)) *Pool[K, T] {
	return &Pool[K, T]{discard: discard, limit: limit, byKey: map[K][]*list.Element{}}
}

// Take removes and returns the thing of that key that was put last: its memory
// is the likeliest to be in the processor's cache.
func (p *Pool[K, T]) Take(key K) (thing T, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	elements := p.byKey[key]
	if len(elements) == 0 {
		return thing, false
	}
	return p.remove(elements[len(elements)-1]), true
}

// Put adds an idle thing.
func (p *Pool[K, T]) Put(key K, thing T) {
	p.mu.Lock()
	if p.closed || p.limit < 1 {
		p.mu.Unlock()
		p.discard(thing)
		return
	}
	p.byKey[key] = append(p.byKey[key], p.idle.PushFront(entry[K, T]{key, thing}))
	if p.idle.Len() <= p.limit {
		p.mu.Unlock()
		return
	}
	oldest := p.remove(p.idle.Back())
	p.mu.Unlock()
	p.discard(oldest)
}

// Drop discards the idle things whose key answers to drop.
func (p *Pool[K, T]) Drop(drop func(K) bool) {
	p.mu.Lock()
	var dropped []T
	for key, elements := range p.byKey {
		if drop(key) {
			for len(elements) > 0 {
				dropped = append(dropped, p.remove(elements[0]))
				elements = p.byKey[key]
			}
		}
	}
	p.mu.Unlock()
	for _, thing := range dropped {
		p.discard(thing)
	}
}

// Close discards what is idle, and from now on what is put.
func (p *Pool[K, T]) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Drop(func(K) bool { return true })
}

// remove takes an element out of both orders.
func (p *Pool[K, T]) remove(element *list.Element) T {
	e := p.idle.Remove(element).(entry[K, T])
	elements := p.byKey[e.key]
	for i, other := range elements {
		if other == element {
			elements = append(elements[:i], elements[i+1:]...)
			break
		}
	}
	if len(elements) == 0 {
		delete(p.byKey, e.key)
	} else {
		p.byKey[e.key] = elements
	}
	return e.thing
}
