/* Memory of large bodies, of requests and responses: mappings that are used again, because most of what a
 * mapping costs is that the kernel finds, clears and takes back its pages.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "os/mapping.h"

/* What is kept for the next ones, all together and each. */
#define PSV_BODY_MEMORY_KEPT_MAX 8
#define PSV_BODY_MEMORY_KEPT_BYTES_MAX ((size_t)2 * 1024 * 1024)

/** A mapping of at least `bytes`, new or used (then with anything in it): 0 or PSV_ENOMEM.  [any] */
MUST_CHECK int psv_body_memory_open(struct psv_mapping *mapping, size_t bytes);
/** Keeps it or gives it back to the kernel; harmless when nothing is mapped.  [any] */
void psv_body_memory_close(struct psv_mapping *mapping);
/** Gives back what has not been used since the last call: call it now and then.  [any] */
void psv_body_memory_trim(void);
/** Bytes of the mappings that are kept.  [any] */
size_t psv_body_memory_kept_bytes(void);
