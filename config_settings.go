package tlo

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/internal/typo"
)

// rootSettings are those of the file's top level. Relative paths count from
// base.
func (c *Config) rootSettings(base string) []setting {
	return []setting{
		pathSetting("data_dir", `a folder such as "./data"`, &c.DataDir, base),
		pathsSetting("plugins", `folders such as ["./plugins"]`, &c.Plugins, base),
		pathSetting("cache_dir", `a folder such as "./data/cache"`, &c.CacheDir, base),
		countSetting("workers", &c.Workers),
		enumSetting("stop", &c.Stop, stopModes),
		durationSetting("stop_timeout", &c.StopTimeout),
	}
}

func (l *LogConfig) settings() []setting {
	return []setting{
		enumSetting("level", &l.Level, logLevels),
		enumSetting("format", &l.Format, logFormats),
	}
}

func limitSettings(l *engine.Limits) []setting {
	return []setting{
		durationSetting("timeout", &l.Timeout),
		durationSetting("grace", &l.Grace),
		sizeSetting("memory", &l.Memory),
		sizeSetting("input", &l.Input),
		sizeSetting("output", &l.Output),
		sizeSetting("log", &l.Log),
		valueSetting("fuel", wantsFuel, true, &l.Fuel, parseFuel),
	}
}

func (r *RetryConfig) settings() []setting {
	return []setting{
		optionalCount("attempts", &r.Attempts),
		enumSetting("backoff", &r.Backoff, backoffs),
		optionalDuration("min", &r.Min),
		optionalDuration("max", &r.Max),
		optionalSetting("jitter", wantsShare, true, &r.Jitter, parseShare),
		optionalCount("losses", &r.Losses),
	}
}

func retentionSettings(r *engine.Retention) []setting {
	return []setting{
		durationSetting("age", &r.Age),
		countSetting("count", &r.Count),
	}
}

func (t *TaskConfig) settings(base string) []setting {
	return slices.Concat([]setting{
		{name: "plugin", wants: `a file such as "code-stats.wasm"`, text: func(s string) (err error) {
			if filepath.Base(s) != s {
				s, err = resolve(base, s)
			}
			t.Plugin = s
			return err
		}},
		textSetting("export", "a name in quotes", &t.Export),
		textSetting("description", "a text in quotes", &t.Description),
		textSetting("queue", "a queue's name in quotes", &t.Queue),
		optionalCount("priority", &t.Priority),
		listSetting("args", `a list such as ["-v", "/src"]`, &t.Args),
		{name: "config", wants: `a map such as { language = "go" }`, dict: func(m map[string]string) error { t.Config = m; return nil }},
	}, limitSettings(&t.Limits))
}

func (f *FileGrantConfig) settings(base string) []setting {
	return []setting{
		pathSetting("path", `a folder such as "/srv/code"`, &f.Path, base),
		{name: "read_only", wants: "true", flag: func(b bool) { f.ReadOnly = b }},
	}
}

func (s *ScheduleConfig) settings() []setting {
	return []setting{
		textSetting("cron", `a cron expression such as "0 6 * * *"`, &s.Cron),
		durationSetting("every", &s.Every),
		textSetting("timezone", `a zone such as "Europe/Kyiv"`, &s.Timezone),
		{name: "input", wants: "any value", raw: func(b []byte) { s.Input = b }},
		enumSetting("missed", &s.Missed, missed),
	}
}

// scalars are the settings that a flag or an environment variable can make:
// all outside the blocks of queues and tasks.
func (c *Config) scalars(base string) []setting {
	store := enumSetting("store", &c.Store, storeKinds)
	return slices.Concat(
		c.rootSettings(base), []setting{store},
		within("log", c.Log.settings()),
		within("defaults", limitSettings(&c.Defaults.Limits)),
		within("defaults.retry", c.Defaults.Retry.settings()),
		within("defaults.retention", retentionSettings(&c.Defaults.Retention)),
	)
}

func within(block string, settings []setting) []setting {
	for i := range settings {
		settings[i].name = block + "." + settings[i].name
	}
	return settings
}

// SettingKeys returns the keys that [Config.Set] takes, such as "workers",
// "log.level" and "defaults.retry.max".
func SettingKeys() []string {
	var keys []string
	for _, s := range new(Config).scalars("") {
		keys = append(keys, s.name)
	}
	return keys
}

// Set makes one setting, written as in the file but without quotes; "plugins"
// takes any number of values, each other key one. Relative paths count from the
// working directory. source is the flag or the variable that an error of Set or
// of [Config.Validate] names as the place. An error is a [*ConfigError].
func (c *Config) Set(source, key string, values ...string) error {
	at := Position{File: source}
	var ps problems
	base, err := filepath.Abs("")
	if err != nil {
		return err
	}
	all := c.scalars(base)
	i := slices.IndexFunc(all, func(s setting) bool { return s.name == key })
	switch {
	case i < 0:
		ps.add(at, typo.DidYouMean(key, SettingKeys()), "there is no setting %q", key)
		return ps.err()
	case all[i].list != nil:
		err = all[i].list(values)
	case len(values) != 1:
		ps.add(at, "give one", "%s has %d values", key, len(values))
		return ps.err()
	default:
		err = all[i].text(values[0])
	}
	if bad, ok := errors.AsType[*valueError](err); ok {
		ps.add(at, bad.hint, "%s: %s", key, bad.message)
		return ps.err()
	}
	from := maps.Clone(c.from) // copies of a Config share it
	if from == nil {
		from = origin{}
	}
	from[key] = at
	c.from = from
	return err
}
