/* Memory of its own from the kernel: for what is too large and too short-lived for the heap.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/macros.h"

struct psv_mapping {
    char *data;      /* NULL: nothing is mapped */
    size_t capacity; /* whole pages */
};

/** At least `bytes`, more than 0, zeroed, and backed when they are touched: 0 or PSV_ENOMEM.  [any] */
MUST_CHECK int psv_mapping_open(struct psv_mapping *mapping, size_t bytes);
/** Makes it hold at least `bytes`, keeps what is in it, and may move it: 0, or PSV_ENOMEM (it is as before).
 * [any] */
MUST_CHECK int psv_mapping_grow(struct psv_mapping *mapping, size_t bytes);
/** Harmless when nothing is mapped.  [any] */
void psv_mapping_close(struct psv_mapping *mapping);
