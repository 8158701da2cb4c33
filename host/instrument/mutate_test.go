package instrument_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/tlo-run/tlo/host/instrument"
	"github.com/tlo-run/tlo/host/module"
)

// validator says what the runtime accepts. The interpreter validates as the
// compiler does, and starts at once.
type validator struct{ runtime wazero.Runtime }

func newValidator(t testing.TB) validator {
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { r.Close(context.Background()) })
	return validator{r}
}

func (v validator) accepts(ctx context.Context, b []byte) (ok bool) {
	defer func() {
		if recover() != nil { // the runtime's own fault; it must have the same one for both
			ok = false
		}
	}()
	compiled, err := v.runtime.CompileModule(ctx, b)
	if err != nil {
		return false
	}
	compiled.Close(ctx)
	return true
}

// agree checks that what is valid stays valid, and what is not does not become
// so. It reports whether the module got as far as to be compared.
func (v validator) agree(t *testing.T, b []byte) bool {
	m, err := module.Read(b)
	if err != nil || len(m.Unsupported) > 0 {
		return false
	}
	// The runtime refuses an empty custom section at the end of the file. Custom
	// sections are no code; rewriting drops them.
	if slices.ContainsFunc(m.Customs, func(c module.Custom) bool { return len(c.Data) == 0 }) {
		return false
	}
	plain := v.accepts(t.Context(), b)
	out, err := instrument.Rewrite(b, m)
	if instrumented := err == nil && v.accepts(t.Context(), out.Wasm); plain != instrumented {
		t.Errorf("plain %v, instrumented %v (%v): %x", plain, instrumented, err, b)
	}
	return true
}

func corpus(t testing.TB, size int64) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(specification(t), "v2", "testdata", "*.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > size || info.Size() == 0 {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// TestMutations changes bytes of many small modules.
func TestMutations(t *testing.T) {
	const seed, perModule = 4, 8
	random := rand.New(rand.NewPCG(seed, 0))
	v := newValidator(t)
	compared := 0
	for _, b := range corpus(t, 600) {
		for range perModule {
			mutant := slices.Clone(b)
			for range 1 + random.IntN(3) {
				mutant[random.IntN(len(mutant))] = byte(random.Uint32())
			}
			if v.agree(t, mutant) {
				compared++
			}
		}
	}
	t.Log(compared, "mutants compared")
	if compared < 1000 {
		t.Errorf("only %d mutants reached the comparison", compared)
	}
}

func FuzzRewrite(f *testing.F) {
	for _, b := range corpus(f, 400) {
		f.Add(b)
	}
	v := newValidator(f)
	f.Fuzz(func(t *testing.T, b []byte) { v.agree(t, b) })
}
