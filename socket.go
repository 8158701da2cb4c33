package tlo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tlo-run/tlo/engine"
)

// Socket is the path of the Unix socket on which an engine with this
// configuration serves its API.
func (c Config) Socket() string { return filepath.Join(c.DataDir, "tlo.sock") }

// maxSocketPath is the length of sun_path on Linux without its final zero.
const maxSocketPath = 107

// socket is the one place of an engine in a data directory: a lock that ends
// with the process, and the listener of the API.
type socket struct {
	net.Listener
	lock *os.File
}

// takeSocket makes the caller the engine of the data directory, or says who is.
// The lock comes first, so a socket that is there was left by a dead process.
func takeSocket(ctx context.Context, cfg Config) (_ *socket, err error) {
	path := cfg.Socket()
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the socket's path %s has %d bytes and the system allows %d: use a shorter data_dir", path, len(path), maxSocketPath)
	}
	lock, err := os.OpenFile(filepath.Join(cfg.DataDir, "tlo.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the engine's lock: %w", err)
	}
	s := &socket{lock: lock}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := tryLock(lock); err != nil {
		holder, _ := os.ReadFile(lock.Name()) // it only adds to the message
		who := "an engine"
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			who += ", process " + pid + ","
		}
		return nil, fmt.Errorf("%w: %s runs on %s: stop it first, or use another data_dir", engine.ErrLocked, who, cfg.DataDir)
	}
	if err := errors.Join(lock.Truncate(0), writeAt(lock, fmt.Sprintln(os.Getpid()))); err != nil {
		return nil, fmt.Errorf("the engine's lock: %w", err)
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("the engine's socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("the engine's socket: %s is something else: move it away", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("the socket of an earlier run is in the way: %w", err)
		}
	}
	var config net.ListenConfig
	if s.Listener, err = config.Listen(ctx, "unix", path); err != nil {
		return nil, fmt.Errorf("the engine's socket: %w", err)
	}
	// Nobody else could come in between: checkDir saw to that.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fmt.Errorf("the engine's socket: %w", err)
	}
	return s, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// Close stops listening, removes the socket, and lets go of the lock. It may be
// called again.
func (s *socket) Close() error {
	var err error
	if s.Listener != nil {
		if err = s.Listener.Close(); errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	if closeErr := s.lock.Close(); !errors.Is(closeErr, os.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}

// CheckDataDir returns an error if others may change what is in the data
// directory or the cache: whoever can, can act as the engine. A folder that is
// not there yet is good.
func (c Config) CheckDataDir() error {
	return errors.Join(checkDir("data_dir", c.DataDir), checkDir("cache_dir", c.cacheDir()))
}

func checkDir(setting, path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // making it will say more
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", setting, err)
	case !info.IsDir():
		return fmt.Errorf("%s: %s is not a folder: name one", setting, path)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s: others may write to %s, and could act as the engine: chmod 700 it", setting, path)
	case !ours(info):
		return fmt.Errorf("%s: %s belongs to another user, who could act as the engine: use a folder of your own", setting, path)
	}
	return nil
}
