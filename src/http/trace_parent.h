/* The field traceparent (W3C Trace Context, Recommendation, section 3.2).  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define PSV_TRACE_ID_LEN 32
#define PSV_SPAN_ID_LEN 16
#define PSV_TRACE_PARENT_LEN 55
#define PSV_TRACE_SAMPLED 1

struct psv_trace_parent {
    char trace_id[PSV_TRACE_ID_LEN + 1]; /* lower-case hex, never all zeros */
    char span_id[PSV_SPAN_ID_LEN + 1];
    uint8_t flags;
};

/** False for what section 4.3 has a receiver ignore: wrong lengths, upper case, all zeros, version ff; a
 * later version is read as far as it is known. */
bool psv_trace_parent_parse(struct psv_bytes value, struct psv_trace_parent *ret);
/** Version 00.  out has PSV_TRACE_PARENT_LEN + 1 bytes, with NUL. */
void psv_trace_parent_format(const struct psv_trace_parent *parent, char *out);
