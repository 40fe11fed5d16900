/* Opening below a root.  openat2 lets the kernel hold the boundary in one atomic walk; without it (a kernel
 * before 5.6, a strict seccomp filter) every component is opened by hand and no symbolic link is followed.
 *
 * SPDX-License-Identifier: MIT */
#include "safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "fd.h"

/* A rename somewhere in the tree during the walk makes the kernel give up with EAGAIN. */
#define ATTEMPTS_MAX 32

/* Learnt at the first call; relaxed, since finding out twice does no harm. */
static _Atomic bool is_openat2_missing;

int psv_safe_open_root(const char *path, int *ret_root_fd, struct psv_error *reterr)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        int errno_value = errno;
        return psv_error_set_errno(reterr, psv_error_of_errno(errno_value), errno_value,
                                   "cannot open directory %s", path);
    }
    *ret_root_fd = fd;
    return 0;
}

static bool has_parent_component(const char *path)
{
    struct psv_bytes rest = psv_bytes_of(path);
    struct psv_bytes component;
    while (psv_bytes_split(&rest, '/', &component)) {
        if (psv_bytes_equal(component, PSV_BYTES("..")))
            return true;
    }
    return false;
}

/* The descriptor, or a negated errno value. */
static int open_by_kernel(int root_fd, const char *path, int open_flags, unsigned flags)
{
    bool may_leave = (flags & PSV_SAFE_OPEN_LINKS_MAY_LEAVE) != 0;
    struct open_how how = {
        .flags = (unsigned)open_flags,
        .resolve = may_leave ? RESOLVE_NO_MAGICLINKS : RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH,
    };
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

static int open_by_hand(int root_fd, const char *path, int open_flags)
{
    CLEANUP(psv_fd_closep) int held = -1;
    int directory_fd = root_fd;
    struct psv_bytes rest = psv_bytes_of(path);
    struct psv_bytes component = PSV_BYTES(".");
    (void)psv_bytes_split(&rest, '/', &component);
    for (;;) {
        char name[NAME_MAX + 1];
        if (component.len > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, component.data, component.len);
        name[component.len] = '\0';
        /* empty components ("a//b") name nothing */
        while (rest.len > 0 && rest.data[0] == '/')
            rest = psv_bytes_from(rest, 1);
        if (!psv_bytes_split(&rest, '/', &component)) {
            bool is_folder = path[0] != '\0' && path[strlen(path) - 1] == '/';
            int fd = openat(directory_fd, name, open_flags | O_NOFOLLOW | (is_folder ? O_DIRECTORY : 0));
            return fd >= 0 ? fd : -errno;
        }
        int next = openat(directory_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return -errno;
        psv_fd_close(held);
        held = next;
        directory_fd = next;
    }
}

static int open_beneath(int root_fd, const char *path, int open_flags, unsigned flags)
{
    if (!atomic_load_explicit(&is_openat2_missing, memory_order_relaxed)) {
        int fd = open_by_kernel(root_fd, path, open_flags, flags);
        /* EPERM is what container run-times of the time before openat2 answer instead of ENOSYS; the walk by
         * hand reports a true one again */
        if (fd != -ENOSYS && fd != -EPERM)
            return fd;
        if (fd == -ENOSYS)
            atomic_store_explicit(&is_openat2_missing, true, memory_order_relaxed);
    }
    if ((flags & PSV_SAFE_OPEN_LINKS_MAY_LEAVE) != 0) {
        int fd = openat(root_fd, path, open_flags);
        return fd >= 0 ? fd : -errno;
    }
    return open_by_hand(root_fd, path, open_flags);
}

static int code_of(int errno_value)
{
    switch (errno_value) {
    case ENAMETOOLONG:
        return PSV_ENOENT; /* no file can have such a name */
    case EXDEV:            /* would have left the root */
    case ENXIO:            /* a socket */
    case ENODEV:
        return PSV_EACCESS;
    default:
        return psv_error_of_errno(errno_value);
    }
}

static enum psv_file_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode))
        return PSV_FILE_REGULAR;
    return S_ISDIR(mode) ? PSV_FILE_DIRECTORY : PSV_FILE_OTHER;
}

static int open_and_look(int root_fd, const char *path, int open_flags, unsigned flags,
                         struct psv_safe_file *ret_file)
{
    while (*path == '/')
        path++;
    if (has_parent_component(path))
        return PSV_EACCESS;
    CLEANUP(psv_fd_closep)
    int fd = open_beneath(root_fd, *path != '\0' ? path : ".", open_flags, flags);
    if (fd < 0)
        return code_of(-fd);

    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return PSV_EIO;
    if (S_ISLNK(facts.st_mode)) /* only the walk by hand arrives at one */
        return PSV_EACCESS;
    enum psv_file_kind kind = kind_of(facts.st_mode);
    *ret_file = (struct psv_safe_file){
        .fd = kind == PSV_FILE_OTHER || (open_flags & O_PATH) != 0 ? -1 : psv_fd_take(&fd),
        .kind = kind,
        .size_bytes = facts.st_size > 0 ? (uint64_t)facts.st_size : 0,
        .modified_s = facts.st_mtim.tv_sec,
        .modified_ns = (uint32_t)facts.st_mtim.tv_nsec,
        .inode = facts.st_ino,
        .device = facts.st_dev,
        .mode = facts.st_mode,
    };
    return 0;
}

int psv_safe_open(int root_fd, const char *path, unsigned flags, struct psv_safe_file *ret_file)
{
    /* O_NONBLOCK: opening a FIFO must not wait for its writer */
    return open_and_look(root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, flags, ret_file);
}

int psv_safe_stat(int root_fd, const char *path, unsigned flags, struct psv_safe_file *ret_file)
{
    return open_and_look(root_fd, path, O_PATH | O_CLOEXEC, flags, ret_file);
}
