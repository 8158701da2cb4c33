package guest

import (
	"encoding/json"
	"fmt"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
)

// call turns a panic of the task into an ordinary failure. Left alone it would
// end the module with exit code 2 and its message somewhere in the log.
func call(task Task, h Host) (out []byte, failure *Failure) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		// The failure says where; how it came there is for the log.
		if fields, err := json.Marshal(map[string]string{"stack": string(debug.Stack())}); err == nil {
			h.Log(LevelError, "task panicked", fields)
		}
		out, failure = nil, &Failure{Kind: KindRetry, Message: fmt.Sprintf("panic: %v at %s", v, panicSite())}
	}()
	return task(h)
}

// panicSite names the code that panicked: the first frame below the runtime's own.
func panicSite() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicking := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicking && !inRuntime {
			return fmt.Sprintf("%s (%s:%d)", frame.Function, path.Base(frame.File), frame.Line)
		}
		panicking = panicking || inRuntime && strings.HasPrefix(frame.Function, "runtime.gopanic")
		if !more {
			return "an unknown place"
		}
	}
}
