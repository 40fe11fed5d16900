/* Opens files below a root directory such that no path, symbolic link, FIFO or race makes it leave that
 * directory or hang. The kernel does the walk (openat2); an older kernel gets a walk by hand, which follows
 * no symbolic link at all.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"

struct psv_error;

enum psv_file_kind {
    PSV_FILE_REGULAR,
    PSV_FILE_DIRECTORY,
    PSV_FILE_OTHER, /* FIFO, device: exists but must not be read; fd is -1 */
    PSV_FILE_KIND_COUNT
};

struct psv_safe_file {
    int fd; /* read-only, close-on-exec, the caller closes it */
    enum psv_file_kind kind;
    uint64_t size_bytes;
    int64_t modified_s; /* unix time */
    uint32_t modified_ns;
    uint64_t inode;
    uint64_t device;
    mode_t mode;
};

enum psv_safe_open_flag {
    PSV_SAFE_OPEN_LINKS_MAY_LEAVE =
        1, /* symbolic links may lead out of the root (a deployment's shared folders) */
};

/** A directory to open beneath, as a descriptor (O_PATH) that the caller closes.  0, PSV_ENOENT, PSV_EACCESS,
 * PSV_ELIMIT, PSV_EIO with a sentence.  [boot] */
MUST_CHECK int psv_safe_open_root(const char *path, int *ret_root_fd, struct psv_error *reterr);

/** Opens path (leading slashes are skipped, "" is the root itself) and looks at it.  Whatever has a ".."
 * component is PSV_EACCESS, and so is a socket, and, unless LINKS_MAY_LEAVE, a symbolic link that is absolute
 * or leads outside. PSV_ENOENT, PSV_EACCESS, PSV_ELIMIT (out of descriptors), PSV_EAGAIN (the tree was being
 * renamed all the time), PSV_EIO. [any]: waits for the disk, never for another process. */
MUST_CHECK int psv_safe_open(int root_fd, const char *path, unsigned flags, struct psv_safe_file *ret_file);

/** The same facts without an open descriptor (fd is -1): for revalidating a cache. */
MUST_CHECK int psv_safe_stat(int root_fd, const char *path, unsigned flags, struct psv_safe_file *ret_file);
