package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlo-run/tlo/internal/typo"
)

// takes makes the check of a verb's arguments: from least to most of what, or
// any number of them where most is negative.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		path := cmd.CommandPath()
		switch {
		case len(args) < least:
			return usageError(fmt.Errorf("%s needs %s; see %s --help", path, what, path))
		case most == 0 && len(args) > 0:
			return usageError(fmt.Errorf("%s takes no arguments, and there is %q; see %s --help", path, args[0], path))
		case most > 0 && len(args) > most:
			return usageError(fmt.Errorf("%s takes %s, and there is %q too; see %s --help", path, what, args[most], path))
		}
		return nil
	}
}

// flagError makes a usage error of what pflag says about a flag.
func flagError(cmd *cobra.Command, err error) error {
	hint := "see " + cmd.CommandPath() + " --help"
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := typo.Closest(unknown.GetSpecifiedName(), names); near != "" {
			hint = "did you mean --" + near + "?"
		}
	}
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err, hint = fmt.Errorf("--%s is %q", bad.GetFlag().Name, bad.GetValue()), wanted(bad.GetFlag())
	}
	return usageError(fmt.Errorf("%w; %s", err, hint))
}

// wanted tells what a flag takes.
func wanted(f *pflag.Flag) string {
	switch f.Value.Type() {
	case typeDuration:
		return "use a duration such as 90s, 1h30m or 2d"
	case typeSize:
		return "use a size such as 64MiB"
	case "int":
		return "use a whole number"
	case "bool":
		return "use true or false"
	case "stringToString":
		return "use name=value"
	}
	return "use a " + f.Value.Type()
}

// exclusive refuses two flags that say the same thing differently.
func exclusive(cmd *cobra.Command, a, b string) error {
	if cmd.Flags().Changed(a) && cmd.Flags().Changed(b) {
		return usageError(fmt.Errorf("--%s and --%s exclude each other; use one of them", a, b))
	}
	return nil
}

func unknownVerb(cmd *cobra.Command, name string) error {
	hint := "see tlo --help"
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("unknown command %q; %s", name, hint)
}
