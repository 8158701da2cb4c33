//go:build linux && (amd64 || arm64)

package disk_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The process under test has the kernel ask its parent about each call that
// can change a file (seccomp_unotify(2)). So the store runs as it is, on real
// files, and yet there is one order of all that it writes, flushes and
// confirms, and a parent that can answer as a failing disk would.

// watched are the calls that the parent is asked about.
var watched = []uint32{
	unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE,
	unix.SYS_OPENAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT,
	// Ways to change a file that the parent does not follow: it reports them.
	unix.SYS_WRITEV, unix.SYS_PWRITEV, unix.SYS_PWRITEV2, unix.SYS_SYNC_FILE_RANGE, unix.SYS_COPY_FILE_RANGE,
	unix.SYS_SENDFILE, unix.SYS_TRUNCATE, unix.SYS_LINKAT, unix.SYS_IO_URING_SETUP,
}

// socketFD is where a child finds the socket to its parent.
const socketFD = 3

// askParent makes the kernel ask the parent from now on, for all threads.
func askParent() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl: %w", err)
	}
	// Byte 0 of struct seccomp_data is the number of the call.
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}}
	for i, nr := range watched {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jt: uint8(len(watched) - i)})
	}
	program = append(program,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}

	// Between the filter and the message to the parent nobody answers: all
	// that is needed is made before, and no collection may begin.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	rights, one := unix.UnixRights(0), []byte{0}
	iov := unix.Iovec{Base: &one[0]}
	iov.SetLen(1)
	message := unix.Msghdr{Iov: &iov, Control: &rights[0]}
	message.SetIovlen(1)
	message.SetControllen(len(rights))
	// Without WAIT_KILLABLE_RECV the signals by which Go preempts goroutines
	// would break off calls that the parent has half answered.
	const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	listener, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	binary.NativeEndian.PutUint32(rights[unix.CmsgLen(0):], uint32(listener))
	if _, _, errno = unix.RawSyscall(unix.SYS_SENDMSG, socketFD, uintptr(unsafe.Pointer(&message)), 0); errno != 0 {
		return fmt.Errorf("sendmsg: %w", errno)
	}
	return unix.Close(int(listener))
}

var errNoListener = errors.New("the child ended and sent no listener")

// startAsked starts a process that calls askParent, and returns the listener.
func startAsked(cmd *exec.Cmd) (listener int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(pair[0])
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	cmd.ExtraFiles = []*os.File{theirs}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return 0, err
	}
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(pair[0], make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err == nil && n == 0 {
		err = errNoListener
	}
	if err != nil {
		return 0, errors.Join(err, cmd.Wait())
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil {
		return 0, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return fds[0], nil
}

// question and answer are struct seccomp_notif and seccomp_notif_resp.
type question struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

type answer struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

// nextQuestion waits for one; false when the process has ended.
func nextQuestion(listener int) (question, bool, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return question{}, false, err
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			if fds[0].Revents != 0 {
				return question{}, false, nil
			}
			continue
		}
		var q question
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&q)))
		switch errno {
		case 0:
			return q, true, nil
		case unix.EINTR, unix.ENOENT: // the call was taken back: it comes again, or its thread is gone
		default:
			return q, false, errno
		}
	}
}

func (a answer) send(listener int) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a)))
	if errno != 0 && errno != unix.ENOENT { // the process was killed meanwhile
		return errno
	}
	return nil
}
