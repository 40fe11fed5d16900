/* Opening, reopening and writing of log targets.  The log thread's, but for write_now.  Knows no log lines.
 *
 * SPDX-License-Identifier: MIT */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/fd.h"

static int open_file(const char *path, int *ret_fd, struct psv_error *reterr)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0) {
        int code = errno == EACCES || errno == EPERM ? PSV_EACCESS : PSV_EIO;
        return psv_error_set_errno(reterr, code, errno, "cannot open the log file \"%s\"", path);
    }
    *ret_fd = fd;
    return 0;
}

int psv_log_sink_open(struct psv_log_sink *sink, const char *target, struct psv_error *reterr)
{
    struct psv_bytes name = psv_bytes_of(target);
    if (psv_bytes_equal(name, PSV_BYTES("stderr"))) {
        *sink = (struct psv_log_sink){.fd = STDERR_FILENO};
        return 0;
    }
    if (psv_bytes_equal(name, PSV_BYTES("stdout"))) {
        *sink = (struct psv_log_sink){.fd = STDOUT_FILENO};
        return 0;
    }
    if (name.len == 0 || name.len >= sizeof(sink->path)) {
        return psv_error_set(reterr, PSV_EINVAL, "the path of a log file must have 1 to %zu bytes",
                             sizeof(sink->path) - 1);
    }
    int fd = -1;
    int result = open_file(target, &fd, reterr);
    if (result != 0) {
        return result;
    }
    *sink = (struct psv_log_sink){.fd = fd, .is_file = true};
    memcpy(sink->path, name.data, name.len + 1);
    return 0;
}

void psv_log_sink_close(struct psv_log_sink *sink)
{
    if (sink->is_file) {
        (void)psv_fd_close(sink->fd);
    }
    *sink = (struct psv_log_sink){.fd = -1};
}

int psv_log_sink_reopen(struct psv_log_sink *sink, struct psv_error *reterr)
{
    if (!sink->is_file) {
        return 0;
    }
    int fd = -1;
    int result = open_file(sink->path, &fd, reterr);
    if (result == 0) {
        (void)psv_fd_close(sink->fd);
        sink->fd = fd;
    }
    return result;
}

/* Drops what was written from the front of iov; returns how many entries are done with. */
static int advance(struct iovec *iov, int count, size_t written)
{
    int done = 0;
    while (done < count && written >= iov[done].iov_len) {
        written -= iov[done].iov_len;
        done++;
    }
    if (done < count) {
        iov[done].iov_base = (char *)iov[done].iov_base + written;
        iov[done].iov_len -= written;
    }
    return done;
}

int psv_log_sink_write(const struct psv_log_sink *sink, struct iovec *iov, int count)
{
    while (count > 0) {
        ssize_t written = writev(sink->fd, iov, count);
        if (written >= 0) {
            int done = advance(iov, count, (size_t)written);
            iov += done;
            count -= done;
        } else if (errno == EAGAIN) {
            /* Somebody else made the shared descriptor non-blocking. */
            struct pollfd wait = {.fd = sink->fd, .events = POLLOUT};
            (void)poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return PSV_EIO;
        }
    }
    return 0;
}

int psv_log_sink_write_now(int fd, const char *line, size_t len, int wait_ms)
{
    /* A pipe that polls writable takes a page at once: the write cannot block. */
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int ready = poll(&wait, 1, wait_ms);
    if (ready <= 0 || (wait.revents & POLLOUT) == 0) {
        return ready == 0 ? PSV_EAGAIN : PSV_EIO;
    }
    ssize_t written;
    do {
        written = write(fd, line, len);
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
        return errno == EAGAIN ? PSV_EAGAIN : PSV_EIO;
    }
    return 0;
}
