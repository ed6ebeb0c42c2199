// Tries one thing in a pod (or, to prepare it, beside the kubelet) and prints what came of it:
// "ok", or the name of the error. What a shell can try is not here.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const (
	ipcCreate   = 0o1000
	mapHugeTLB  = 0x40000
	shmPageSize = 4096
	hugePage    = 2 << 20
	sysBPF      = 321
	sysPerf     = 298
	sysModule   = 175
)

var trials = map[string]func(arguments []string) error{
	"euid":        euid,
	"connect":     connect,
	"listen":      listen,
	"shm-create":  func(a []string) error { return shmget(a, ipcCreate|0o666) },
	"shm-find":    func(a []string) error { return shmget(a, 0) },
	"open":        open,
	"read":        read,
	"raw-socket":  func([]string) error { return raw() },
	"map-hugetlb": func([]string) error { return mapHuge() },
	"map-file":    mapFile,
	"bpf":         func([]string) error { return call(sysBPF, 0, uintptr(unsafe.Pointer(&bpfMap)), unsafe.Sizeof(bpfMap)) },
	"perf-event": func([]string) error {
		return call(sysPerf, uintptr(unsafe.Pointer(&perfEvent)), 0, ^uintptr(0), ^uintptr(0), 0)
	},
	"init-module": func([]string) error {
		return call(sysModule, uintptr(unsafe.Pointer(&empty)), 1, uintptr(unsafe.Pointer(&empty)))
	},
	"ptrace":       func([]string) error { return ptrace() },
	"write-locked": func([]string) error { return mlock() },
}

// An array map with keys and values of four bytes and one entry.
var bpfMap = [16]uint32{2, 4, 4, 1}

// PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, of the size that the first kernels knew.
var perfEvent = [16]uint32{1, 64, 0, 0}

var empty [8]byte

func main() {
	if len(os.Args) < 2 || trials[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "probe: which trial?")
		os.Exit(2)
	}
	if err := trials[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Println(name(err))
		os.Exit(1)
	}
	fmt.Println("ok")
}

// name is the errno's symbol where an error has one.
func name(err error) string {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err.Error()
	}
	if known, ok := map[syscall.Errno]string{
		syscall.EPERM: "EPERM", syscall.ENOENT: "ENOENT", syscall.ENXIO: "ENXIO", syscall.EACCES: "EACCES",
		syscall.ENODEV: "ENODEV", syscall.EINVAL: "EINVAL", syscall.ENOSYS: "ENOSYS", syscall.ENOMEM: "ENOMEM",
		syscall.ECONNREFUSED: "ECONNREFUSED", syscall.EROFS: "EROFS", syscall.ENOEXEC: "ENOEXEC",
		syscall.EIO: "EIO", syscall.EOPNOTSUPP: "EOPNOTSUPP", syscall.ENOTTY: "ENOTTY",
	}[number]; ok {
		return known
	}
	return "errno " + strconv.Itoa(int(number))
}

func euid([]string) error {
	if id := os.Geteuid(); id != 0 {
		return fmt.Errorf("euid %d", id)
	}
	return nil
}

func connect(arguments []string) error {
	c, err := net.Dial("unix", arguments[0])
	if err != nil {
		return err
	}
	return c.Close()
}

// listen accepts for as long as it is let live.
func listen(arguments []string) error {
	l, err := net.Listen("unix", arguments[0])
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		c.Close()
	}
}

func shmget(arguments []string, flags uintptr) error {
	key, err := strconv.ParseUint(arguments[0], 0, 32)
	if err != nil {
		return err
	}
	return call(syscall.SYS_SHMGET, uintptr(key), shmPageSize, flags)
}

func open(arguments []string) error {
	fd, err := syscall.Open(arguments[0], syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	return syscall.Close(fd)
}

func read(arguments []string) error {
	fd, err := syscall.Open(arguments[0], syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	got, err := syscall.Read(fd, make([]byte, 512))
	if err == nil && got == 0 {
		return errors.New("empty")
	}
	return err
}

func raw() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP)
	if err != nil {
		return err
	}
	return syscall.Close(fd)
}

// mapHuge maps one huge page of nothing.
func mapHuge() error {
	return hold(-1, syscall.MAP_ANON|syscall.MAP_PRIVATE|mapHugeTLB)
}

// mapFile makes a file of the size of a huge page and maps it.
func mapFile(arguments []string) error {
	fd, err := syscall.Open(arguments[0], syscall.O_CREAT|syscall.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Ftruncate(fd, hugePage); err != nil {
		return err
	}
	return hold(fd, syscall.MAP_SHARED)
}

// hold writes to what is mapped, and keeps it for a while: others count what is left.
func hold(fd, flags int) error {
	page, err := syscall.Mmap(fd, 0, hugePage, syscall.PROT_READ|syscall.PROT_WRITE, flags)
	if err != nil {
		return err
	}
	page[0] = 1
	time.Sleep(12 * time.Second)
	return syscall.Munmap(page)
}

func mlock() error {
	page, err := syscall.Mmap(-1, 0, hugePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return err
	}
	return syscall.Mlock(page)
}

// ptrace attaches to PID 1 of the pod, which is no child of this process.
func ptrace() error {
	runtime.LockOSThread()
	if err := syscall.PtraceAttach(1); err != nil {
		return err
	}
	if _, err := syscall.Wait4(1, nil, syscall.WALL, nil); err != nil {
		return err
	}
	return syscall.PtraceDetach(1)
}

func call(number uintptr, arguments ...uintptr) error {
	var six [6]uintptr
	copy(six[:], arguments)
	_, _, errno := syscall.Syscall6(number, six[0], six[1], six[2], six[3], six[4], six[5])
	if errno != 0 {
		return errno
	}
	return nil
}
