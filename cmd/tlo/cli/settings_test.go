package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/tlo-run/tlo"
	"github.com/tlo-run/tlo/engine"
)

// load runs loadSettings in a new working directory, which it returns.
func load(t *testing.T, files, env map[string]string, args ...string) (settings, string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	dir, err := os.Getwd() // as the code under test sees it
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	flags := pflag.NewFlagSet("tlo", pflag.ContinueOnError)
	addSettingFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	s, err := loadSettings(flags)
	return s, dir, err
}

func TestEachLayerOverridesTheOneBefore(t *testing.T) {
	file := map[string]string{"tlo.hcl": `workers = 2`}
	env := map[string]string{"TLO_WORKERS": "3"}
	for _, c := range []struct {
		name  string
		files map[string]string
		env   map[string]string
		args  []string
		want  int
	}{
		{"defaults", nil, nil, nil, tlo.DefaultConfig().Workers},
		{"file", file, nil, nil, 2},
		{"environment", file, env, nil, 3},
		{"environment without a file", nil, env, nil, 3},
		{"flag", file, env, []string{"--workers=4"}, 4},
		{"flag alone", nil, nil, []string{"--workers", "4"}, 4},
		{"an empty variable is not set", file, map[string]string{"TLO_WORKERS": ""}, nil, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, err := load(t, c.files, c.env, c.args...)
			if err != nil || s.Workers != c.want {
				t.Errorf("workers is %d (%v), want %d", s.Workers, err, c.want)
			}
			if (s.File != "") != (c.files != nil) {
				t.Errorf("file is %q", s.File)
			}
		})
	}
}

