/* Memory that response bodies take while they wait for slow clients: one account for the process.  Up to its
 * limit bodies lie in memory and in memfds; beyond it in unlinked files of a folder, whose pages the kernel
 * can write out. Bodies in a request's own arena are not counted: they are small and bounded by the number of
 * requests.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/** max_bytes: the limit; folder (must outlive the server) for what is beyond, "" = none: then memfds go on.
 * PSV_EIO when no file can be made in it (the folder is not used then).  [boot] */
MUST_CHECK int psv_response_memory_init(uint64_t max_bytes, const char *folder);

/** A posted body waits; it was sent or thrown away.  [any] */
void psv_response_memory_hold(uint64_t bytes);
void psv_response_memory_release(uint64_t bytes);

/** Bytes in memory that a new body may take when it could have `usual`: less once the limit is reached. [any]
 */
size_t psv_response_memory_threshold(size_t usual);
/** A file for a body: memfd, or beyond the limit one in the folder.  PSV_EIO, PSV_ENOMEM ... [any] */
MUST_CHECK int psv_response_memory_open(void);
