package host

import (
	"path/filepath"
	"strings"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/module"
)

// The functions of a guest that the host calls.
const (
	startExport      = "_start"
	initializeExport = "_initialize"
	runExport        = "tlo_run"
	runPrefix        = "tlo_run_"
)

var (
	runType   = module.Func(nil, []module.ValueType{module.I32})
	startType = module.FuncType{}
)

const declareRemedy = "correct the declaration and build again; see docs/abi.md"

// findTasks decides which tasks the plugin offers and what kind it is. The
// section tlo.tasks goes before exports tlo_run_<name>, those before tlo_run or
// _start, which are named after the file.
func (p *Plugin) findTasks(m *module.Module) *Refusal {
	if refusal := p.findEntries(m); refusal != nil {
		return refusal
	}
	declared, refusal := declarations(m)
	if refusal != nil {
		return refusal
	}
	switch {
	case declared != nil:
		refusal = p.declaredTasks(declared)
	case len(p.exportedTasks()) > 0:
		p.Tasks = p.exportedTasks()
		if len(p.Tasks) > maxTasks {
			refusal = refuse(KindNative, "split the plugin", "it exports %d tasks; the limit is %d", len(p.Tasks), maxTasks)
		}
	case p.entries[runExport]:
		refusal = p.namedByFile(runExport)
	case p.entries[startExport]:
		refusal = p.namedByFile(startExport)
	default:
		refusal = refuse(KindUnknown, "export tlo_run, or build a WASI command, which exports _start",
			"it has no entry point: no function _start, tlo_run or tlo_run_<task>")
	}
	if refusal != nil {
		return refusal
	}
	return p.setKind()
}

// findEntries collects the functions that can run a task, and refuses those
// that are named like one and are of another type.
func (p *Plugin) findEntries(m *module.Module) *Refusal {
	p.entries = map[string]bool{}
	for _, e := range m.Exports {
		if e.Kind != module.KindFunc {
			continue
		}
		want, special := runType, e.Name == runExport || strings.HasPrefix(e.Name, runPrefix)
		if e.Name == startExport || e.Name == initializeExport {
			want, special = startType, true
		}
		if special && e.Type != want {
			return refuse(KindUnknown, "give it the type "+want.String(), "its export %s is of type %v", clip(e.Name), e.Type)
		}
		if e.Name == initializeExport {
			p.initialize = true
		} else if e.Name == warmupExport && e.Type == startType {
			p.warmup = true
		} else if e.Type == want {
			p.entries[e.Name] = true
		}
		if name, ok := strings.CutPrefix(e.Name, runPrefix); ok && !engine.ValidName(name) {
			return refuse(KindNative, "name the task with 1 to 64 characters of a-z 0-9 _ . -, a letter or digit first",
				"its export %s names no task", clip(e.Name))
		}
	}
	return nil
}

func declarations(m *module.Module) ([]Declaration, *Refusal) {
	var found []Declaration
	for _, c := range m.Customs {
		if c.Name != tasksSection {
			continue
		}
		if found != nil {
			return nil, refuse(KindNative, declareRemedy, "it has two sections %s", tasksSection)
		}
		tasks, err := parseTasks(c.Data)
		if err != nil {
			return nil, refuse(KindNative, declareRemedy, "its section %s is wrong: %v", tasksSection, err)
		}
		found = tasks
	}
	return found, nil
}

func (p *Plugin) declaredTasks(declared []Declaration) *Refusal {
	for _, d := range declared {
		export := d.Export
		if export == "" {
			export = p.defaultEntry(d.Name)
		}
		if !p.entries[export] {
			return refuse(KindNative, declareRemedy, "task %q is to run its export %q of type %v, which it does not have", d.Name, clip(export), runType)
		}
		p.Tasks = append(p.Tasks, Task{Name: d.Name, Export: export, Declared: d})
	}
	return nil
}

// defaultEntry is the function that runs a task where none is named.
func (p *Plugin) defaultEntry(task string) string {
	for _, export := range []string{runPrefix + task, runExport, startExport} {
		if p.entries[export] {
			return export
		}
	}
	return runExport
}

func (p *Plugin) exportedTasks() []Task {
	var tasks []Task
	for _, e := range p.Exports {
		if name, ok := strings.CutPrefix(e.Name, runPrefix); ok && p.entries[e.Name] {
			tasks = append(tasks, Task{Name: name, Export: e.Name})
		}
	}
	return tasks
}

func (p *Plugin) namedByFile(export string) *Refusal {
	name := nameOf(p.Path)
	if !engine.ValidName(name) {
		return refuse(KindUnknown, "rename the file: 1 to 64 characters of a-z 0-9 _ . - before .wasm, a letter or digit first",
			"its file name %s does not name a task", clip(filepath.Base(p.Path)))
	}
	p.Tasks = []Task{{Name: name, Export: export}}
	return nil
}

// nameOf is the task that a file is named after.
func nameOf(path string) string {
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(path)), ".wasm")
	return strings.ReplaceAll(name, " ", "-")
}

// setKind tells commands from native plugins by what runs their tasks.
func (p *Plugin) setKind() *Refusal {
	commands := 0
	for _, t := range p.Tasks {
		if t.Export == startExport {
			commands++
		}
	}
	switch commands {
	case 0:
		p.Kind = KindNative
	case len(p.Tasks):
		p.Kind = KindCommand
	default:
		return refuse(KindNative, declareRemedy, "it mixes tasks that run _start with tasks that run other exports")
	}
	return nil
}

// entry returns the function that runs task, and the task's name as the guest
// knows it: the one it declares, where the definition picks that.
func (p *Plugin) entry(task string, export string) (function, name string, ok bool) {
	for _, t := range p.Tasks {
		if t.Name == export {
			return t.Export, t.Name, true
		}
	}
	if p.entries[export] {
		return export, task, true
	}
	function = p.defaultEntry(export)
	return function, task, p.entries[function]
}
