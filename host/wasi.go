package host

import (
	"context"
	"strings"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/module"
)

const wasiModule = "wasi_snapshot_preview1"

// wasiSignatures are the functions of WASI preview 1, with a letter for each
// parameter: i is i32, l is i64. All return an errno, except proc_exit. They are
// written down so that a plugin can be inspected without a runtime; a test
// compares them with the runtime's.
const wasiSignatures = `
args_get ii
args_sizes_get ii
environ_get ii
environ_sizes_get ii
clock_res_get ii
clock_time_get ili
fd_advise illi
fd_allocate ill
fd_close i
fd_datasync i
fd_fdstat_get ii
fd_fdstat_set_flags ii
fd_fdstat_set_rights ill
fd_filestat_get ii
fd_filestat_set_size il
fd_filestat_set_times illi
fd_pread iiili
fd_prestat_get ii
fd_prestat_dir_name iii
fd_pwrite iiili
fd_read iiii
fd_readdir iiili
fd_renumber ii
fd_seek ilii
fd_sync i
fd_tell ii
fd_write iiii
path_create_directory iii
path_filestat_get iiiii
path_filestat_set_times iiiilli
path_link iiiiiii
path_open iiiiillii
path_readlink iiiiii
path_remove_directory iii
path_rename iiiiii
path_symlink iiiii
path_unlink_file iii
poll_oneoff iiii
proc_exit i
proc_raise i
sched_yield
random_get ii
sock_accept iii
sock_recv iiiiii
sock_send iiiii
sock_shutdown ii
`

func wasiTypes() map[string]module.FuncType {
	types := map[string]module.FuncType{}
	for line := range strings.Lines(strings.TrimSpace(wasiSignatures)) {
		name, letters, _ := strings.Cut(strings.TrimSpace(line), " ")
		var params []module.ValueType
		for _, c := range letters {
			if c == 'l' {
				params = append(params, module.I64)
			} else {
				params = append(params, module.I32)
			}
		}
		results := []module.ValueType{module.I32}
		if name == "proc_exit" {
			results = nil
		}
		types[name] = module.Func(params, results)
	}
	return types
}

// noteChanges has the functions of WASI that change what a guest's descriptors
// are tell so: no image undoes that. ctx is for the instantiation of WASI.
func noteChanges(ctx context.Context) context.Context {
	return experimental.WithFunctionListenerFactory(ctx, changes{})
}

// changes listens to a few functions; the others are called as if there were no
// listener.
type changes struct{}

func (changes) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	switch f.Name() {
	case "fd_close", "fd_renumber":
		return changes{}
	}
	return nil
}

func (changes) Before(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	abi.Change(ctx)
}

func (changes) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}
func (changes) Abort(context.Context, api.Module, api.FunctionDefinition, error)    {}
