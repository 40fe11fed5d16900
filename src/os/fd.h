/* File descriptors: closing, flags, whole reads and writes, memory files.  Results are 0 (or a descriptor) or
 * a negative PSV_E*; errno is never part of the contract.  Every function is [any], but those that may block
 * are not for the loop.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct psv_buffer;

/** Closes fd unless it is negative.  Keeps errno.  Always returns -1, so that callers can write `fd =
 * psv_fd_close(fd)`. */
int psv_fd_close(int fd);

/** For locals: `CLEANUP(psv_fd_closep) int fd = -1;` */
static inline void psv_fd_closep(int *fd)
{
    *fd = psv_fd_close(*fd);
}

/** Moves a descriptor out of its variable and leaves -1 behind. */
static inline int psv_fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/** 0 or PSV_EIO (not an open descriptor). */
MUST_CHECK int psv_fd_set_nonblock(int fd, bool is_on);
MUST_CHECK int psv_fd_set_cloexec(int fd, bool is_on);

/** Writes all of it, going on after short writes and interruptions.  PSV_EAGAIN on a full non-blocking
 * descriptor (then an unknown part was written), PSV_EGONE when the reader is gone, PSV_ELIMIT when the disk
 * or quota is full, PSV_EIO. */
MUST_CHECK int psv_fd_write_all(int fd, const void *data, size_t len);
/** The same at an offset; the descriptor's position does not move. */
MUST_CHECK int psv_fd_pwrite_all(int fd, const void *data, size_t len, uint64_t offset);

/** Reads until len bytes are there or the file ends; *ret_len says how many.  PSV_EIO. */
MUST_CHECK int psv_fd_pread_all(int fd, void *out, size_t len, uint64_t offset, size_t *ret_len);

/** Appends the whole file; works for /proc and other files that do not know their size.  PSV_ELIMIT when it
 * does not fit into out's maximum, PSV_ENOENT, PSV_EACCESS, PSV_ENOMEM, PSV_EIO; out is unchanged then.
 * Blocks. */
MUST_CHECK int psv_fd_read_file(const char *path, struct psv_buffer *out);

/** A new file that lives in memory only (close-on-exec, not executable where the kernel knows that), or a
 * negative PSV_E*: PSV_ELIMIT out of descriptors, PSV_ENOMEM.  name shows up in /proc/self/fd. */
MUST_CHECK int psv_fd_open_memory(const char *name);
/** A new file without a name in folder, gone when it is closed (close-on-exec, owner only), or a PSV_E*. */
MUST_CHECK int psv_fd_open_unlinked(const char *folder);
