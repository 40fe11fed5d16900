/* Folders outside of which this process, and all that it starts, cannot write: Linux's Landlock.  Reading,
 * and running programs, stay as they are.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

/** Applies to the calling thread and to those and the processes it starts later: to be called before the
 * second thread.  Forbids creating, changing, renaming and removing files outside of the folders, but for
 * /dev (written to only); implies no_new_privs.  Cannot be undone.  PSV_EUNSUPPORTED where the kernel has no
 * Landlock, PSV_ENOENT with the folder's name, PSV_EIO.  [boot] */
MUST_CHECK int psv_write_fence_raise(const char *const *folders, size_t folders_len,
                                     struct psv_error *reterr);
