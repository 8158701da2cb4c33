package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/host"
)

func newInspect() *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use:   "inspect FILE.wasm",
		Short: "Say what a .wasm file is, without running it",
		Example: `  tlo inspect report.wasm
  tlo inspect report.wasm --output json`,
		Args: takes(1, 1, "one .wasm file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			p, err := host.Inspect(args[0])
			var refusal *host.Refusal
			if err != nil && !errors.As(err, &refusal) {
				return namedFile(err)
			}
			if out.json() {
				if jsonErr := printJSON(cmd.OutOrStdout(), inspectionOf(p, refusal)); jsonErr != nil {
					return jsonErr
				}
			} else {
				printInspection(cmd.OutOrStdout(), p)
			}
			return err
		},
	}
	out.add(cmd)
	return cmd
}

// inspection is an inspected file as JSON.
type inspection struct {
	Path    string           `json:"path"`
	Kind    host.Kind        `json:"kind"`
	Size    int64            `json:"size"`
	SHA256  string           `json:"sha256"`
	Tasks   []inspectedTask  `json:"tasks,omitempty"`
	Imports []string         `json:"imports,omitempty"`
	Exports []string         `json:"exports,omitempty"`
	Memory  *inspectedMemory `json:"memory,omitempty"`
	Warm    bool             `json:"warm"`              // attempts start from an image
	Cold    string           `json:"cold,omitempty"`    // why they do not
	Refused string           `json:"refused,omitempty"` // why tlo does not run it
}

type inspectedTask struct {
	Name        string          `json:"name"`
	Export      string          `json:"export"`
	Description string          `json:"description,omitempty"`
	InputSchema json.RawMessage `json:"input_schema,omitempty"`
	Needs       []string        `json:"needs,omitempty"`
}

type inspectedMemory struct {
	Min uint64 `json:"min"` // bytes
	Max uint64 `json:"max,omitempty"`
}

func inspectionOf(p *host.Plugin, refusal *host.Refusal) inspection {
	v := inspection{Path: p.Path, Kind: p.Kind, Size: p.Size, SHA256: p.SHA256}
	for _, t := range p.Tasks {
		v.Tasks = append(v.Tasks, inspectedTask{t.Name, t.Export, t.Declared.Description, t.Declared.InputSchema, t.Declared.Needs})
	}
	for _, i := range p.Imports {
		v.Imports = append(v.Imports, i.Module+"."+i.Name)
	}
	for _, e := range p.Exports {
		v.Exports = append(v.Exports, e.Name)
	}
	if p.Memory != nil {
		v.Memory = &inspectedMemory{p.Memory.Min * pageSize, p.Memory.Max * pageSize}
	}
	if refusal != nil {
		v.Refused = refusal.Reason + "; " + refusal.Remedy
	} else {
		v.Warm, v.Cold = p.Cold == "", p.Cold
	}
	return v
}

const pageSize = 64 << 10

func printInspection(w io.Writer, p *host.Plugin) {
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-9s %s\n", name, clean(value))
		}
	}
	kind := string(p.Kind)
	if kind == "" {
		kind = "nothing that tlo runs"
	}
	field("file", p.Path)
	field("kind", kind)
	field("size", bytesText(p.Size))
	field("sha256", p.SHA256)
	if p.Memory != nil {
		limit := "no maximum of its own"
		if p.Memory.Max > 0 {
			limit = "at most " + bytesText(int64(p.Memory.Max*pageSize))
		}
		field("memory", fmt.Sprintf("%s at the start, %s", bytesText(int64(p.Memory.Min*pageSize)), limit))
	}
	switch {
	case p.Kind == "" || len(p.Tasks) == 0:
	case p.Cold == "":
		field("starts", "from an image of its memory after initialisation")
	default:
		field("starts", "anew for each attempt: "+p.Cold)
	}
	for _, t := range p.Tasks {
		field("task", strings.TrimSpace(fmt.Sprintf("%s, runs %s  %s", t.Name, t.Export, t.Declared.Description)))
		if len(t.Declared.Needs) > 0 {
			field("", "asks for "+strings.Join(t.Declared.Needs, ", "))
		}
	}
	modules := map[string][]string{}
	var order []string
	for _, i := range p.Imports {
		if modules[i.Module] == nil {
			order = append(order, i.Module)
		}
		modules[i.Module] = append(modules[i.Module], i.Name)
	}
	for _, m := range order {
		field("imports", m+": "+strings.Join(modules[m], " "))
	}
	var names []string
	for _, e := range p.Exports {
		names = append(names, e.Name)
	}
	field("exports", strings.Join(names, " "))
}
