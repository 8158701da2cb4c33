package cli

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tlo-run/tlo"
)

func addSettingsFlags(f *pflag.FlagSet) {
	f.String("config", "", "the configuration file (default ./tlo.hcl if it is there)")
	f.String("data-dir", "", "the store's folder")
	f.StringArray("plugins", nil, "a plugins folder (may repeat)")
}

func loadSettings(f *pflag.FlagSet) (tlo.Config, string, []string, error) {
	file, _ := f.GetString("config")
	cfg := tlo.DefaultConfig()
	var err error
	if file == "" {
		file = "tlo.hcl"
		if _, serr := os.Stat(file); errors.Is(serr, os.ErrNotExist) {
			file = ""
		}
	}
	if file != "" {
		if cfg, err = tlo.LoadFile(file); err != nil {
			return cfg, file, nil, err
		}
	}
	for _, k := range tlo.SettingKeys() {
		if v := os.Getenv("TLO_" + strings.ToUpper(strings.NewReplacer(".", "_").Replace(k))); v != "" {
			if err := cfg.Set("env", k, v); err != nil {
				return cfg, file, nil, err
			}
		}
	}
	if v, _ := f.GetString("data-dir"); v != "" {
		_ = cfg.Set("--data-dir", "data_dir", v)
	}
	if v, _ := f.GetStringArray("plugins"); len(v) > 0 {
		_ = cfg.Set("--plugins", "plugins", v...)
	}
	return cfg, file, nil, cfg.Validate()
}
