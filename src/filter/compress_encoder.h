/* What each compression library is wrapped into.  A context belongs to a thread and is used for one response
 * after the other: making one costs more than a small response.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "exec/body_filter.h"

struct psv_encoder_kind {
    /** NULL when out of memory. */
    void *(*context_new)(int level);
    void (*context_free)(void *context);
    /** Begins a new response; len is its length, 0 if that is not known.  0 or PSV_ENOMEM. */
    MUST_CHECK int (*reset)(void *context, int level, uint64_t len);
    MUST_CHECK int (*encode)(void *context, const void *data, size_t len, struct psv_response_body *out);
    MUST_CHECK int (*end)(void *context, enum psv_body_end end, struct psv_response_body *out);
};

extern const struct psv_encoder_kind psv_encoder_gzip;
extern const struct psv_encoder_kind psv_encoder_brotli;
extern const struct psv_encoder_kind psv_encoder_zstd;

/* Output is made in portions of this size, on the stack. */
#define PSV_ENCODER_PORTION_BYTES ((size_t)16 * 1024)
