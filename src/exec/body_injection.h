/* Text that development mode puts into HTML pages on their way out, as the sink sees it: before they are
 * compressed.  Implemented in filter/, chosen on the loop for each request, used by the worker.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "exec/body_filter.h"

struct psv_field;

struct psv_body_injection {
    /** Whether this response gets it; len: of its body when that is complete, else 0.  [worker] */
    bool (*takes)(const struct psv_body_injection *injection, struct psv_bytes target, unsigned status,
                  const struct psv_field *fields, unsigned fields_len, uint64_t len);
    /** Begins a body; never NULL.  One at a time and thread: beginning the next ends the last.  [worker] */
    struct psv_body_encoder *(*begin)(const struct psv_body_injection *injection);
};
