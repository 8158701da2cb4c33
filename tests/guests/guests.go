// Package guests builds the example plugins for black-box tests.
package guests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Root is the project's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Build builds all example plugins into dir.
func Build(dir string) error {
	out, err := exec.Command(filepath.Join(Root(), "scripts", "guests.sh"), "build", dir).CombinedOutput() //nolint:noctx // a build that hangs is ended by the test's own deadline
	if err != nil {
		return fmt.Errorf("scripts/guests.sh build: %w\n%s", err, out)
	}
	return nil
}

// BuildTLO builds the tlo command into dir and returns its path.
func BuildTLO(dir string) (string, error) {
	bin := filepath.Join(dir, "tlo")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/tlo") //nolint:noctx // as above
	cmd.Dir = Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/tlo: %w\n%s", err, out)
	}
	return bin, nil
}

// Place links one built plugin into a plugins folder.
func Place(built, name, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(built, name+".wasm"), filepath.Join(dir, name+".wasm"))
}
