/* Where log lines go: standard error, standard output or a file, written to by the log thread, which may
 * block here.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_log_sink {
    int fd;              /* -1 = closed */
    bool is_file;        /* ours to close and to reopen */
    char path[PATH_MAX]; /* of a file */
};

/** target: "stderr", "stdout" or a path (created, appended to).  0, PSV_EINVAL, PSV_EACCESS, PSV_EIO.  [boot]
 */
MUST_CHECK int psv_log_sink_open(struct psv_log_sink *sink, const char *target, struct psv_error *reterr);
void psv_log_sink_close(struct psv_log_sink *sink);
/** Opens a file's path again, keeping the old descriptor when that fails.  [log thread] */
MUST_CHECK int psv_log_sink_reopen(struct psv_log_sink *sink, struct psv_error *reterr);

/** Writes all of it, waiting as long as the reader takes; changes iov.  PSV_EIO: the rest is lost.  [log
 * thread] */
MUST_CHECK int psv_log_sink_write(const struct psv_log_sink *sink, struct iovec *iov, int count);
/** Writes one line (up to 4 KiB) directly, without waiting longer than wait_ms for a full pipe.  0,
 * PSV_EAGAIN, PSV_EIO. [any] */
MUST_CHECK int psv_log_sink_write_now(int fd, const char *line, size_t len, int wait_ms);
