/* How a worker encodes response bodies (RFC 9110 8.4), as the sink sees it.  Implemented in filter/, chosen
 * on the loop for each request, used by the worker.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "exec/response_body.h"

enum psv_body_end {
    PSV_BODY_FLUSH,  /* what was given so far can be decoded; more will come */
    PSV_BODY_FINISH, /* that was all */
};

/** One response being encoded. */
struct psv_body_encoder {
    /** Appends the encoded form of data to out.  0, PSV_ENOMEM, PSV_EIO.  [worker] */
    MUST_CHECK int (*encode)(struct psv_body_encoder *encoder, const void *data, size_t len,
                             struct psv_response_body *out);
    /** Completes what encode was given. */
    MUST_CHECK int (*end)(struct psv_body_encoder *encoder, enum psv_body_end end,
                          struct psv_response_body *out);
};

/** One content coding with its rules; const and shared by all requests. */
struct psv_body_filter {
    struct psv_bytes coding; /* "gzip"; "" = this client takes none: only Vary is told */
    uint64_t min_bytes;      /* complete bodies that are smaller stay as they are */
    bool (*takes_type)(const struct psv_body_filter *filter, struct psv_bytes content_type);
    /** Begins a response of len bytes (0: not known); NULL when out of memory.  One at a time and thread:
     * beginning the next ends the last.  [worker] */
    struct psv_body_encoder *(*begin)(const struct psv_body_filter *filter, uint64_t len);
};