// Every setting can be made by its variable, and changes something.
func TestEverySettingHasAVariable(t *testing.T) {
	value := map[string]string{
		"data_dir": "x", "cache_dir": "x", "plugins": "x", "workers": "77", "stop": "ignore", "stop_timeout": "7s", "store": "memory",
		"log.level": "trace", "log.format": "json",
		"defaults.timeout": "7s", "defaults.grace": "7s", "defaults.memory": "7MiB", "defaults.input": "7KB",
		"defaults.output": "7KB", "defaults.log": "7KB", "defaults.fuel": "7",
		"defaults.retry.attempts": "7", "defaults.retry.backoff": "fixed", "defaults.retry.min": "7s",
		"defaults.retry.max": "7m", "defaults.retry.jitter": "0.7", "defaults.retry.losses": "7",
		"defaults.retention.age": "7d", "defaults.retention.count": "7",
	}
	for _, key := range tlo.SettingKeys() {
		t.Run(key, func(t *testing.T) {
			if value[key] == "" {
				t.Fatal("no value to try")
			}
			// As a wrong value is refused, the variable is read.
			if key != "data_dir" && key != "cache_dir" && key != "plugins" {
				_, _, err := load(t, nil, map[string]string{envName(key): "!"})
				if err == nil || !strings.HasPrefix(err.Error(), envName(key)+": "+key) {
					t.Errorf("a wrong value: got %v", err)
				}
			}
			if _, _, err := load(t, nil, map[string]string{envName(key): value[key]}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestValuesOfTheEnvironment(t *testing.T) {
	s, dir, err := load(t, nil, map[string]string{
		"TLO_DATA_DIR": "d", "TLO_PLUGINS": "with space" + string(os.PathListSeparator) + "/b",
		"TLO_LOG_LEVEL": "debug", "TLO_DEFAULTS_TIMEOUT": "5m", "TLO_DEFAULTS_RETRY_JITTER": "0", "TLO_STOP_TIMEOUT": "1d",
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.DataDir != filepath.Join(dir, "d") || !slices.Equal(s.Plugins, []string{filepath.Join(dir, "with space"), "/b"}) ||
		s.Log.Level != "debug" || s.Defaults.Limits.Timeout != 5*time.Minute || *s.Defaults.Retry.Jitter != 0 ||
		s.StopTimeout != 24*time.Hour {
		t.Errorf("got %+v", s)
	}
}

func TestPathsCountFromWhereTheyAreWritten(t *testing.T) {
	s, dir, err := load(t,
		map[string]string{"sub/c.hcl": `plugins = ["p"]`}, nil,
		"--config=sub/c.hcl", "--data-dir=d")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(dir, "sub", "p")}; !slices.Equal(s.Plugins, want) {
		t.Errorf("plugins of the file are %q, want %q", s.Plugins, want)
	}
	if want := filepath.Join(dir, "d"); s.DataDir != want {
		t.Errorf("data folder of the flag is %q, want %q", s.DataDir, want)
	}
}

func TestPluginsFlagRepeats(t *testing.T) {
	s, dir, err := load(t, nil, map[string]string{"TLO_PLUGINS": "/env"}, "--plugins=/a:b,c", "--plugins=d")
	if want := []string{"/a:b,c", filepath.Join(dir, "d")}; err != nil || !slices.Equal(s.Plugins, want) {
		t.Errorf("got %q (%v), want %q", s.Plugins, err, want)
	}
}

func TestNamedConfig(t *testing.T) {
	files := map[string]string{"tlo.hcl": "workers = 2", "a.hcl": "workers = 3", "b.hcl": "workers = 4"}
	env := map[string]string{"TLO_CONFIG": "a.hcl"}
	if s, _, err := load(t, files, env); err != nil || s.Workers != 3 || s.File != "a.hcl" {
		t.Errorf("by variable: %d workers of %q (%v)", s.Workers, s.File, err)
	}
	if s, _, err := load(t, files, env, "--config=b.hcl"); err != nil || s.Workers != 4 || s.File != "b.hcl" {
		t.Errorf("by flag: %d workers of %q (%v)", s.Workers, s.File, err)
	}
	if _, _, err := load(t, nil, nil, "--config=gone.hcl"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "gone.hcl") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestErrorsNameTheirSource(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		env   map[string]string
		args  []string
		want  string
	}{
		{"file", map[string]string{"tlo.hcl": "\nworkers = -1"}, nil, nil, "tlo.hcl:2:1: workers is -1; use 1 to 10000"},
		{"variable", nil, map[string]string{"TLO_LOG_LEVEL": "inof"}, nil, `TLO_LOG_LEVEL: log.level: there is no "inof"; did you mean "info"?`},
		{"flag", nil, nil, []string{"--store=blot"}, `--store: store: there is no "blot"; did you mean "bolt"?`},
		{"found when all is known", map[string]string{"tlo.hcl": "workers = 3"}, map[string]string{"TLO_WORKERS": "-1"}, nil, "TLO_WORKERS: workers is -1; use 1 to 10000"},
		{"several", nil, map[string]string{"TLO_STOP": "x", "TLO_WORKERS": "-1"}, []string{"--log-format=xml"},
			"TLO_STOP: stop: there is no \"x\"; use \"drain\", \"cancel\" or \"ignore\"\n" +
				"--log-format: log.format: there is no \"xml\"; use \"text\" or \"json\"\n" +
				"TLO_WORKERS: workers is -1; use 1 to 10000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := load(t, c.files, c.env, c.args...)
			if err == nil || err.Error() != c.want || !errors.Is(err, engine.ErrInvalid) {
				t.Errorf("got\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestUnknownVariablesWarn(t *testing.T) {
	s, _, err := load(t, nil, map[string]string{"TLO_WORKER": "3", "TLO_VOLCANO": "x", "TLOTHER": "x"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"the environment variable TLO_VOLCANO is no setting; unset it",
		`the environment variable TLO_WORKER is no setting; did you mean "TLO_WORKERS"?`,
	}
	if !slices.Equal(s.Warnings, want) {
		t.Errorf("got %q, want %q", s.Warnings, want)
	}
}
