package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/tlo-run/tlo"
	"github.com/tlo-run/tlo/internal/typo"
)

const (
	// defaultConfig is read if it is there and no other file is named.
	defaultConfig = "tlo.hcl"
	configKey     = "config"
	envPrefix     = "TLO_"
)

// settingFlags are the settings that have a flag. All others are left to the
// file and the environment.
var settingFlags = []struct{ name, key, usage string }{
	{"data-dir", "data_dir", "`folder` of the store and the socket"},
	{"plugins", "plugins", "`folder` with plugins (may repeat)"},
	{"workers", "workers", "`number` of jobs that run at once"},
	{"store", "store", "`kind` of store: bolt or memory"},
	{"log-level", "log.level", "`level` of the log: trace, debug, info, warn, error or off"},
	{"log-format", "log.format", "`format` of the log: text or json"},
}

// addSettingFlags defines the flags that loadSettings reads. They have no
// defaults of their own: what is not given leaves the setting to the layers
// below.
func addSettingFlags(flags *pflag.FlagSet) {
	flags.String(configKey, "", "configuration `file` (default "+defaultConfig+", if it is there)")
	for _, f := range settingFlags {
		if f.key == "plugins" {
			flags.StringArray(f.name, nil, f.usage)
		} else {
			flags.String(f.name, "", f.usage)
		}
	}
}

// settings are what the layers come to: defaults, the file, the environment,
// the flags, each over those before it.
type settings struct {
	tlo.Config
	File     string   // that was read; empty if none
	Warnings []string // of TLO_ variables that mean nothing
}

// loadSettings reads the layers. Relative paths count from the folder of the
// file if they stand in it, else from the working directory. An error about a
// value is a [*tlo.ConfigError], which names the line, variable or flag.
func loadSettings(flags *pflag.FlagSet) (settings, error) {
	layers := viper.New()
	for _, key := range append(tlo.SettingKeys(), configKey) {
		if err := layers.BindEnv(key, envName(key)); err != nil {
			return settings{}, err
		}
	}
	sources := map[string]string{}
	bind := func(key, name string) error {
		flag := flags.Lookup(name)
		if flag == nil {
			return nil
		}
		if flag.Changed {
			sources[key] = "--" + name
		}
		return layers.BindPFlag(key, flag)
	}
	errs := []error{bind(configKey, configKey)}
	for _, f := range settingFlags {
		errs = append(errs, bind(f.key, f.name))
	}
	if err := errors.Join(errs...); err != nil {
		return settings{}, err
	}

	var s settings
	var err error
	if s.Config, s.File, err = loadFile(layers); err != nil {
		return settings{}, err
	}
	var problems []tlo.Problem
	for _, key := range tlo.SettingKeys() {
		if !layers.IsSet(key) {
			continue
		}
		source := sources[key]
		if source == "" {
			source = envName(key)
		}
		err := s.Set(source, key, values(layers.Get(key), key)...)
		if bad, ok := errors.AsType[*tlo.ConfigError](err); ok {
			problems = append(problems, bad.Problems...)
		} else if err != nil {
			return settings{}, err
		}
	}
	if bad, ok := errors.AsType[*tlo.ConfigError](s.Validate()); ok {
		problems = append(problems, bad.Problems...)
	}
	if len(problems) > 0 {
		return settings{}, &tlo.ConfigError{Problems: problems}
	}
	s.Warnings = unknownVariables(os.Environ())
	return s, nil
}

// loadFile reads the file that is named, or the default one if it is there.
func loadFile(layers *viper.Viper) (tlo.Config, string, error) {
	if layers.IsSet(configKey) {
		file := layers.GetString(configKey)
		c, err := tlo.LoadFile(file)
		return c, file, err
	}
	c, err := tlo.LoadFile(defaultConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return tlo.DefaultConfig(), "", nil
	}
	return c, defaultConfig, err
}

// values splits a list that comes from the environment; viper would do so at
// spaces, which folders may have.
func values(v any, key string) []string {
	if list, ok := v.([]string); ok {
		return list
	}
	s := fmt.Sprint(v)
	if key == "plugins" {
		return filepath.SplitList(s)
	}
	return []string{s}
}

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// unknownVariables returns a warning for each TLO_ variable that is no setting.
func unknownVariables(environ []string) []string {
	known := []string{envName(configKey)}
	for _, key := range tlo.SettingKeys() {
		known = append(known, envName(key))
	}
	var warnings []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(known, name) {
			continue
		}
		hint := typo.DidYouMean(name, known)
		if hint == "" {
			hint = "unset it"
		}
		warnings = append(warnings, fmt.Sprintf("the environment variable %s is no setting; %s", name, hint))
	}
	slices.Sort(warnings)
	return warnings
}
