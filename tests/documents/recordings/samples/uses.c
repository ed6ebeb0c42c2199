/* Makes, on purpose, calls of many kinds: the recordings beside this file are of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    int on = 1, omit = 5, fd, sock;
    syscall(SYS_arch_prctl, 0x1001, 0);                       /* ARCH_SET_GS */
    fd = memfd_create("uses", 0);
    syscall(SYS_fallocate, fd, 0x3, 0L, 4096L);               /* PUNCH_HOLE | KEEP_SIZE */
    syscall(SYS_fallocate, fd, 0, 0L, 4096L);
    lseek(fd, 0, SEEK_DATA);
    syscall(SYS_sync_file_range, fd, 0L, 0L, 2);
    fcntl(fd, F_SETLEASE, F_RDLCK);
    madvise(mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096, MADV_FREE);
    ioctl(fd, FIOASYNC, &on);
    open("/dev/kvm", O_RDWR);
    open("/proc/self/setgroups", O_WRONLY);
    open("/etc/secret-of-a-customer", O_RDONLY);
    open(".", O_TMPFILE | O_RDWR, 0600);
    close(socket(AF_PACKET, SOCK_RAW, 0));
    close(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    sock = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(sock, SOL_TCP, TCP_CORK, &on, sizeof on);
    setsockopt(sock, SOL_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
    mount("none", "/nonexistent", "cgroup2", MS_REC, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    unshare(CLONE_NEWTIME);
    syscall(SYS_openat2, -1, "x", 0, 0);
    syscall(SYS_io_uring_setup, 0, 0);
    syscall(999, 0);
    pid_t child = fork();
    if (child == 0) {
        struct timespec time = {0, 300000000};
        syscall(SYS_nanosleep, &time, 0);
        _exit(3);
    }
    usleep(100000);
    kill(child, SIGSTOP);
    kill(child, SIGCONT);
    waitpid(child, 0, 0);
    for (int i = 0; i < 30; i++) sched_yield();
    return 0;
}
