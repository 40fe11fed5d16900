/* Descriptors: loops around system calls that may be interrupted or do less than asked.
 *
 * SPDX-License-Identifier: MIT */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

/* Of a file that does not tell its size. */
#define READ_STEP_BYTES 4096

int psv_fd_close(int fd)
{
    if (fd < 0)
        return -1;
    int saved = errno;
    /* Linux frees the descriptor even when close is interrupted: trying again could close somebody else's. */
    int result = close(fd);
    INVARIANT(result == 0 || errno != EBADF);
    errno = saved;
    return -1;
}

static int set_flag(int fd, int get, int set, int flag, bool is_on)
{
    int flags = fcntl(fd, get);
    if (flags < 0)
        return PSV_EIO;
    int wanted = is_on ? flags | flag : flags & ~flag;
    return wanted == flags || fcntl(fd, set, wanted) == 0 ? 0 : PSV_EIO;
}

int psv_fd_set_nonblock(int fd, bool is_on)
{
    return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, is_on);
}

int psv_fd_set_cloexec(int fd, bool is_on)
{
    return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, is_on);
}

int psv_fd_write_all(int fd, const void *data, size_t len)
{
    const char *next = data;
    while (len > 0) {
        ssize_t count = write(fd, next, len);
        if (count < 0) {
            if (errno == EINTR)
                continue;
            return psv_error_of_errno(errno);
        }
        next += count;
        len -= (size_t)count;
    }
    return 0;
}

int psv_fd_pwrite_all(int fd, const void *data, size_t len, uint64_t offset)
{
    const char *next = data;
    while (len > 0) {
        ssize_t count = pwrite(fd, next, len, (off_t)offset);
        if (count < 0) {
            if (errno == EINTR)
                continue;
            return psv_error_of_errno(errno);
        }
        next += count;
        len -= (size_t)count;
        offset += (uint64_t)count;
    }
    return 0;
}

int psv_fd_pread_all(int fd, void *out, size_t len, uint64_t offset, size_t *ret_len)
{
    char *next = out;
    size_t done = 0;
    while (done < len) {
        ssize_t count = pread(fd, next + done, len - done, (off_t)(offset + done));
        if (count < 0) {
            if (errno == EINTR)
                continue;
            return PSV_EIO;
        }
        if (count == 0)
            break;
        done += (size_t)count;
    }
    *ret_len = done;
    return 0;
}

/* One byte more than what should come, so that the end is seen without growing the buffer once more. */
static size_t first_step(int fd)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0 || facts.st_size <= 0 || facts.st_size > INT_MAX)
        return READ_STEP_BYTES;
    return (size_t)facts.st_size + 1;
}

static int read_to_end(int fd, struct psv_buffer *out)
{
    size_t step = first_step(fd);
    for (;;) {
        size_t room = out->max_bytes - out->len;
        if (room == 0) {
            /* full to the byte: fine only if the file ends here */
            char probe;
            ssize_t count = read(fd, &probe, 1);
            if (count < 0 && errno == EINTR)
                continue;
            return count == 0 ? 0 : count > 0 ? PSV_ELIMIT : PSV_EIO;
        }
        size_t wanted = MIN(step, room);
        int error = psv_buffer_reserve(out, wanted);
        if (error != 0)
            return error;
        ssize_t count = read(fd, out->data + out->len, wanted);
        if (count == 0)
            return 0;
        if (count > 0) {
            out->len += (size_t)count;
            step = READ_STEP_BYTES;
        } else if (errno != EINTR) {
            return PSV_EIO;
        }
    }
}

int psv_fd_read_file(const char *path, struct psv_buffer *out)
{
    CLEANUP(psv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return psv_error_of_errno(errno);
    size_t old_len = out->len;
    int error = read_to_end(fd, out);
    if (error != 0)
        out->len = old_len;
    return error;
}

int psv_fd_open_memory(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) /* a kernel that does not know the second flag */
        fd = memfd_create(name, MFD_CLOEXEC);
    return fd >= 0 ? fd : psv_error_of_errno(errno);
}

int psv_fd_open_unlinked(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : psv_error_of_errno(errno);
}
