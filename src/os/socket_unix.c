/* Unix sockets in the file system: a stale file is replaced, a living one is not, our own is removed at the
 * end.
 *
 * SPDX-License-Identifier: MIT */
#include "socket.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

bool psv_socket_is_unix(const struct psv_socket_address *address)
{
    return address->of.any.sa_family == AF_UNIX;
}

/* Does anybody listen there? */
static bool is_alive(const struct psv_socket_address *address)
{
    CLEANUP(psv_fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd >= 0 && (connect(fd, &address->of.any, address->len) == 0 || errno == EAGAIN);
}

int psv_socket_prepare_unix(const struct psv_socket_address *address)
{
    const char *path = address->of.local.sun_path;
    struct stat status;

    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0 : errno;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return EEXIST; /* somebody's file */
    }
    if (is_alive(address)) {
        return EADDRINUSE;
    }
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

int psv_socket_finish_unix(const struct psv_socket_address *address, unsigned mode,
                           struct psv_socket_file *ret_file)
{
    struct stat status;

    if (chmod(address->of.local.sun_path, (mode_t)mode) != 0 ||
        lstat(address->of.local.sun_path, &status) != 0) {
        return errno;
    }
    ret_file->device = status.st_dev;
    ret_file->inode = status.st_ino;
    return 0;
}

void psv_socket_remove_unix(const struct psv_socket_address *address, const struct psv_socket_file *file)
{
    struct stat status;

    /* another server may have put its own in this place */
    if (lstat(address->of.local.sun_path, &status) == 0 && status.st_dev == file->device &&
        status.st_ino == file->inode) {
        (void)unlink(address->of.local.sun_path);
    }
}
