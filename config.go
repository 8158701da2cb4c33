package tlo

import (
	"cmp"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tlo-run/tlo/engine"
)

// Config is everything the operator of an engine decides. It comes from a file,
// see [LoadFile], or is filled by hand: a field that is zero or nil means its
// default, and pointers stand where zero is a real value.
type Config struct {
	DataDir string   // the store's folder and the socket; "data"
	Plugins []string // folders with .wasm files; "plugins"
	// Workers is how many attempts of queues without a block of their own run
	// at once. The default is the number of processors.
	Workers     int
	Stop        StopMode      // drain
	StopTimeout time.Duration // drain: how long running attempts may go on; 30s
	Store       StoreKind     // bolt
	Log         LogConfig
	Defaults    TaskDefaults
	Queues      []QueueConfig
	Tasks       []TaskConfig
	// CacheDir keeps compiled plugins; "cache" in DataDir. Whoever can write
	// to it can run code as the engine.
	CacheDir string

	// LockTimeout is how long to wait for another process to let go of the
	// store; 2s. A configuration file cannot set it.
	LockTimeout time.Duration
	// Logger and Observers are for programs that embed an engine; nil logs
	// nothing, and a configuration file cannot set them.
	Logger    hclog.Logger
	Observers []engine.Observer

	from origin
}

// StopMode is what an engine that stops does with attempts that run.
type StopMode string

// The ways to stop.
const (
	StopDrain  StopMode = "drain"  // let them end, up to the stop timeout
	StopCancel StopMode = "cancel" // ask them to stop, hand their jobs back
	StopIgnore StopMode = "ignore" // leave at once; their leases run out
)

// StoreKind picks the store.
type StoreKind string

// The stores.
const (
	StoreBolt   StoreKind = "bolt"   // one file in the data folder
	StoreMemory StoreKind = "memory" // nothing survives the process
)

// LogConfig is the engine's own log, not that of jobs.
type LogConfig struct {
	Level  string // trace, debug, info, warn, error or off; info
	Format string // text or json; text
}

// TaskDefaults hold for tasks that neither their block nor their plugin says
// otherwise. What is unset here has the default of package engine.
type TaskDefaults struct {
	Limits    engine.Limits
	Retry     RetryConfig
	Retention engine.Retention
}

// RetryConfig is a retry policy of which any part may be unset.
type RetryConfig struct {
	Attempts *int
	Backoff  engine.Backoff
	Min, Max *time.Duration
	Jitter   *float64
	Losses   *int
}

// QueueConfig gives a queue worker slots of its own.
type QueueConfig struct {
	Name    string
	Workers int

	from origin
}

// TaskConfig is what the operator says about one task. It overrides what the
// plugin declares; grants come from here alone.
type TaskConfig struct {
	Name string
	// Plugin is a file in one of the plugins folders, or a path if it has a
	// folder. Empty means the file named after the task.
	Plugin      string
	Export      string // picks one of several tasks of the plugin
	Description string
	Queue       string
	Priority    *int // 0 to 9, higher runs first
	Limits      engine.Limits
	Args        []string
	Config      map[string]string
	Retry       RetryConfig
	Retention   engine.Retention
	Files       []FileGrantConfig
	Schedules   []ScheduleConfig

	from origin
}

// FileGrantConfig makes a folder of this machine visible to a task.
type FileGrantConfig struct {
	Guest    string // absolute path as the guest sees it
	Path     string // folder on this machine
	ReadOnly bool   // must be true: there are no writable folders

	from origin
}

// ScheduleConfig makes jobs of a task by cron or by interval; exactly one of
// Cron and Every is set.
type ScheduleConfig struct {
	Name     string // may be empty for a task's only schedule
	Cron     string
	Every    time.Duration
	Timezone string // of Cron, an IANA name; UTC
	Input    []byte
	Missed   engine.Missed // latest

	from origin
}

// The values of settings that take one of a few words.
var (
	stopModes  = []StopMode{StopDrain, StopCancel, StopIgnore}
	storeKinds = []StoreKind{StoreBolt, StoreMemory}
	logLevels  = []string{"trace", "debug", "info", "warn", "error", "off"}
	logFormats = []string{"text", "json"}
	backoffs   = []engine.Backoff{engine.Exponential, engine.Fixed}
	missed     = []engine.Missed{engine.MissedLatest, engine.MissedSkip}
)

// DefaultConfig returns the configuration of an engine that was told nothing.
func DefaultConfig() Config { return Config{}.WithDefaults() }

// WithDefaults returns c with each unset field of its own at its default. Those
// of tasks are filled in by [Config.Task].
func (c Config) WithDefaults() Config {
	or(&c.DataDir, "data")
	if c.Plugins == nil {
		c.Plugins = []string{"plugins"}
	}
	or(&c.Workers, runtime.GOMAXPROCS(0))
	or(&c.Stop, StopDrain)
	or(&c.StopTimeout, 30*time.Second)
	or(&c.Store, StoreBolt)
	or(&c.Log.Level, "info")
	or(&c.Log.Format, "text")
	return c
}

// cacheDir is where compiled plugins are kept.
func (c Config) cacheDir() string {
	return cmp.Or(c.CacheDir, filepath.Join(c.DataDir, "cache"))
}

// TaskConfig returns the block of a task, or nil if there is none.
func (c Config) TaskConfig(name string) *TaskConfig {
	i := slices.IndexFunc(c.Tasks, func(t TaskConfig) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Tasks[i]
}

func or[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}
