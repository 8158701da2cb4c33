package tlo

import (
	"time"
	"unsafe"

	"github.com/tlo-run/tlo/sdk/go/internal/guest"
)

// The imports of version 1 of the contract. The host copies during the call
// and keeps no pointer.

//go:wasmimport tlo input_len
func hostInputLen() uint32

//go:wasmimport tlo input_read
func hostInputRead(p unsafe.Pointer, n, off uint32) int32

//go:wasmimport tlo output_write
func hostOutputWrite(p unsafe.Pointer, n uint32) int32

//go:wasmimport tlo log
func hostLog(level int32, msg string)

//go:wasmimport tlo log_kv
func hostLogKV(level int32, msg string, kv unsafe.Pointer, kvLen uint32)

//go:wasmimport tlo progress
func hostProgress(fraction float64)

//go:wasmimport tlo progress_msg
func hostProgressMsg(fraction float64, msg string)

//go:wasmimport tlo cancelled
func hostCancelled() int32

//go:wasmimport tlo deadline_ms
func hostDeadlineMS() int64

//go:wasmimport tlo meta
func hostMeta(key string, buf unsafe.Pointer, size uint32) int32

//go:wasmimport tlo config
func hostConfig(key string, buf unsafe.Pointer, size uint32) int32

//go:wasmimport tlo random
func hostRandom(p unsafe.Pointer, n uint32)

//go:wasmimport tlo fail
func hostFail(kind int32, msg string)

//go:wasmimport tlo snooze
func hostSnooze(delayMS int64)

//go:wasmexport tlo_run
func entry() int32 { return guest.Run(wasmHost{}) }

//go:wasmexport tlo_warmup
func warmUp() { guest.WarmUp() }

// wasmHost is the host behind the imports above.
type wasmHost struct{}

func (wasmHost) Input() []byte {
	in := make([]byte, hostInputLen())
	read := 0
	for read < len(in) {
		p, n := raw(in[read:])
		got := hostInputRead(p, n, uint32(read))
		if got <= 0 {
			break
		}
		read += int(got)
	}
	return in[:read]
}

func (wasmHost) Output(p []byte) bool { return hostOutputWrite(raw(p)) == 0 }

func (wasmHost) Log(level guest.Level, msg string, fields []byte) {
	if fields == nil {
		hostLog(int32(level), msg)
		return
	}
	p, n := raw(fields)
	hostLogKV(int32(level), msg, p, n)
}

func (wasmHost) Progress(fraction float64, msg string) {
	if msg == "" {
		hostProgress(fraction)
		return
	}
	hostProgressMsg(fraction, msg)
}

func (wasmHost) Cancelled() bool { return hostCancelled() != 0 }

func (wasmHost) Remaining() (time.Duration, bool) {
	ms := hostDeadlineMS()
	if ms < 0 {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}

func (wasmHost) Meta(key string) (string, bool)   { return lookup(hostMeta, key) }
func (wasmHost) Config(key string) (string, bool) { return lookup(hostConfig, key) }

func (wasmHost) Random(p []byte) { hostRandom(raw(p)) }

func (wasmHost) Fail(kind guest.Kind, msg string) { hostFail(int32(kind), msg) }

func (wasmHost) Snooze(delay time.Duration) { hostSnooze(delay.Milliseconds()) }

// lookup reads a value of a size that is known only after asking: most fit the
// first buffer, others need a second call.
func lookup(get func(key string, buf unsafe.Pointer, size uint32) int32, key string) (string, bool) {
	buf := make([]byte, 128)
	for {
		p, n := raw(buf)
		need := get(key, p, n)
		switch {
		case need < 0:
			return "", false
		case int(need) <= len(buf):
			return string(buf[:need]), true
		}
		buf = make([]byte, need)
	}
}

func raw(p []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(p)), uint32(len(p))
}

var _ guest.Host = wasmHost{}
